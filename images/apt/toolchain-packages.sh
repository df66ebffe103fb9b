#!/bin/sh
# toolchain-packages.sh gcc-14|clang-19 — the Debian packages that make up a toolchain.
set -eu
case "$1" in
  gcc-*) echo "$1 binutils libc6-dev" ;;
  # The kernel's host tools are linked against glibc, for which clang borrows gcc's start files.
  clang-*) echo "$1 lld-${1#clang-} llvm-${1#clang-} gcc binutils libc6-dev" ;;
  *) echo "unknown toolchain '$1': gcc-N or clang-N" >&2; exit 2 ;;
esac
