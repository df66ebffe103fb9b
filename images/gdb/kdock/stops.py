"""A stop of the trap and its breakpoints."""

from __future__ import annotations

from dataclasses import dataclass, field

import gdb

from .explain import Facts
from .hits import split_format
from .image import Image
from .modules import module_name
from .names import successor
from .symbols import Location, Place, locations, notes

#: Sections that the kernel frees after the boot.
BOOT_SECTIONS = (".init.text", ".exit.text")
#: A condition that has never had a value is wrong after this many failures.
MAX_FAILURES = 10


class Breakpoint(gdb.Breakpoint):
    """Evaluates the condition itself, so that the trap has the reason for a missing hit."""

    def __init__(self, spec: str, kind: int, watched: Stop) -> None:
        # Not internal: there gdb shows the function around an inlined copy instead of the copy.
        super().__init__(spec, type=kind)
        self.silent = True
        self.watched = watched

    def stop(self) -> bool:
        """Called by gdb on each hit."""
        watched = self.watched
        watched.reached += 1
        if watched.condition is None:
            return True
        try:
            gdb.newest_frame().select()
            value = bool(gdb.parse_and_eval(watched.condition))
        except gdb.error as error:
            watched.condition_error = str(error)
            watched.failures += 1
            return watched.never_evaluates()
        except KeyboardInterrupt:
            return True  # The timeout; the trap handles it after the stop.
        watched.evaluated += 1
        return value


@dataclass
class Stop:
    """A place, its breakpoints and their statistics."""

    place: Place
    condition: str | None
    breakpoints: list[Breakpoint] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    note: str = ""
    #: The .ko that contains the place, while it is not loaded.
    module: str | None = None
    init_freed: bool = False
    patched: tuple[int, ...] = ()
    reached: int = 0
    #: How often the condition had a value.
    evaluated: int = 0
    failures: int = 0
    condition_error: str | None = None
    hits: int = 0

    def set(self, image: Image, hardware: bool = False) -> None:
        """Creates the breakpoints; gdb inserts them when the guest continues."""
        self.unset()
        kind = gdb.BP_HARDWARE_BREAKPOINT if hardware else gdb.BP_BREAKPOINT
        self.breakpoints = [Breakpoint(spec, kind, self) for spec in self.place.specs]
        self.locations = locations(self.place, list(self.breakpoints))
        self.note = notes(self.place, self.locations, image)

    def unset(self) -> None:
        """Deletes the breakpoints."""
        for breakpoint in self.breakpoints:
            if breakpoint.is_valid():
                breakpoint.delete()
        self.breakpoints = []

    def never_evaluates(self) -> bool:
        """The condition has failed MAX_FAILURES times and never had a value."""
        return self.evaluated == 0 and self.failures >= MAX_FAILURES

    def can_be_hit(self) -> bool:
        """False if it has no breakpoint and is not in an unloaded module."""
        return bool(self.breakpoints) or self.module is not None

    def is_boot_code(self, image: Image) -> bool:
        """All locations are in sections that are freed after the boot."""
        sections = [image.section_at(each.address) for each in self.locations]
        return bool(sections) and all(each and each.name in BOOT_SECTIONS for each in sections)

    def compare_memory(self, image: Image, read, booted: bool) -> None:
        """Compares the guest's code with the file; no breakpoint may be inserted."""
        if booted and self.is_boot_code(image):
            # The memory may have been reused: under KVM a breakpoint would corrupt it.
            self.init_freed = True
            self.unset()
        changed = []
        for each in self.locations:
            body = image.function_at(each.address)
            # ftrace patches the start of every function.
            if body and body.address != each.address and not self.init_freed:
                seen, expected = read(each.address, 1), image.read(each.address, 1)
                if seen is not None and expected and seen != expected:
                    changed.append(each.address)
        self.patched = tuple(changed)

    def as_json(self) -> dict[str, object]:
        """For the event "armed"."""
        return {
            "asked": self.place.asked,
            "name": self.place.name,
            "note": self.note,
            "locations": [each.as_json() for each in self.locations],
        }

    def facts(self, seconds: float, ended_early: bool) -> Facts:
        """The facts for explain.why()."""
        later = successor(self.place.function) if self.place.function else None
        return Facts(
            name=self.place.name,
            function=self.place.function is not None,
            locations=len(self.locations),
            inlined=sum(1 for each in self.locations if each.inlined_into),
            seconds=seconds,
            reached=self.reached,
            condition=self.condition,
            condition_error=self.condition_error if self.evaluated == 0 else None,
            init_freed=self.init_freed,
            module=module_name(self.module) if self.module else None,
            patched=self.patched,
            successor=later.note if later and _exists(later.name) else None,
            ended_early=ended_early,
        )


def has_booted() -> bool:
    """Whether the guest has booted; its memory must be readable."""
    try:
        return int(gdb.parse_and_eval("(int)system_state")) >= int(gdb.parse_and_eval("(int)SYSTEM_RUNNING"))
    except gdb.error:
        return False


def check_expressions(stops: list[Stop], expressions: list[str], check) -> None:
    """Runs `check` on each expression with breakpoints at all stops; it raises for an invalid one."""
    if not expressions:
        return
    probes = [gdb.Breakpoint(spec, internal=True) for stop in stops for spec in stop.place.specs]
    try:
        for expression in expressions:
            check(split_format(expression)[0], probes)
    finally:
        for probe in probes:
            probe.delete()


def _exists(name: str) -> bool:
    return gdb.lookup_global_symbol(name) is not None or gdb.lookup_static_symbol(name) is not None
