# shellcheck shell=sh
# source-path.sh — path:FOLDER: a tree of the user's, for source.sh.
# shellcheck disable=SC2154 # the caller's words
refuse() {
  echo "error: cannot fetch '$spec': this builder does not know path:FOLDER yet" >&2
  exit 64
}
already_there() { false; }
resolve() { refuse; }
fetch() { refuse; }
