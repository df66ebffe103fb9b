#!/bin/sh
# start.sh [prepare | guard | interrupt | decode GDB-ARGUMENT... | take [SOCKET] | drgn ARGUMENT... | crash ARGUMENT... |
#           dap GDB-ARGUMENT... | GDB-ARGUMENT...] — the debugger's container.
#
#   /out    vmlinux, vmlinux-gdb.py, scripts/gdb, modules; index/ is gdb's own index of them
#   /src    the kernel source, where the debug information says that it is
#   /build  objects and generated headers
#   /in     session.gdb's history and the user's own scripts
#   /dump   core: a dump of the guest's memory, for drgn and crash
set -eu
lib=${0%/*}
# shellcheck source=images/gdb/names.sh
. "$lib/names.sh"
pid=/tmp/gdb.pid

# crash 8.0.6 does not know the small allocators of small kernels; without `kmem -s` it can do all the rest.
small_allocator() { grep -qE '^CONFIG_(SLUB_TINY|SLOB)=y' "$KDOCK_SYMBOLS/config" 2>/dev/null; }

# Programs draw nothing on a terminal that they do not know.
if [ -t 0 ] && ! infocmp "${TERM:-}" > /dev/null 2>&1; then
  export TERM=xterm-256color
fi

# A guest of another architecture than this machine's wants a gdb that knows it. What the vmlinux is for, its ELF header says.
case "$(od -An -tu2 -j18 -N2 "$KDOCK_SYMBOLS/vmlinux" 2>/dev/null | tr -d ' ')/$(uname -m)" in
  62/x86_64 | 183/aarch64 | 243/riscv64 | /*) gdb=gdb ;;
  *) if command -v gdb-multiarch > /dev/null; then gdb="gdb-multiarch"; else
    echo "kdock: this debugger knows no such architecture: KDOCK_KERNEL_ARCH=... names the one of the VM" >&2
    gdb=gdb
  fi ;;
esac

case "${1:-}" in
  # Makes the index once, so that no session waits for it, and marks /out as whole.
  prepare)
    $gdb -nx -q -batch -iex 'set auto-load no' -iex "set index-cache directory $KDOCK_SYMBOLS/index" -iex 'set index-cache enabled on' \
      -ex 'maintenance wait-for-index-cache' "$KDOCK_SYMBOLS/vmlinux"
    : > "$KDOCK_SYMBOLS_WHOLE"
    exit ;;
  # Run beside a session. Its stdin ends with the program that asked for the session, also where that is killed: there is
  # no reader left.
  guard)
    cat > /dev/null
    kill -KILL "$(cat "$pid")"
    exit ;;
  interrupt)
    kill -INT "$(cat "$pid")"
    exit ;;
  # The caller does not check whether /out is whole.
  decode)
    shift
    [ -e "$KDOCK_SYMBOLS_WHOLE" ] || exit "$KDOCK_NOT_WHOLE"
    exec $gdb -iex "set index-cache directory $KDOCK_SYMBOLS/index" -iex 'set index-cache enabled on' "$@" ;;
  take)
    shift
    exec python3 "$lib/kdock/core.py" "$@" ;;
  drgn)
    shift
    piped=no
    if [ ! -t 0 ] && [ $# -eq 0 ]; then piped=yes; fi
    # shellcheck disable=SC2044 # module files have no spaces in their names
    for module in $(find "$KDOCK_SYMBOLS/modules" -name '*.ko' 2>/dev/null); do set -- -s "$module" "$@"; done
    set -- -c "$KDOCK_CORE" --main-symbols -s "$KDOCK_SYMBOLS/vmlinux" "$@"
    # A program on stdin is read to its end, which a container's stdin has not: kdock's last line stands for it.
    if [ "$piped" = yes ]; then sed '/^exit()$/q' | drgn "$@"; exit; fi
    exec drgn "$@" ;;
  crash)
    shift
    python3 "$lib/kdock/mend.py" "$KDOCK_CORE" "$KDOCK_SYMBOLS/vmlinux" || echo "kdock: the dump stays as it is" >&2
    if small_allocator; then set -- --no_kmem_cache "$@"; fi
    exec crash -s "$KDOCK_SYMBOLS/vmlinux" "$KDOCK_CORE" "$@" ;;
  # An editor's protocol is on stdout, and nothing else may be.
  dap)
    shift
    set -- -i=dap "$@"
    exec 2> /tmp/stderr ;;
esac

# A child, because the first process of a container cannot be killed from inside it.
code=0
sh -c 'echo $$ > "$0" && exec "$@"' "$pid" "$gdb" "$@" || code=$?
# One that ended by itself let the guest go; one that was killed left its breakpoints in.
if [ "$code" -gt 128 ]; then
  KDOCK_TARGET=$KDOCK_STUB $gdb -nx -batch -x "$lib/kdock/release.py" > /dev/null 2>&1 || true
fi
exit "$code"
