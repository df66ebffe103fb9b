"""kdock-break, kdock-symbols and kdock-check, for a person at gdb's prompt.

    source …/kdock/commands.py

From then on `target remote` looks whether the kernel that runs is the one whose vmlinux is open, and reads the symbols of
its modules.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import gdb  # noqa: E402

from kdock import buildid  # noqa: E402
from kdock.module_symbols import ModuleSymbols  # noqa: E402
from kdock.session import (  # noqa: E402
    follow_modules, image_of_session, is_connected, module_with, modules_of_session, read, set_in_module, set_place,
)
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
            module = module_with(asked.strip())
            if module is None:
                hint = f"; did you mean {', '.join(error.near)}?" if error.near else ""
                raise gdb.GdbError(f"{error}{hint}") from error
            set_in_module(module, asked.strip(), condition.strip())
            return
        set_place(place, condition.strip(), image)


class KdockSymbols(gdb.Command):
    """Read the symbols of the modules that the guest has loaded, and of those that it loads from now on.

As lx-symbols, but with every section where it is: that places some at 0, and shows data as something else."""

    def __init__(self) -> None:
        super().__init__("kdock-symbols", gdb.COMMAND_FILES)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        if not is_connected():
            raise gdb.GdbError("not connected: target remote HOST:PORT")
        symbols = modules_of_session()
        if not symbols.files:
            raise gdb.GdbError("this kernel has no modules")
        new = follow_modules(symbols)
        _tell_modules(symbols, new)
        if not new:
            gdb.write("no module is new; those that are loaded from now on are seen\n")


class _KdockConnected(gdb.Command):
    """After `target remote`: the modules that are there. A kernel that has yet to boot has none."""

    def __init__(self) -> None:
        super().__init__("kdock-connected", gdb.COMMAND_SUPPORT)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        symbols = modules_of_session()
        _tell_modules(symbols, symbols.refresh())


def _tell_modules(symbols: ModuleSymbols, names: list[str]) -> None:
    for name in names:
        gdb.write(f"module {name} at {symbols.code_of(name):#x}\n")


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
KdockSymbols()
KdockCheck()
_KdockConnected()
gdb.execute("define target hookpost-remote\nkdock-check\nkdock-connected\nend")
