# settings.gdb — what `kdock gdb` and `kdock dap` send first. Paths are those of the debugger's container; they are also the ones
# in the debug information, so that sources are found without any rule.
set confirm off
set pagination off
set print pretty on
set history save on
set history filename /in/history
set history size 10000
set auto-load safe-path /out:/src:/build
set index-cache directory /out/index
set index-cache enabled on

# Before any command that prints what is in the guest's memory.
source /usr/local/lib/kdock/kdock/visible.py

file /out/vmlinux
# The kernel's own commands: lx-ps, lx-dmesg, lx-symbols, $lx_current() and others. `apropos lx` lists them.
source /out/vmlinux-gdb.py
# kdock-break and kdock-check: names as other kernel versions have them, and whether this is the kernel that runs.
source /usr/local/lib/kdock/kdock/commands.py
# A panic stops here: `set stop-on-panic off` lets it go, `set stop-on-oops on` adds what the kernel survives.
source /usr/local/lib/kdock/kdock/panic.py
