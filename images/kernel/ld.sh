#!/bin/sh
# ld.sh WORD... — the linker (KDOCK_LD) for kernels before 4.16, which know R_X86_64_PC32 of a call and not R_X86_64_PLT32, its
# name since binutils 2.31. Without a procedure linkage table, as in the kernel, the two are the same. What reads relocations
# itself gets the old name: the loader, of a module, and the kernel's own tool, of a vmlinux that can be moved.
"$KDOCK_LD" "$@" || exit

output='' word=''
for next in "$@"; do
  [ "$word" != -o ] || output=$next
  word=$next
done
case "$output" in
  *.ko | vmlinux | *.tmp_vmlinux*) exec perl "${0%/*}/plt32.pl" "$output" ;;
esac
