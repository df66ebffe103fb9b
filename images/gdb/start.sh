#!/bin/sh
# start.sh [prepare | decode GDB-ARGUMENT... | take [SOCKET] | drgn ARGUMENT... | crash ARGUMENT... |
#           dap GDB-ARGUMENT... | GDB-ARGUMENT...] — the debugger's container.
#
#   /out    vmlinux, vmlinux-gdb.py, scripts/gdb, modules; index/ is gdb's own index of them
#   /src    the kernel source, where the debug information says that it is
#   /build  objects and generated headers
#   /in     session.gdb's history and the user's own scripts
#   /dump   core: a dump of the guest's memory, for drgn and crash
set -eu
lib=/usr/local/lib/kdock

# crash 8.0.6 does not know the small allocators of small kernels; without `kmem -s` it can do all the rest.
small_allocator() { grep -qE '^CONFIG_(SLUB_TINY|SLOB)=y' /out/config 2>/dev/null; }

case "${1:-}" in
  # Makes the index once, so that no session waits for it, and marks /out as whole.
  prepare)
    gdb -nx -q -batch -iex 'set auto-load no' -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' \
      -ex 'maintenance wait-for-index-cache' /out/vmlinux
    : > /out/.whole ;;
  # Nobody looks whether /out is whole before this one starts.
  decode)
    shift
    [ -e /out/.whole ] || exit 75
    exec gdb -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled on' "$@" ;;
  take)
    shift
    exec python3 "$lib/kdock/core.py" "$@" ;;
  drgn)
    shift
    # shellcheck disable=SC2044 # module files have no spaces in their names
    for module in $(find /out/modules -name '*.ko' 2>/dev/null); do set -- -s "$module" "$@"; done
    exec drgn -c /dump/core --main-symbols -s /out/vmlinux "$@" ;;
  crash)
    shift
    python3 "$lib/kdock/mend.py" /dump/core /out/vmlinux || echo "kdock: the dump stays as it is" >&2
    if small_allocator; then set -- --no_kmem_cache "$@"; fi
    exec crash -s /out/vmlinux /dump/core "$@" ;;
  # An editor's protocol is on stdout, and nothing else may be.
  dap)
    shift
    exec gdb -i=dap "$@" 2>/tmp/stderr ;;
  *) exec gdb "$@" ;;
esac
