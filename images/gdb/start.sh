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
lib=/usr/local/lib/kdock
pid=/tmp/gdb.pid

# crash 8.0.6 does not know the small allocators of small kernels; without `kmem -s` it can do all the rest.
small_allocator() { grep -qE '^CONFIG_(SLUB_TINY|SLOB)=y' /out/config 2>/dev/null; }

# Programs draw nothing on a terminal that they do not know.
if [ -t 0 ] && ! infocmp "${TERM:-}" > /dev/null 2>&1; then
  export TERM=xterm-256color
fi

# A guest of another architecture than this machine's wants a gdb that knows it. What the vmlinux is for, its ELF header says.
case "$(od -An -tu2 -j18 -N2 /out/vmlinux 2>/dev/null | tr -d ' ')/$(uname -m)" in
  62/x86_64 | 183/aarch64 | 243/riscv64 | /*) gdb=gdb ;;
  *) if command -v gdb-multiarch > /dev/null; then gdb="gdb-multiarch"; else
    echo "kdock: this debugger knows no such architecture: KDOCK_KERNEL_ARCH=... names the one of the VM" >&2
    gdb=gdb
  fi ;;
esac

case "${1:-}" in
  # Makes the index once, so that no session waits for it, and marks /out as whole.
  prepare)
    $gdb -nx -q -batch -iex 'set auto-load no' -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' \
      -ex 'maintenance wait-for-index-cache' /out/vmlinux
    : > /out/.whole
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
    [ -e /out/.whole ] || exit 75
    exec $gdb -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' "$@" ;;
  take)
    shift
    exec python3 "$lib/kdock/core.py" "$@" ;;
  drgn)
    shift
    piped=no
    if [ ! -t 0 ] && [ $# -eq 0 ]; then piped=yes; fi
    # shellcheck disable=SC2044 # module files have no spaces in their names
    for module in $(find /out/modules -name '*.ko' 2>/dev/null); do set -- -s "$module" "$@"; done
    set -- -c /dump/core --main-symbols -s /out/vmlinux "$@"
    # A program on stdin is read to its end, which a container's stdin has not: kdock's last line stands for it.
    if [ "$piped" = yes ]; then sed '/^exit()$/q' | drgn "$@"; exit; fi
    exec drgn "$@" ;;
  crash)
    shift
    python3 "$lib/kdock/mend.py" /dump/core /out/vmlinux || echo "kdock: the dump stays as it is" >&2
    if small_allocator; then set -- --no_kmem_cache "$@"; fi
    exec crash -s /out/vmlinux /dump/core "$@" ;;
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
  KDOCK_TARGET=127.0.0.1:1234 $gdb -nx -batch -x "$lib/kdock/release.py" > /dev/null 2>&1 || true
fi
exit "$code"
