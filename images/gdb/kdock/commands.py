"""The commands kdock-break, kdock-symbols and kdock-check.

    source …/kdock/commands.py

Afterwards `target remote` also checks that the guest runs the kernel of the open vmlinux, and reads its modules' symbols.
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
    """Set a breakpoint at a function, line or address of the kernel; renamed functions are found.

kdock-break PLACE [if CONDITION]

PLACE is a function, file.c:line, file.c:function, function+offset or *address. Functions are found by their names in
older and newer kernels; inlined functions get a breakpoint at every copy, and the copies are listed. Before the kernel
is mapped, a hardware breakpoint is used."""

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
    """Read the symbols of the modules that the guest has loaded, and of modules that it loads later.

Unlike lx-symbols it passes the address of every section: lx-symbols leaves some at 0, so that their data is wrong."""

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
        _print_modules(symbols, new)
        if not new:
            gdb.write("no new modules; modules that are loaded later are added\n")


class _KdockConnected(gdb.Command):
    """Run after `target remote`: reads the symbols of loaded modules."""

    def __init__(self) -> None:
        super().__init__("kdock-connected", gdb.COMMAND_SUPPORT)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run by gdb."""
        symbols = modules_of_session()
        _print_modules(symbols, symbols.refresh())


def _print_modules(symbols: ModuleSymbols, names: list[str]) -> None:
    for name in names:
        gdb.write(f"module {name} at {symbols.code_of(name):#x}\n")


class KdockCheck(gdb.Command):
    """Check by build id that the guest runs the kernel of the open vmlinux."""

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
            else f"cannot verify yet that {image.path} is the kernel that runs: {verdict.reason}\n"
        )


KdockBreak()
KdockSymbols()
KdockCheck()
_KdockConnected()
gdb.execute("define target hookpost-remote\nkdock-check\nkdock-connected\nend")
