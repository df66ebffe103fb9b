# session.gdb — how `kdock gdb` begins.
source /usr/local/lib/kdock/settings.gdb

# QEMU's gdbstub: the debugger shares the VM container's network. The guest stops when we connect.
target remote 127.0.0.1:1234
