#!/bin/sh
# toolchain-packages.sh gcc-14|clang-19 — the Debian packages that make up a toolchain.
set -eu
case "$1" in
  # The last two are for the kernel's compiler plugins (latent_entropy, randstruct), which are written in C++.
  gcc-*) echo "$1 binutils libc6-dev g++-${1#gcc-} $1-plugin-dev" ;;
  # The kernel's host tools are linked against glibc, for which clang borrows gcc's start files.
  clang-*) echo "$1 lld-${1#clang-} llvm-${1#clang-} gcc binutils libc6-dev" ;;
  *) echo "unknown toolchain '$1': gcc-N or clang-N" >&2; exit 2 ;;
esac
