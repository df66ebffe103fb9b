# shellcheck shell=sh
# source-release.sh — release:X.Y[.Z], for source.sh: a tarball of kernel.org.
# shellcheck disable=SC2154 # the caller's words
refuse() {
  echo "error: cannot fetch '$spec': this builder does not know release:X.Y yet" >&2
  exit 64
}
already_there() { false; }
resolve() { refuse; }
fetch() { refuse; }
