#!/bin/sh
# cross-packages.sh gcc|gcc-14|clang-19 TRIPLET ARCHITECTURE — the Debian packages that a compiler needs on top of its own to
# compile for another architecture: GNU's name of it, then Debian's. "gcc" is the suite's own, for what is linked against a libc.
set -eu
compiler=$1 triplet=$2 architecture=$3
[ "$(dpkg --print-architecture)" != "$architecture" ] || exit 0
case "$compiler" in
  gcc) echo "gcc-$triplet libc6-dev-$architecture-cross" ;;
  # The kernel's compiler plugins are programs for this machine, and belong to the compiler that loads them.
  gcc-*) echo "$compiler-$triplet binutils-$triplet $compiler-plugin-dev-$triplet" ;;
  # One clang compiles for all.
  clang-*) ;;
  *) echo "unknown compiler '$compiler': gcc, gcc-N or clang-N" >&2; exit 2 ;;
esac
