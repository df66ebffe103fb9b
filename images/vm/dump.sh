#!/bin/sh
# dump.sh SOCAT-ADDRESS — passes on what QEMU writes into a pipe: the way out for the guest's memory, which needs no disk
# space in here. The pipe's path is the one line on stderr; QEMU may write from then on.
#
# A line on stdin says that QEMU is done. An end of stdin without one means that kdock has gone: the pipe breaks,
# QEMU gives the dump up, and the guest goes on.
set -eu
# shellcheck source=images/vm/names.sh
. "${0%/*}/names.sh"
pipe=$(mktemp -u "$KDOCK_RUN/dump.XXXXXX")
trap 'rm -f "$pipe"' EXIT
mkfifo -m 600 "$pipe"

# Open for reading before QEMU opens it: QEMU, and the guest with it, would wait for a reader. That in turn needs a
# writer, which is this shell until QEMU is done.
exec 3<>"$pipe" 4<"$pipe"
# A reader that dies takes this shell with it, or QEMU would wait for it.
(
  trap 'kill "$!"' TERM
  socat -u -b 65536 FD:4 "$1" &
  wait "$!" || { rm -f "$pipe"; kill $$; exit 1; }
) 3>&- &
reader=$!
exec 4<&-
echo "$pipe" >&2

if read -r _; then
  exec 3>&-
  wait "$reader"
else
  kill "$reader" 2>/dev/null
  exit 1
fi
