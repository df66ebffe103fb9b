#!/bin/sh
# panic.sh FILE — waits for the guest's kernel to panic, has QEMU write the guest's memory to FILE, and ends QEMU. QEMU's
# monitor is on stdin and stdout; the person reads stderr. No kdock need be running when a VM in the background panics.
#
# FILE appears only when it is whole; otherwise FILE.why says why there is none. (The console could say so only in the midst of
# the guest's words.)
set -eu
file=$1

ask() { printf '{"execute":"%s"%s}\n' "$1" "${2:+,\"arguments\":$2}"; }
say() { printf '[kdock] %s\r\n' "$*" >&2; }

ask qmp_capabilities
while read -r line; do
  case "$line" in
    *'"event": "GUEST_PANICKED"'*)
      say "the kernel panicked: writing the guest's memory"
      ask dump-guest-memory "{\"paging\":false,\"protocol\":\"file:$file.part\",\"detach\":true}" ;;
    *'"event": "DUMP_COMPLETED"'*'"error": '* | '{"error": '*)
      say "the guest's memory could not be written: $line"
      printf '%s\n' "$line" >"$file.why"
      rm -f "$file.part"
      ask quit ;;
    *'"event": "DUMP_COMPLETED"'*)
      mv "$file.part" "$file"
      say "the guest's memory is written"
      ask quit ;;
  esac
done
