"""kdock-break and kdock-check, for a person at gdb's prompt.

    source …/kdock/commands.py

From then on `target remote` looks whether the kernel that runs is the one whose vmlinux is open.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import gdb  # noqa: E402

from kdock import buildid  # noqa: E402
from kdock.image import Image, NotElf  # noqa: E402
from kdock.symbols import Resolver, UnknownPlace, locations, notes  # noqa: E402

MAX_SHOWN = 12
#: The file that is open, read once.
_images: dict[str, Image] = {}


def image_of_session() -> Image:
    """The file that gdb has open. Raises gdb.GdbError."""
    path = gdb.current_progspace().filename
    if not path:
        raise gdb.GdbError("no vmlinux is open: file /path/to/vmlinux")
    if path not in _images:
        try:
            _images[path] = Image(path)
        except (OSError, NotElf) as error:
            raise gdb.GdbError(str(error)) from error
    return _images[path]


def is_connected() -> bool:
    """Whether there is a guest."""
    return any(thread.is_valid() for thread in gdb.selected_inferior().threads())


def read(address: int, size: int) -> bytes | None:
    """The guest's memory as it is mapped now."""
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.error:
        return None


class KdockBreak(gdb.Command):
    """Stop where a function, line or address of the kernel is, under whatever name this version has it.

kdock-break PLACE [if CONDITION]

PLACE is a function, file.c:line, file.c:function, function+offset or *address. Functions that were renamed are found
by their old and new names; inlined ones are stopped at wherever they are, and it is said where. While the kernel is
not mapped yet the breakpoint is a hardware one."""

    def __init__(self) -> None:
        super().__init__("kdock-break", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        asked, _, condition = argument.partition(" if ")
        if not asked.strip():
            raise gdb.GdbError("kdock-break PLACE [if CONDITION]")
        image = image_of_session()
        try:
            place = Resolver(image).resolve(asked.strip())
        except UnknownPlace as error:
            hint = f"; did you mean {', '.join(error.near)}?" if error.near else ""
            raise gdb.GdbError(f"{error}{hint}") from error
        made = [gdb.Breakpoint(spec) for spec in place.specs]
        found = locations(place, made)
        if found and is_connected() and read(found[0].address, 1) is None:
            for breakpoint in made:
                breakpoint.delete()
            made = [gdb.Breakpoint(spec, type=gdb.BP_HARDWARE_BREAKPOINT) for spec in place.specs]
        if condition.strip():
            for breakpoint in made:
                breakpoint.condition = condition.strip()
        told = notes(place, found, image)
        if told:
            gdb.write(f"{told}\n")
        if len(found) > 1:
            for each in found[:MAX_SHOWN]:
                copy = f", inlined in {each.inlined_into}" if each.inlined_into else ""
                gdb.write(f"  {each.address:#x} {each.function} {each.file}:{each.line}{copy}\n")
            if len(found) > MAX_SHOWN:
                gdb.write(f"  and {len(found) - MAX_SHOWN} more\n")


class KdockCheck(gdb.Command):
    """Whether the kernel that runs is the one whose vmlinux is open, by its build id."""

    def __init__(self) -> None:
        super().__init__("kdock-check", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        if not is_connected():
            raise gdb.GdbError("not connected: target remote HOST:PORT")
        image = image_of_session()
        verdict = buildid.check(image, read)
        if verdict.kind == "other":
            raise gdb.GdbError(f"{image.path} is NOT the kernel that runs: {verdict.reason}")
        gdb.write(
            f"{image.path} is the kernel that runs ({verdict.reason})\n"
            if verdict.kind == "same"
            else f"cannot tell yet whether {image.path} is the kernel that runs: {verdict.reason}\n"
        )


KdockBreak()
KdockCheck()
gdb.execute("define target hookpost-remote\nkdock-check\nend")
