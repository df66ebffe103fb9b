"""The start of `kdock debug`: sets breakpoints; gdb then continues with its prompt.

    KDOCK_DEBUG='{"stops": …}' gdb -nx -x …/settings.gdb -x …/kdock/debug.py -ex kdock-armed -ex continue

Events for kdock are embedded in gdb's output, and removed by kdock: see emit().
Exit codes: 64 wrong request, 65 another kernel runs, 66 no guest to debug; after a session they are gdb's.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

import gdb  # noqa: E402

from kdock import buildid, expressions  # noqa: E402
from kdock.image import Image  # noqa: E402
from kdock.session import image_of_session, is_connected, module_with, read, set_in_module, set_place  # noqa: E402
from kdock.stops import Stop, check_expressions, has_booted  # noqa: E402
from kdock.symbols import Place, Resolver, UnknownPlace, locations  # noqa: E402

USAGE, STALE, TARGET = 64, 65, 66
#: An operating system command (OSC) that no terminal supports, and that terminals ignore.
BEGIN, END = "\033]kdock;", "\a"


def emit(event: str, **fields: object) -> None:
    """Writes an event into gdb's output."""
    gdb.flush()
    text = json.dumps({"event": event, **fields}, ensure_ascii=True, separators=(",", ":"))
    left = f"{BEGIN}{text}{END}".encode()
    while left:
        left = left[os.write(1, left) :]


class Failure(Exception):
    """Ends the session before it starts; the guest was not stopped, or runs again."""

    def __init__(self, code: int, kind: str, message: str, near: list[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind
        self.near = near or []


class KdockArmed(gdb.Command):
    """Emits "armed": the breakpoints are set, and kdock runs its trigger when the guest continues."""

    def __init__(self) -> None:
        super().__init__("kdock-armed", gdb.COMMAND_RUNNING)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        gdb.events.stop.connect(_stopped)
        emit("armed")


def _stopped(_event: gdb.StopEvent) -> None:
    gdb.events.stop.disconnect(_stopped)
    emit("stopped")


def _resolve(asked: list[str], condition: str | None, image: Image) -> list[Stop]:
    """A stop in a module has the module's path only; it is resolved when the module is loaded."""
    resolver = Resolver(image)
    stops: list[Stop] = []
    failures: list[Failure] = []
    for each in asked:
        try:
            stops.append(Stop(resolver.resolve(each), condition))
        except UnknownPlace as error:
            module = module_with(each)
            if module:
                stops.append(Stop(Place(each, each, (), "", None), condition, module=module))
                continue
            failures.append(Failure(USAGE, "unknown-function", str(error), error.near))
    for failure in failures[:-1]:
        _emit_failure(failure)
    if failures:
        raise failures[-1]
    try:
        check_expressions([stop for stop in stops if not stop.module], [condition] if condition else [], expressions.check)
    except expressions.BadExpression as error:
        raise Failure(USAGE, "bad-condition", f"{condition}: {error}", error.near) from error
    return stops


def _connect(target: str) -> None:
    gdb.execute("set tcp auto-retry off")
    try:
        gdb.execute(f"target remote {target}")
    except gdb.error as error:
        if is_connected():
            return  # kdock-check has failed; _set() checks the kernel again.
        raise Failure(TARGET, "no-target", f"no gdbserver at {target}: {error}") from error


def _set(stops: list[Stop], image: Image) -> None:
    verdict = buildid.check(image, read)
    if verdict.kind == "other":
        raise Failure(STALE, "stale-vmlinux", f"{image.path} is not the kernel that runs: {verdict.reason}")
    booted = verdict.kind == "same" and has_booted()
    for stop in stops:
        probes = [gdb.Breakpoint(spec, internal=True) for spec in stop.place.specs]
        stop.locations = locations(stop.place, probes)
        for probe in probes:
            probe.delete()
        if booted and stop.is_boot_code(image):
            raise Failure(USAGE, "boot-only", f"{stop.place.name} is boot code (__init), which the kernel has freed")
    for stop in stops:
        try:
            if stop.module:
                set_in_module(stop.module, stop.place.asked, stop.condition or "")
            else:
                set_place(stop.place, stop.condition or "", image)
        except UnknownPlace as error:
            raise Failure(USAGE, "unknown-function", str(error), error.near) from error


def _emit_failure(failure: Failure) -> None:
    emit("error", kind=failure.kind, message=str(failure), near=failure.near)


def main() -> None:
    """Ends gdb on a failure."""
    request = json.loads(os.environ["KDOCK_DEBUG"])
    KdockArmed()
    try:
        image = image_of_session()
        stops = _resolve(request["stops"], request["condition"], image)
        _connect(request["target"])
        _set(stops, image)
    except (Failure, gdb.GdbError) as error:
        failure = error if isinstance(error, Failure) else Failure(USAGE, "bad-vmlinux", str(error))
        _emit_failure(failure)
        gdb.execute(f"quit {failure.code}")


main()
