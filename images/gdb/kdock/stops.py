"""What is set in gdb for one stop that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

import gdb

from .explain import Facts
from .hits import split_format
from .image import Image
from .modules import module_name
from .names import successor
from .symbols import Location, Place, locations, notes

#: Code that is there while the kernel boots, and not afterwards.
BOOT_SECTIONS = (".init.text", ".exit.text")
#: So often may a condition fail before it is taken for a wrong one.
MAX_FAILURES = 10


class Breakpoint(gdb.Breakpoint):
    """Stops where gdb would have, and knows whether the condition was the reason where it does not."""

    def __init__(self, spec: str, kind: int, watched: Stop) -> None:
        # Not an internal one: at those gdb shows the function around an inlined copy, and not the copy.
        super().__init__(spec, type=kind)
        self.silent = True
        self.watched = watched

    def stop(self) -> bool:
        """Asked by gdb each time the guest comes by."""
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
            return watched.is_hopeless()
        except KeyboardInterrupt:
            return True  # Time is over, and the next to look will see it.
        watched.judged += 1
        return value


@dataclass
class Stop:
    """A place, its breakpoints, and what came of them."""

    place: Place
    condition: str | None
    breakpoints: list[Breakpoint] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    note: str = ""
    #: The .ko that has it, while that is not loaded.
    module: str | None = None
    init_gone: bool = False
    patched: tuple[int, ...] = ()
    reached: int = 0
    judged: int = 0
    failures: int = 0
    condition_error: str | None = None
    hits: int = 0

    def set(self, image: Image, hardware: bool = False) -> None:
        """Makes the breakpoints; gdb puts them into the guest when it goes on."""
        self.unset()
        kind = gdb.BP_HARDWARE_BREAKPOINT if hardware else gdb.BP_BREAKPOINT
        self.breakpoints = [Breakpoint(spec, kind, self) for spec in self.place.specs]
        self.locations = locations(self.place, list(self.breakpoints))
        self.note = notes(self.place, self.locations, image)

    def unset(self) -> None:
        """Takes them away again."""
        for breakpoint in self.breakpoints:
            if breakpoint.is_valid():
                breakpoint.delete()
        self.breakpoints = []

    def is_hopeless(self) -> bool:
        """The condition has never had a value."""
        return self.judged == 0 and self.failures >= MAX_FAILURES

    def can_be_hit(self) -> bool:
        """Waiting may help."""
        return bool(self.breakpoints) or self.module is not None

    def is_boot_code(self, image: Image) -> bool:
        """All of it is thrown away once the kernel has booted."""
        sections = [image.section_at(each.address) for each in self.locations]
        return bool(sections) and all(each and each.name in BOOT_SECTIONS for each in sections)

    def look_at_memory(self, image: Image, read, init_is_gone: bool) -> None:
        """Compares the guest with the file, while no breakpoint is in it."""
        if init_is_gone and self.is_boot_code(image):
            # The memory may be anything by now: a breakpoint there would damage it under KVM.
            self.init_gone = True
            self.unset()
        changed = []
        for each in self.locations:
            body = image.function_at(each.address)
            # Where functions begin, every kernel with ftrace has been patched.
            if body and body.address != each.address and not self.init_gone:
                seen, expected = read(each.address, 1), image.read(each.address, 1)
                if seen is not None and expected and seen != expected:
                    changed.append(each.address)
        self.patched = tuple(changed)

    def as_json(self) -> dict[str, object]:
        """As the event "armed" has it."""
        return {
            "asked": self.place.asked,
            "name": self.place.name,
            "note": self.note,
            "locations": [each.as_json() for each in self.locations],
        }

    def facts(self, seconds: float, cut_short: bool) -> Facts:
        """For the explanation."""
        later = successor(self.place.function) if self.place.function else None
        return Facts(
            name=self.place.name,
            function=self.place.function is not None,
            locations=len(self.locations),
            inlined=sum(1 for each in self.locations if each.inlined_into),
            seconds=seconds,
            reached=self.reached,
            condition=self.condition,
            condition_error=self.condition_error if self.judged == 0 else None,
            init_gone=self.init_gone,
            module=module_name(self.module) if self.module else None,
            patched=self.patched,
            successor=later.note if later and _exists(later.name) else None,
            cut_short=cut_short,
        )


def has_booted() -> bool:
    """Whether the guest has booted; its memory must be readable."""
    try:
        return int(gdb.parse_and_eval("(int)system_state")) >= int(gdb.parse_and_eval("(int)SYSTEM_RUNNING"))
    except gdb.error:
        return False


def check_expressions(stops: list[Stop], expressions: list[str], check) -> None:
    """Lets `check` look at each expression at each stop's place; it raises what is wrong."""
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
