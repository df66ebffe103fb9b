#!/usr/bin/env bash
# quickstart.sh — from a fresh Debian or Ubuntu with Node.js 20 to a Linux kernel stopped at a breakpoint.
# Installs what is missing (Docker engine, mmdebstrap, gdb), builds kdock, builds the kernel, boots it and proves it.
# It may be run again: what is done is not done twice.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/machine.sh

need_node
install gdb:gdb mmdebstrap:mmdebstrap
need_engine
build_kdock
kdock() { node dist/cli.js "$@"; }

say "kdock build: kernel, busybox and initramfs, in containers"
kdock build

say "kdock run -- uname -a: boots the kernel, runs one command, powers off"
kdock run -- uname -a

say "kdock run -d --paused, then gdb: a breakpoint in start_kernel"
trap 'kdock stop >/dev/null 2>&1 || true' EXIT
started=$(kdock run -d --paused --gdb 0)
printf '%s\n' "$started"
address=$(printf '%s\n' "$started" | sed -n 's/^gdbserver on \([^ ]*\): .*/\1/p')
transcript=$(gdb -nx -batch -iex 'set auto-load safe-path .kdock/out' .kdock/out/current/kernel/vmlinux \
  -ex "target remote $address" -ex 'hbreak start_kernel' -ex continue -ex 'backtrace 3' 2>&1 </dev/null)
printf '%s\n' "$transcript"
printf '%s\n' "$transcript" | grep -q '^Breakpoint 1, start_kernel' || die "the breakpoint in start_kernel was not hit"
kdock stop
trap - EXIT

cat <<'TEXT'

It works. What to type next:

  npm link                                puts `kdock` on your PATH
  kdock run                               the console of your kernel; Ctrl-] leaves it running
  gdb -x .kdock/out/current/kdock.gdb
                                          in a second terminal: break tcp_v4_rcv, continue, and from the guest: ping it
  kdock plan                              every command that was run, to take apart
  kdock init                              a commented kdock.yaml: other kernels, options, presets
TEXT
