#!/bin/sh
# start.sh [prepare | guard | interrupt | dap GDB-ARGUMENT... | GDB-ARGUMENT...] — the debugger's container.
#
#   /out    vmlinux, vmlinux-gdb.py, scripts/gdb, modules; index/ is gdb's own index of them
#   /src    the kernel source, where the debug information says that it is
#   /build  objects and generated headers
#   /in     session.gdb's history and the user's own scripts
#
# `prepare` makes the index once, so that no session waits for it, and marks /out as whole. `guard` and `interrupt` are run
# beside a session.
set -eu
pid=/tmp/gdb.pid
case ${1:-} in
prepare)
  gdb -nx -q -batch -iex 'set auto-load no' -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' \
    -ex 'maintenance wait-for-index-cache' /out/vmlinux
  : > /out/.whole
  exit
  ;;
guard)
  # Its stdin ends with the program that asked for the session, also where that is killed: nobody is left to talk to.
  cat > /dev/null
  kill -KILL "$(cat "$pid")"
  exit
  ;;
interrupt)
  kill -INT "$(cat "$pid")"
  exit
  ;;
esac

# gdb draws nothing on a terminal that it does not know.
if [ -t 0 ] && ! infocmp "${TERM:-}" > /dev/null 2>&1; then
  export TERM=xterm-256color
fi
# An editor's protocol is on stdout, and nothing else may be.
if [ "${1:-}" = dap ]; then
  shift
  set -- -i=dap "$@"
  exec 2> /tmp/stderr
fi
# A child, because the first process of a container cannot be killed from inside it.
code=0
sh -c 'echo $$ > "$0" && exec gdb "$@"' "$pid" "$@" || code=$?
# One that ended by itself let the guest go; one that was killed left its breakpoints in.
if [ "$code" -gt 128 ]; then
  KDOCK_TARGET=127.0.0.1:1234 gdb -nx -batch -x /usr/local/lib/kdock/kdock/release.py > /dev/null 2>&1 || true
fi
exit "$code"
