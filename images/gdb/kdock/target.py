"""The guest behind QEMU's gdbserver: connected to, let run until something happens, and always left running."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import gdb

from .stub import address_of, holders, knock, release

#: Once told to stop, a guest that does not within this is given up.
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1

Outcome = Literal["stopped", "timeout", "interrupted", "ended", "lost"]


class NoTarget(Exception):
    """Nothing to debug there; `kind` as the event has it."""

    def __init__(self, kind: Literal["no-target", "busy-target"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Watch(threading.Thread):
    """Ends a wait that gdb itself would never end: at the deadline, and when this process is told to go.

    gdb waits for the guest in C and runs no Python meanwhile; what it does hear is SIGINT. SIGTERM and SIGHUP would
    have gdb quit where it stands, so they are blocked in every thread and fetched in this one.
    """

    ENDINGS = frozenset({signal.SIGTERM, signal.SIGHUP})

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.expired = False
        self.told_to_go = False
        self._deadline: float | None = None
        self._waiting = False
        self._asked_at: float | None = None
        self._lock = threading.Lock()
        self._main = threading.main_thread().ident or 0
        signal.pthread_sigmask(signal.SIG_BLOCK, self.ENDINGS)

    def limit(self, seconds: float) -> None:
        """Time begins now."""
        self._deadline = time.monotonic() + seconds

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            left = POLL_SECONDS if self._deadline is None else self._deadline - time.monotonic()
            if signal.sigtimedwait(self.ENDINGS, min(POLL_SECONDS, max(0.005, left))):
                self.told_to_go = True
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self.expired = True
            if self.expired or self.told_to_go:
                self._stop_waiting()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what may be interrupted."""
        with self._lock:
            self._waiting, self._asked_at = True, None
        try:
            yield
        finally:
            with self._lock:
                self._waiting = False

    def _stop_waiting(self) -> None:
        with self._lock:
            now = time.monotonic()
            # Asked a second time gdb gives the target up, which is right for one that is dead and for no other.
            if self._waiting and (self._asked_at is None or now - self._asked_at > STOP_SECONDS):
                self._asked_at = now
                signal.pthread_kill(self._main, signal.SIGINT)


class Guest:
    """One connection to the stub."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._stop: gdb.StopEvent | None = None
        self._connected = False
        self._address: tuple[str, int] | None = None
        self.stopped_at = 0.0
        gdb.events.stop.connect(self._on_stop)

    def connect(self, address: str) -> None:
        """Stops the guest. Raises NoTarget."""
        others = held_by(address)
        if others:
            raise NoTarget("busy-target", f"another debugger holds the gdbserver at {address}: it is connected from {', '.join(others)}")
        self._address = address_of(address)
        try:
            # gdb asks for a quarter of a minute before it gives up.
            free = self._address is None or knock(*self._address)
        except OSError as error:
            raise NoTarget("no-target", f"no gdbserver at {address}: {error.strerror or error}") from error
        if not free:
            raise NoTarget("busy-target", f"the gdbserver at {address} does not answer: another debugger holds it")
        self._connected = True
        gdb.execute("set tcp auto-retry off")
        try:
            gdb.execute(f"target remote {address}", to_string=True)
        except gdb.error as error:
            raise NoTarget("no-target", f"no gdbserver at {address}: {error}") from error
        self.stopped_at = time.monotonic()

    def resume(self) -> Outcome:
        """Lets the guest run until it stops, time is over, or there is none any more."""
        if self._watch.told_to_go:
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
        """The guest's memory as it is mapped now."""
        try:
            return gdb.selected_inferior().read_memory(address, size).tobytes()
        except gdb.error:
            return None

    def leave(self, breakpoints: Iterable[gdb.Breakpoint]) -> None:
        """Takes the breakpoints out and lets the guest run. Never throws: it is the last thing that is done."""
        for breakpoint in breakpoints:
            _insist(lambda breakpoint=breakpoint: breakpoint.is_valid() and breakpoint.delete())
        if self._connected:
            # It may have gone wrong at any moment, also before gdb had it.
            if not (self._alive() and _insist(lambda: gdb.execute("detach", to_string=True))) and self._address:
                with contextlib.suppress(OSError):
                    release(*self._address)
        self._connected = False

    def _interrupted(self) -> Outcome:
        return "timeout" if self._watch.expired and not self._watch.told_to_go else "interrupted"

    def _alive(self) -> bool:
        return any(thread.is_valid() for thread in gdb.selected_inferior().threads())

    def _on_stop(self, event: gdb.StopEvent) -> None:
        self._stop = event
        self.stopped_at = time.monotonic()


def held_by(address: str) -> list[str]:
    """Who is connected to a gdbserver of this machine, or of the container whose network this is."""
    host, port = address_of(address) or ("", 0)
    if host not in ("127.0.0.1", "localhost", "::1"):
        return []
    found: list[str] = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(name, encoding="ascii") as file:
            found += holders(file.read(), port)
    return found


def _insist(action: Callable[[], object]) -> bool:
    """Whether it was done."""
    # A SIGINT that came too late to end a wait turns up wherever Python or gdb looks next.
    for _ in range(5):
        try:
            action()
            return True
        except KeyboardInterrupt:
            continue
        except (gdb.error, RuntimeError):
            return False
    return False
