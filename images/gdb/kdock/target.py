"""A connection to the guest at QEMU's gdbserver, which leaves the guest running at its end."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import gdb

from .stub import address_of, clients, probe, release

#: A guest that does not stop within this time after an interrupt is taken for lost.
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1

Outcome = Literal["stopped", "timeout", "interrupted", "ended", "lost"]


class NoTarget(Exception):
    """There is no gdbserver, or it is busy; `kind` is the event's."""

    def __init__(self, kind: Literal["no-target", "busy-target"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Watch(threading.Thread):
    """Interrupts gdb's wait for the guest at the deadline and on SIGTERM and SIGHUP.

    gdb waits in C and runs no Python meanwhile, but reacts to SIGINT. SIGTERM and SIGHUP would make gdb quit without
    detaching, so they are blocked in every thread and handled in this one.
    """

    TERMINATING = frozenset({signal.SIGTERM, signal.SIGHUP})

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.expired = False
        self.terminated = False
        self._deadline: float | None = None
        self._waiting = False
        self._interrupted_at: float | None = None
        self._lock = threading.Lock()
        self._main = threading.main_thread().ident or 0
        signal.pthread_sigmask(signal.SIG_BLOCK, self.TERMINATING)

    def limit(self, seconds: float) -> None:
        """Sets the deadline."""
        self._deadline = time.monotonic() + seconds

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            left = POLL_SECONDS if self._deadline is None else self._deadline - time.monotonic()
            if signal.sigtimedwait(self.TERMINATING, min(POLL_SECONDS, max(0.005, left))):
                self.terminated = True
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self.expired = True
            if self.expired or self.terminated:
                self._interrupt()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A context in which gdb may be interrupted."""
        with self._lock:
            self._waiting, self._interrupted_at = True, None
        try:
            yield
        finally:
            with self._lock:
                self._waiting = False

    def _interrupt(self) -> None:
        with self._lock:
            now = time.monotonic()
            # On a second SIGINT gdb drops the connection, so it is sent only if the guest did not stop in time.
            if self._waiting and (self._interrupted_at is None or now - self._interrupted_at > STOP_SECONDS):
                self._interrupted_at = now
                signal.pthread_kill(self._main, signal.SIGINT)


class Guest:
    """A connection to the stub."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._stop: gdb.StopEvent | None = None
        self._connected = False
        self._address: tuple[str, int] | None = None
        self.stopped_at = 0.0
        gdb.events.stop.connect(self._on_stop)

    def connect(self, address: str) -> None:
        """Connects and stops the guest. Raises NoTarget."""
        others = clients_of(address)
        if others:
            raise NoTarget("busy-target", f"another debugger is connected to the gdbserver at {address}, from {', '.join(others)}")
        self._address = address_of(address)
        try:
            # gdb itself would retry for 15 seconds.
            free = self._address is None or probe(*self._address)
        except OSError as error:
            raise NoTarget("no-target", f"no gdbserver at {address}: {error.strerror or error}") from error
        if not free:
            raise NoTarget("busy-target", f"the gdbserver at {address} does not answer: another debugger is connected")
        self._connected = True
        gdb.execute("set tcp auto-retry off")
        try:
            gdb.execute(f"target remote {address}", to_string=True)
        except gdb.error as error:
            raise NoTarget("no-target", f"no gdbserver at {address}: {error}") from error
        self.stopped_at = time.monotonic()

    def resume(self) -> Outcome:
        """Continues the guest until it stops or ends, or the watch interrupts it."""
        if self._watch.terminated:
            return "interrupted"
        if self._watch.expired:
            return "timeout"
        self._stop = None
        try:
            with self._watch.waiting():
                gdb.execute("continue", to_string=True)
        except KeyboardInterrupt:
            return self._interrupted()
        except gdb.error:
            if self._alive():
                raise
            return "lost"
        if not self._alive():
            self._connected = False
            return "ended"
        if isinstance(self._stop, gdb.SignalEvent) and self._stop.stop_signal == "SIGINT":
            return self._interrupted()
        return "stopped"

    def hit(self) -> list[gdb.Breakpoint]:
        """The breakpoints that stopped the guest."""
        return list(self._stop.breakpoints) if isinstance(self._stop, gdb.BreakpointEvent) else []

    def read(self, address: int, size: int) -> bytes | None:
        """The guest's memory; None if it is not mapped."""
        try:
            return gdb.selected_inferior().read_memory(address, size).tobytes()
        except gdb.error:
            return None

    def leave(self, breakpoints: Iterable[gdb.Breakpoint]) -> None:
        """Deletes the breakpoints and detaches, so that the guest continues. Does not raise."""
        for breakpoint in breakpoints:
            _retry(lambda breakpoint=breakpoint: breakpoint.is_valid() and breakpoint.delete())
        if self._connected:
            # gdb's connection may have failed, or not been established; then kdock's own client detaches.
            if not (self._alive() and _retry(lambda: gdb.execute("detach", to_string=True))) and self._address:
                with contextlib.suppress(OSError):
                    release(*self._address)
        self._connected = False

    def _interrupted(self) -> Outcome:
        return "timeout" if self._watch.expired and not self._watch.terminated else "interrupted"

    def _alive(self) -> bool:
        return any(thread.is_valid() for thread in gdb.selected_inferior().threads())

    def _on_stop(self, event: gdb.StopEvent) -> None:
        self._stop = event
        self.stopped_at = time.monotonic()


def clients_of(address: str) -> list[str]:
    """The clients of a gdbserver in this network namespace."""
    host, port = address_of(address) or ("", 0)
    if host not in ("127.0.0.1", "localhost", "::1"):
        return []
    found: list[str] = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(name, encoding="ascii") as file:
            found += clients(file.read(), port)
    return found


def _retry(action: Callable[[], object]) -> bool:
    """Runs an action, again after a KeyboardInterrupt; whether it succeeded."""
    # A SIGINT that arrives after the wait is raised at the next check in Python or gdb.
    for _ in range(5):
        try:
            action()
            return True
        except KeyboardInterrupt:
            continue
        except (gdb.error, RuntimeError):
            return False
    return False
