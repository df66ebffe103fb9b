"""Runs the trap against a running VM: checks events and exit codes, and that the guest continues afterwards.

    against_vm.py VMLINUX HOST:PORT GUEST [GDB...]

GUEST is a program that runs its one argument in the guest's shell; GDB is the command for gdb, `gdb` by default.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

TRAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../images/gdb/kdock/trap.py")
RELEASE = os.path.join(os.path.dirname(TRAP), "release.py")
CONNECT = "(echo hi | nc -l -p 9000 & sleep 0.3; echo a | nc -w 1 127.0.0.1 9000)"
NOTHING = ":"

Events = list[dict]
Check = Callable[[Events], bool]

#: Name, request, script that runs in the guest, exit code, and a check of the events.
CASES: tuple[tuple[str, dict, str, int, Check], ...] = (
    (
        "a function that is called",
        {"stops": ["tcp_v4_rcv"], "bt": True, "args": True, "locals": True, "print": ["skb->len", "/x skb->len"]},
        CONNECT, 0,
        lambda events: events[1]["args"][0]["name"] == "skb"
        and "ip_local_deliver_finish" in [frame["function"] for frame in events[1]["backtrace"]]
        and int(events[1]["prints"][1]["value"], 16) == int(events[1]["prints"][0]["value"]),
    ),
    (
        "an older name, three times",
        {"stops": ["_do_fork"], "count": 3}, "ls; ls; ls; ls; true", 0,
        lambda events: "kernel_clone since Linux 5.10" in events[0]["stops"][0]["note"] and len(events) == 5,
    ),
    (
        "an inlined copy, with its own arguments",
        {"stops": ["__do_sys_open"], "args": True}, "cat /etc/passwd", 0,
        lambda events: events[1]["function"] == "__do_sys_open"
        and events[0]["stops"][0]["locations"][0]["inlinedInto"] == "__x64_sys_open"
        and "filename" in [each["name"] for each in events[1]["args"]],
    ),
    (
        "a condition that becomes true",
        {"stops": ["tcp_v4_rcv"], "condition": "skb->len > 20", "print": ["skb->len"]}, CONNECT, 0,
        lambda events: int(events[1]["prints"][0]["value"]) > 20,
    ),
    (
        "a condition that stays false",
        {"stops": ["kernel_clone"], "condition": "args->exit_signal == 99", "timeout": 3}, "ls; ls", 1,
        lambda events: "was never true" in events[-1]["why"][0]["text"],
    ),
    (
        "a function that is not called",
        {"stops": ["tcp_v4_rcv"], "timeout": 2}, NOTHING, 1,
        lambda events: events[-1]["reason"] == "timeout" and "nothing called" in events[-1]["why"][0]["text"],
    ),
    (
        "boot code",
        {"stops": ["start_kernel"]}, NOTHING, 1,
        lambda events: events[-1]["reason"] == "unreachable" and "__init" in events[-1]["why"][0]["text"],
    ),
    (
        "a typo",
        {"stops": ["tcp_v4_rvc"]}, NOTHING, 64,
        lambda events: events[0]["kind"] == "unknown-function" and events[0]["near"][0] == "tcp_v4_rcv",
    ),
    (
        "several mistakes, all reported",
        {"stops": ["tcp_v4_rvc", "*zzz", "a b", "nofile.c:1"]}, NOTHING, 64,
        lambda events: len(events) == 4,
    ),
    (
        "an unknown member",
        {"stops": ["tcp_v4_rcv"], "print": ["skb->lenn"]}, NOTHING, 64,
        lambda events: events[0]["kind"] == "bad-expression" and events[0]["near"] == ["len"],
    ),
    (
        "a condition with an unknown name",
        {"stops": ["tcp_v4_rcv"], "condition": "skbb->len > 1"}, NOTHING, 64,
        lambda events: events[0]["kind"] == "bad-condition" and "skb" in events[0]["near"],
    ),
    (
        "an expression that fails at the hit",
        {"stops": ["kernel_clone"], "print": ["*(int *)8", "args->exit_signal"]}, "ls; ls", 0,
        lambda events: "Cannot access" in events[1]["prints"][0]["error"] and events[1]["prints"][1]["value"] == "17",
    ),
    (
        "no gdbserver",
        {"stops": ["tcp_v4_rcv"], "target": "127.0.0.1:9"}, NOTHING, 66,
        lambda events: events[0]["kind"] == "no-target",
    ),
)


class Vm:
    """The VM under test, and the command for gdb."""

    def __init__(self, vmlinux: str, target: str, guest: str, gdb: list[str]) -> None:
        self._base = {"vmlinux": vmlinux, "target": target, "timeout": 15}
        self._target = target
        self._guest = guest
        self._gdb = gdb

    def start(self, request: dict) -> subprocess.Popen:
        """Starts a trap in its own process group."""
        environment = {**os.environ, "KDOCK_TRAP": json.dumps({**self._base, **request})}
        command = [*self._gdb, "-nx", "-batch", "-x", TRAP]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)

    def release(self) -> int:
        """Resumes the guest after gdb was killed."""
        return subprocess.run([sys.executable, RELEASE], env={**os.environ, "KDOCK_TARGET": self._target}, check=False).returncode

    def run(self, script: str) -> bool:
        """Runs a script in the guest; whether it succeeded."""
        try:
            return subprocess.run([self._guest, script], capture_output=True, timeout=20, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def is_running(self) -> bool:
        """Whether the guest runs programs."""
        return self.run("ls > /dev/null; true")


def first_event(trap: subprocess.Popen) -> dict:
    """The trap's first event."""
    return json.loads(trap.stdout.readline().removeprefix("@kdock "))


def rest_of(trap: subprocess.Popen) -> Events:
    """The remaining events. communicate() would lose the data that readline() has buffered."""
    events = [json.loads(line.removeprefix("@kdock ")) for line in trap.stdout]
    trap.wait(timeout=60)
    return events


def run(vm: Vm, request: dict, script: str) -> tuple[int, Events]:
    """The exit code and all events; the script runs in the guest once the trap is armed."""
    trap = vm.start(request)
    events = [first_event(trap)]
    if events[0]["event"] == "armed" and script != NOTHING:
        vm.run(script)
    events += rest_of(trap)
    return trap.returncode, events


def ended_by(vm: Vm, ending: signal.Signals) -> bool:
    """A signal ends the trap with exit code 130."""
    trap = vm.start({"stops": ["tcp_v4_rcv"]})
    first_event(trap)
    time.sleep(0.3)
    trap.send_signal(ending)
    return rest_of(trap)[-1]["reason"] == "interrupted" and trap.returncode == 130


def killed(vm: Vm) -> bool:
    """SIGKILL leaves the guest stopped at the next hit until it is released."""
    trap = vm.start({"stops": ["kernel_clone"]})
    first_event(trap)
    time.sleep(0.3)
    trap.kill()
    trap.wait()
    return vm.release() == 0


def second_debugger(vm: Vm) -> bool:
    """A second debugger is rejected, and does not disturb the first."""
    first = vm.start({"stops": ["tcp_v4_rcv"], "timeout": 8})
    first_event(first)
    code, events = run(vm, {"stops": ["tcp_v4_rcv"]}, NOTHING)
    rest_of(first)
    return code == 66 and events[0]["kind"] == "busy-target" and first.returncode == 1


def main(vmlinux: str, target: str, guest: str, *gdb: str) -> int:
    """Returns the number of failed cases."""
    vm = Vm(vmlinux, target, guest, list(gdb) or ["gdb"])
    wrong = 0

    def report(name: str, good: bool, detail: object = "") -> None:
        nonlocal wrong
        alive = vm.is_running()
        wrong += not (good and alive)
        print(f"{'ok  ' if good and alive else 'WRONG'} {name}{'' if alive else ': the guest does not run'}{'' if good else f': {detail}'}", flush=True)

    for name, request, script, code, holds in CASES:
        seen, events = run(vm, request, script)
        report(name, seen == code and holds(events), (seen, events))
    report("SIGTERM", ended_by(vm, signal.SIGTERM))
    report("SIGINT", ended_by(vm, signal.SIGINT))
    report("SIGKILL and release", killed(vm))
    report("a second debugger", second_debugger(vm))
    return wrong


if __name__ == "__main__":
    sys.exit(min(1, main(*sys.argv[1:])))
