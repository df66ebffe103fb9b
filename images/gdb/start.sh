#!/bin/sh
# start.sh [prepare | dap GDB-ARGUMENT... | GDB-ARGUMENT...] — the debugger's container.
#
#   /out    vmlinux, vmlinux-gdb.py, scripts/gdb, modules; index/ is gdb's own index of them
#   /src    the kernel source, where the debug information says that it is
#   /build  objects and generated headers
#   /in     session.gdb's history and the user's own scripts
#
# `prepare` makes the index once, so that no session waits for it, and marks /out as whole.
set -eu
if [ "${1:-}" = prepare ]; then
  gdb -nx -q -batch -iex 'set auto-load no' -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' \
    -ex 'maintenance wait-for-index-cache' /out/vmlinux
  : > /out/.whole
  exit
fi
# An editor's protocol is on stdout, and nothing else may be.
if [ "${1:-}" = dap ]; then
  shift
  exec gdb -i=dap "$@" 2>/tmp/stderr
fi
exec gdb "$@"
