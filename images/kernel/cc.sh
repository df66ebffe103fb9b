#!/bin/sh
# cc.sh COMPILER WORD... — the compiler as make knows it: the same words, and for some objects a few more at their end,
# where they win over those before them.
#
#   KDOCK_OPTIMIZE  which objects, and what: "net/ipv4/tcp_ipv4.o=-Og net/ipv4/tcp_input.o=-O1"
#   KDOCK_COMPAT    the same, of compat.sh. "all" stands for every object, and its word comes first: what the tree itself asks
#                   for, such as -fPIC for the decompressor, wins; "last" does as well, and its word wins
#
# An object is named as make names it, by its whole path: a Makefile's own CFLAGS_tcp_ipv4.o would mean every
# tcp_ipv4.o. The script takes part in every build, because make compares command lines: were it there for a list only,
# the first file on the list would compile the whole kernel anew.

object='' word=''
for next in "$@"; do
  [ "$word" != -o ] || object=$next
  word=$next
done
source=$word

case "$1 $*" in
  # What the cache is not asked for, because it takes longer to say that it has not seen it than the assembler to do it: the
  # names of all symbols, which are assembled two or three times for every vmlinux and are others after every change.
  ccache*' -o .tmp_'*kallsyms*) shift ;;
  # A file that was edited since its object was made. The cache would have it preprocessed, which takes a fifth of the time, to
  # see whether what the compiler gets is what it got before; now it looks at the files alone, as it does first in any case,
  # and keeps nothing, because only in the preprocessed text it would see that the assembler is told to take in a file.
  ccache*.c)
    # shellcheck disable=SC3013 # dash has it
    if [ -e "$object" ] && [ "$source" -nt "$object" ]; then export CCACHE_READONLY_DIRECT=1; fi ;;
esac

[ -n "${KDOCK_OPTIMIZE-}${KDOCK_COMPAT-}" ] || exec "$@"

# Kernels before 5.18 write objects under such a name first when they want the versions of symbols.
case "$object" in
  */.tmp_*.o) object=${object%/*}/${object##*/.tmp_} ;;
esac

for pair in ${KDOCK_COMPAT-}; do
  case "${pair%%=*}" in
    all)
      compiler=$1
      shift
      if [ "$compiler" = ccache ]; then compiler="ccache $1"; shift; fi
      # shellcheck disable=SC2086 # one word or two, on purpose
      set -- $compiler "${pair#*=}" "$@" ;;
    last | "$object") set -- "$@" "${pair#*=}" ;;
  esac
done
for pair in ${KDOCK_OPTIMIZE-}; do
  [ "${pair%%=*}" = "$object" ] || continue
  # A warning that only this level gives is no mistake of the source's, also where CONFIG_WERROR makes it one.
  set -- "$@" "${pair#*=}" -Wno-error
  # To gcc's -Og: what min() and others of the kernel's macros need to see that a value is not negative; without what
  # eliminates dead code, and in the order of the source.
  case "$TOOLCHAIN ${pair#*=}" in
    gcc-*' -Og') set -- "$@" -ftree-bit-ccp -fno-tree-dce -fno-reorder-blocks ;;
  esac
done
exec "$@"
