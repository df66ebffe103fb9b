"""Waits for breakpoints in the guest and reports the state at each hit; there is no prompt.

    KDOCK_TRAP='{"vmlinux": …}' gdb -nx -batch -x …/kdock/trap.py

Exit codes: 0 all hits counted, 1 timeout, 64 wrong request, 65 another kernel runs, 66 no guest to debug, 70 bug,
130 interrupted. In all cases the guest continues afterwards, without breakpoints.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

import gdb  # noqa: E402

from kdock import buildid, expressions  # noqa: E402
from kdock.events import Events  # noqa: E402
from kdock.explain import why  # noqa: E402
from kdock.hits import backtrace, collect  # noqa: E402
from kdock.image import Image, NotElf, names_of_map  # noqa: E402
from kdock.modules import add_symbols, find_in_modules, loaded_modules, module_files, module_name  # noqa: E402
from kdock.panic import PanicStop, panic_stop  # noqa: E402
from kdock.names import Spec, BadSpec, parse_spec  # noqa: E402
from kdock.request import BadRequest, Request, parse_request  # noqa: E402
from kdock.stops import Stop, check_expressions, has_booted  # noqa: E402
from kdock.symbols import Place, Resolver, UnknownPlace  # noqa: E402
from kdock.target import Guest, NoTarget, Watch  # noqa: E402

OK, NOT_HIT, USAGE, STALE, TARGET, BUG, INTERRUPTED = 0, 1, 64, 65, 66, 70, 130
#: Fails after this many consecutive stops without a breakpoint.
MAX_UNEXPECTED_STOPS = 100
LOADER = "do_init_module"


class Failure(Exception):
    """Ends the trap early, with an event "error"."""

    def __init__(self, code: int, kind: str, message: str, near: list[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind
        self.near = near or []


class Trap:
    """One run of the trap."""

    def __init__(self, request: Request, events: Events, watch: Watch) -> None:
        self._request = request
        self._events = events
        self._watch = watch
        self._guest = Guest(watch)
        self._image = _open(request.vmlinux)
        self._stops: list[Stop] = []
        self._loader: gdb.Breakpoint | None = None
        self._panic: PanicStop | None = None
        self._hits = 0
        self._armed_at = 0.0
        self._checked = False
        self._checked_reason = ""

    def run(self) -> int:
        """Returns the exit code. The guest is left running in any case."""
        try:
            self._prepare()
            self._guest.connect(self._request.target)
            self._arm(self._check_kernel())
            return self._wait()
        except NoTarget as error:
            raise Failure(TARGET, error.kind, str(error)) from error
        finally:
            self._leave()

    def _prepare(self) -> None:
        """Resolves stops and expressions while the guest still runs, since reading symbols takes longest."""
        resolver = self._resolver()
        failures: list[Failure] = []
        for asked in self._request.stops:
            try:
                self._stops.append(self._place(asked, resolver))
            except UnknownPlace as error:
                failures.append(Failure(USAGE, "unknown-function", str(error), error.near))
        # All failures are reported; the last one is raised.
        for failure in failures[:-1]:
            _emit(self._events, failure)
        if failures:
            raise failures[-1]
        self._check("bad-condition", [self._request.condition] if self._request.condition else [])
        self._check("bad-expression", self._request.print)
        for stop in self._stops:
            if not stop.module:
                stop.set(self._image)

    def _resolver(self) -> Resolver:
        names: frozenset[str] = frozenset()
        if self._request.systemMap and not self._image.functions:
            try:
                with open(self._request.systemMap, encoding="ascii", errors="replace") as file:
                    names = frozenset(names_of_map(file.read()))
            except OSError:
                pass  # Needed for suggestions only.
        return Resolver(self._image, names)

    def _place(self, asked: str, resolver: Resolver) -> Stop:
        try:
            return Stop(resolver.resolve(asked), self._request.condition)
        except UnknownPlace:
            module = self._module_of(asked)
            if module is None:
                raise
            place = Place(asked, asked, (), f"in the module {module_name(module)}", None)
            return Stop(place, self._request.condition, note=place.note, module=module)

    def _module_of(self, asked: str) -> str | None:
        if not self._request.modules:
            return None
        try:
            spec: Spec = parse_spec(asked)
        except BadSpec:
            return None
        return None if spec.expression else find_in_modules(spec, module_files(self._request.modules))

    def _check(self, kind: str, wanted: list[str]) -> None:
        for expression in wanted:
            try:
                check_expressions(self._stops, [expression], expressions.check)
            except expressions.BadExpression as error:
                raise Failure(USAGE, kind, f"{expression}: {error}", error.near) from error

    def _check_kernel(self) -> bool:
        """Whether the running kernel is verified. Raises Failure for another kernel."""
        verdict = buildid.check(self._image, self._guest.read)
        if verdict.kind == "other":
            raise Failure(STALE, "stale-vmlinux", f"{self._request.vmlinux} is not the kernel that runs: {verdict.reason}")
        self._checked, self._checked_reason = verdict.kind == "same", verdict.reason
        return self._checked

    def _arm(self, checked: bool) -> None:
        # Software breakpoints need mapped memory, which the kernel does not have at first.
        unmapped = self._guest.read(self._stops[0].locations[0].address, 1) is None if self._stops[0].locations else False
        hardware = self._request.hardware or not checked or unmapped
        booted = checked and has_booted()
        self._set_in_modules(loaded_modules() if any(stop.module for stop in self._stops) else {})
        for stop in self._stops:
            if checked:
                stop.compare_memory(self._image, self._guest.read, booted)
            if hardware and stop.breakpoints:
                self._set_hardware(stop)
        for stop in self._stops:
            if stop.module:
                stop.note = f"in the module {module_name(stop.module)}, which is not loaded yet"
        if any(stop.module for stop in self._stops) and checked:
            self._loader = gdb.Breakpoint(LOADER, internal=True)
            self._loader.silent = True
        self._panic = panic_stop()
        if self._panic:
            self._panic.announce = False
        # By default gdb inserts and removes all breakpoints at every stop, a round trip each; inlined functions have hundreds.
        gdb.execute("set breakpoint always-inserted on", to_string=True)
        self._watch.limit(self._request.timeout)
        self._armed_at = time.monotonic()
        self._events.emit(
            "armed",
            checked=checked,
            reason=self._checked_reason,
            hardware=hardware,
            stops=[stop.as_json() for stop in self._stops],
        )

    def _set_hardware(self, stop: Stop) -> None:
        try:
            stop.set(self._image, hardware=True)
        except gdb.error as error:
            raise Failure(TARGET, "no-target", f"no hardware breakpoint for {stop.place.asked}: {error}") from error

    def _set_in_modules(self, loaded: dict[str, gdb.Value]) -> None:
        """Sets the stops whose modules have been loaded."""
        for stop in self._stops:
            module = loaded.get(module_name(stop.module)) if stop.module else None
            if module is None or stop.module is None:
                continue
            try:
                add_symbols(stop.module, module)
                place = Resolver(Image(stop.module)).resolve(stop.place.asked)
            except (UnknownPlace, gdb.error, OSError) as error:
                raise Failure(USAGE, "unknown-function", f"{stop.module}: {error}") from error
            note = f"in the module {module_name(stop.module)}"
            stop.place = Place(place.asked, place.name, place.specs, "; ".join(filter(None, (note, place.note))), place.function)
            stop.module = None
            stop.set(self._image)

    def _wait(self) -> int:
        unexpected = 0
        while self._hits < self._request.count:
            if not any(stop.can_be_hit() for stop in self._stops):
                return self._end("unreachable")
            outcome = self._guest.resume()
            if not self._checked and outcome in ("stopped", "timeout"):
                self._check_kernel()  # The kernel may be mapped by now.
            if outcome in ("timeout", "interrupted"):
                return self._end(outcome)
            if outcome in ("ended", "lost"):
                text = "the VM ended" if outcome == "ended" else "the connection to the gdbserver was lost: did the VM end?"
                raise Failure(TARGET, "target-lost", f"{text} ({self._hits} of {self._request.count} hits before)")
            hit = self._guest.hit()
            if self._loader and self._loader in hit:
                self._set_in_modules(loaded_modules())
            stop = next((each for each in self._stops if any(breakpoint in hit for breakpoint in each.breakpoints)), None)
            if stop:
                self._hit(stop)
            elif self._panic and self._panic in hit:
                self._panicked(self._panic.reason)
            unexpected = 0 if hit else unexpected + 1
            if unexpected >= MAX_UNEXPECTED_STOPS:
                raise Failure(TARGET, "target-lost", "the guest stops repeatedly without a breakpoint")
        return self._end("count")

    def _hit(self, stop: Stop) -> None:
        if stop.never_evaluates():
            raise Failure(USAGE, "bad-condition", f"{stop.condition}: {stop.condition_error}")
        seen = collect(self._hits + 1, stop.place.asked, self._request)
        self._hits += 1
        stop.hits += 1
        stopped_ms = round((time.monotonic() - self._guest.stopped_at) * 1000, 1)
        if self._hits == self._request.count:
            self._leave()  # The guest continues before the last event is written, which may block.
        self._events.emit("hit", **seen, stoppedMs=stopped_ms)

    def _panicked(self, reason: str) -> None:
        """Reports the panic. Raises Failure."""
        self._events.emit("panic", reason=reason, backtrace=backtrace(gdb.newest_frame()))
        raise Failure(TARGET, "panicked", f"the guest's kernel panicked: {reason} ({self._hits} of {self._request.count} hits before)")

    def _end(self, reason: str) -> int:
        seconds = round(time.monotonic() - self._armed_at, 1)
        missed = [stop for stop in self._stops if stop.hits == 0]
        reasons = [{"stop": stop.place.asked, "text": why(stop.facts(seconds, reason != "timeout"))} for stop in missed]
        self._leave()
        self._events.emit("end", reason=reason, hits=self._hits, why=reasons)
        return OK if reason == "count" else INTERRUPTED if reason == "interrupted" else NOT_HIT

    def _leave(self) -> None:
        own = [each for each in (self._loader, self._panic) if each]
        self._guest.leave([*own, *(breakpoint for stop in self._stops for breakpoint in stop.breakpoints)])


def _open(vmlinux: str) -> Image:
    try:
        image = Image(vmlinux)
        gdb.execute(f"file {vmlinux}", to_string=True)
        return image
    except (OSError, NotElf, gdb.error) as error:
        raise Failure(USAGE, "bad-vmlinux", str(error)) from error


def _set_up_gdb(request: Request) -> None:
    for setting in (
        "pagination off",
        "confirm off",
        "width 0",
        "style enabled off",
        # The kernel's gdb commands are not needed here, and slow to load.
        "auto-load off",
        # A function call in an expression would run in the guest.
        "may-call-functions off",
        "print elements 200",
        "breakpoint pending off",
        *_index_settings(os.path.join(os.path.dirname(request.vmlinux), "index")),
    ):
        try:
            gdb.execute(f"set {setting}", to_string=True)
        except gdb.error:
            pass  # This version of gdb does not have the setting.
    if request.substitutePath:
        gdb.execute(f"set substitute-path {request.substitutePath[0]} {request.substitutePath[1]}", to_string=True)


def _index_settings(folder: str) -> list[str]:
    """Uses gdb's symbol index if there is one, which saves a second at each start."""
    return [f"index-cache directory {folder}", "index-cache enabled on"] if os.path.isdir(folder) else []


def _emit(events: Events, failure: Failure) -> None:
    events.emit("error", kind=failure.kind, message=str(failure), near=failure.near)


def main() -> int:
    """The exit code."""
    events = Events()
    # A closed pipe must not prevent detaching from the guest.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        request = parse_request(os.environ.get("KDOCK_TRAP", ""))
        watch = Watch()
        watch.start()
        _set_up_gdb(request)
        return Trap(request, events, watch).run()
    except Failure as failure:
        _emit(events, failure)
        return failure.code
    except BadRequest as error:
        events.emit("error", kind="bad-request", message=str(error), near=[])
        return BUG
    except KeyboardInterrupt:
        events.emit("end", reason="interrupted", hits=0, why=[])
        return INTERRUPTED
    except BrokenPipeError:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a bug, which the caller reports with the trace from stderr
        traceback.print_exc()
        events.emit("error", kind="bug", message=f"{type(error).__name__}: {error}", near=[])
        return BUG


if __name__ == "__main__":
    gdb.execute(f"quit {main()}")
