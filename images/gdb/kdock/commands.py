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
from kdock.session import image_of_session, is_connected, read, set_place  # noqa: E402
from kdock.symbols import Resolver, UnknownPlace  # noqa: E402


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
        set_place(place, condition.strip(), image)


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
