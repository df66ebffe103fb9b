#!/bin/sh
# cross-packages.sh gcc|gcc-14|clang-19 TRIPLET ARCHITECTURE — the Debian packages that a compiler needs on top of its own to
# compile for an architecture: GNU's name of it, then Debian's. "gcc" is the suite's own, for what is linked against a libc.
# That libc comes out of the same package on every machine, so that what is linked has the same bytes: musl for amd64, and
# for others, for which Debian has no musl that a cross compiler finds, glibc.
set -eu
compiler=$1 triplet=$(echo "$2" | tr _ -) architecture=$3
case "$compiler $architecture" in
  # On amd64 it is in images/busybox/packages.
  'gcc amd64') libc=musl-dev:amd64 ;;
  gcc*) libc=libc6-dev-$architecture-cross ;;
esac
if [ "$(dpkg --print-architecture)" = "$architecture" ]; then
  [ "$compiler" != gcc ] || [ "$architecture" = amd64 ] || echo "$libc"
  exit
fi
case "$compiler" in
  gcc) echo "gcc-$triplet $libc" ;;
  # The kernel's compiler plugins are programs for this machine, and belong to the compiler that loads them.
  gcc-*) echo "$compiler-$triplet binutils-$triplet $compiler-plugin-dev-$triplet" ;;
  # One clang compiles for all.
  clang-*) ;;
  *) echo "unknown compiler '$compiler': gcc, gcc-N or clang-N" >&2; exit 2 ;;
esac
