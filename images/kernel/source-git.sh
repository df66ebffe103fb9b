# shellcheck shell=sh
# source-git.sh — git:URL#REF: a commit of a git repository, for source.sh.
#   @kdock source kernel git VERSION COMMIT
#
#   KDOCK_SOURCE_COMMIT   exactly this commit
# shellcheck disable=SC2154 # the caller's words
refuse() {
  echo "error: cannot fetch '$spec': this builder does not know git:URL#REF yet" >&2
  exit 64
}
already_there() { false; }
resolve() { refuse; }
fetch() { refuse; }
