#!/bin/sh
# source.sh SPEC — puts the kernel source into /src, once: /src/.kdock-source says what is there.
# source.sh --resolve SPEC — prints what that would be today, as "@kdock source kernel ...", and leaves the tree alone.
#
# SPEC is debian:X.Y, release:X.Y[.Z], git:URL#REF or path:FOLDER, and source-KIND.sh beside this script provides it: what
# it reads, and what its line says, stands there. Each defines
#
#   already_there   succeeds when the marker's further words hold what is pinned
#   resolve         prints the line
#   fetch           leaves the tree in $work/tree, and in $work/facts the marker's lines: origin, version, sha256 ...
#
# Exit codes, the same for all: 64 what is asked for is refused, or there is no such thing; 65, after "@kdock drift NAME
# LOCKED AVAILABLE", what is pinned is not available any more; 69 no mirror that might have it can be reached; 1 anything else.
set -eu
umask 022
export LC_ALL=C
here=$(dirname "$0")
marker=/src/.kdock-source
resolving=
if [ "$1" = --resolve ]; then resolving=1; shift; fi
spec=$1

marked() { sed -n "s/^$1 //p" "$marker" 2>/dev/null; }
fact() { echo "$*" >> "$work/facts"; }
drift() { # name, locked, the one that there is, sentence
  echo "@kdock drift $1 $2 $3"
  echo "error: $4" >&2
  exit 65
}

case "$spec" in
  debian:* | release:* | git:* | path:*) ;;
  *) echo "error: cannot fetch '$spec': the builder knows debian:X.Y, release:X.Y.Z, git:URL#REF and path:FOLDER" >&2; exit 64 ;;
esac
# shellcheck source=images/kernel/source-debian.sh
. "$here/source-${spec%%:*}.sh"

# All or nothing: the marker is written last. What is being downloaded is kept until it is unpacked.
install_tree() {
  rm -f "$marker"
  find /src -mindepth 1 -maxdepth 1 ! -path "$work" -exec rm -rf {} +
  find "$work/tree" -mindepth 1 -maxdepth 1 -exec mv -t /src {} +
  {
    echo "spec $spec"
    cat "$work/facts"
    # The date of the build: as of the untouched tree, whatever patches do to the Makefile.
    echo "epoch $(stat -c %Y /src/Makefile)"
  } > "$marker.new"
  mv "$marker.new" "$marker"
}

if [ -z "$resolving" ] && [ "$(marked spec)" = "$spec" ] && already_there; then
  echo "==> source: $(marked origin) (already there)"
  exit 0
fi
if [ -n "$resolving" ]; then work=$(mktemp -d); else work=$(mktemp -d /src/.fetch.XXXXXX); fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ -n "$resolving" ]; then
  resolve
else
  echo "@kdock phase fetch"
  mkdir "$work/tree"
  : > "$work/facts"
  fetch
  install_tree
  echo "==> source: $(marked origin)"
fi
