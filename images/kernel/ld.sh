#!/bin/sh
# ld.sh WORD... — the linker (KDOCK_LD) for kernels before 4.16 on x86_64, which do not know what changed with binutils 2.31:
#
# R_X86_64_PC32 of a call is R_X86_64_PLT32 now. Without a procedure linkage table, as in the kernel, the two are the same.
# What reads relocations itself gets the old name: the loader, of a module, and the kernel's own tool, of a vmlinux that can
# be moved.
#
# Segments begin at multiples of 4 KiB now. The kernel has to begin at one of 2 MiB.

output='' word=''
for next in "$@"; do
  [ "$word" != -o ] || output=$next
  word=$next
done
case "$output" in
  vmlinux | .tmp_vmlinux*)
    "$KDOCK_LD" -z max-page-size=0x200000 "$@" || exit ;;
  *.ko)
    "$KDOCK_LD" "$@" || exit ;;
  *) exec "$KDOCK_LD" "$@" ;;
esac
exec perl "${0%/*}/plt32.pl" "$output"
