"""Stops the guest at the entry of panic().

    source …/kdock/panic.py

The breakpoint is internal, so that the user's are numbered from 1, and a hardware one: it can be set before the kernel is
mapped, and does not modify the kernel's code.

    set stop-on-panic off          do not stop at panics
    set stop-on-oops on            also stop at oopses
"""

from __future__ import annotations

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import gdb  # noqa: E402

from kdock.calls import CONVENTIONS, Convention, arguments  # noqa: E402
from kdock.printk import formatted  # noqa: E402
from kdock.visible import visible  # noqa: E402

#: If there is a vpanic(), panic() only forwards to it, and other callers use it, too.
PANIC = ("vpanic", "panic")
#: Called once per oops, on every architecture, before it is reported.
OOPS = ("oops_enter",)
MAX_TEXT = 1000


class Stop(gdb.Breakpoint):
    """A breakpoint at the entry of a function. Raises gdb.error if it cannot be set."""

    def __init__(self, function: str, address: int, kind: int) -> None:
        super().__init__(f"*{address:#x}", type=kind, internal=True)
        self.function = function
        self.address = address


class PanicStop(Stop):
    """A stop at a panic, with the panic message in `reason`."""

    reason = ""
    #: Print the reason to the session.
    announce = True

    def stop(self) -> bool:
        """Called by gdb on a hit."""
        self.reason = reason_of(self.function)
        if self.announce:
            gdb.write(
                f"\nkdock: the kernel panics: {visible(self.reason)}\n"
                "The guest is stopped at the entry of panic(): `backtrace` shows the cause, `continue` resumes it.\n"
            )
        return True


class OopsStop(Stop):
    """A stop at an oops; off by default, since the kernel survives most of them."""

    def stop(self) -> bool:
        """Called by gdb on a hit."""
        gdb.write("\nkdock: the kernel is about to report an oops: `backtrace` shows the cause\n")
        return True


def panic_stop() -> PanicStop | None:
    """A breakpoint on panics; None if it cannot be set (yet)."""
    return _create(PanicStop, PANIC)


def _create(kind: type[Stop], functions: tuple[str, ...]) -> Stop | None:
    found = _entry(functions)
    if found is None:
        return None
    function, address = found
    # gdb before 11 has no hardware breakpoints in Python; a software breakpoint needs mapped memory.
    hardware = getattr(gdb, "BP_HARDWARE_BREAKPOINT", None)
    if hardware is None and not _is_mapped(address):
        return None
    try:
        return kind(function, address, gdb.BP_BREAKPOINT if hardware is None else hardware)
    except gdb.error:
        return None  # Nothing is connected.


def _entry(functions: tuple[str, ...]) -> tuple[str, int] | None:
    for function in functions:
        with contextlib.suppress(gdb.error):
            return function, int(gdb.parse_and_eval(f"(unsigned long) &{function}"))
    return None


def _is_mapped(address: int) -> bool:
    try:
        gdb.selected_inferior().read_memory(address, 1)
        return True
    except gdb.error:
        return False


def reason_of(function: str) -> str:
    """The panic message, formatted from the arguments at the entry of panic()."""
    try:
        values = arguments(_convention(), _register, _word)
        text = _string(next(values))
        if function == "vpanic":
            values = _convention().unpack(next(values), _word)
        return formatted(text, lambda: next(values), _string, _place).rstrip("\n")
    except (gdb.error, UnicodeError, ValueError) as error:
        return f"the message cannot be read ({error})"


def _register(name: str) -> int:
    return int(gdb.newest_frame().read_register(name)) & 0xFFFFFFFFFFFFFFFF


def _convention() -> Convention:
    name = gdb.newest_frame().architecture().name()
    known = next((each for start, each in CONVENTIONS.items() if name.startswith(start)), None)
    if known is None:
        raise ValueError(f"the calling convention of {name} is unknown")
    return known


def _word(address: int, size: int = 8) -> int:
    return int.from_bytes(gdb.selected_inferior().read_memory(address, size).tobytes(), "little")


def _string(address: int) -> str:
    text = bytearray()
    while len(text) < MAX_TEXT:
        byte = _word(address + len(text), 1)
        if byte == 0:
            break
        text.append(byte)
    return text.decode("latin-1")


def _place(address: int) -> str:
    symbol = gdb.execute(f"info symbol {address:#x}", to_string=True).strip()
    return symbol.partition(" in section")[0].replace(" ", "") if " in section" in symbol else f"{address:#x}"


class _Setting(gdb.Parameter):
    """Turns one kind of stop on or off; the breakpoint is set once a guest is connected."""

    def __init__(self, name: str, value: bool, kind: type[Stop], functions: tuple[str, ...]) -> None:
        self.set_doc = f"Set whether the guest stops at the entry of {functions[-1]}()."
        self.show_doc = f"Show whether the guest stops at the entry of {functions[-1]}()."
        self._name = name
        self._kind = kind
        self._functions = functions
        self._stop: Stop | None = None
        super().__init__(name, gdb.COMMAND_BREAKPOINTS, gdb.PARAM_BOOLEAN)
        self.value = value

    def get_set_string(self) -> str:
        """Run by gdb for `set`."""
        self.apply()
        return ""

    def get_show_string(self, shown: str) -> str:
        """Run by gdb for `show`."""
        return f"{self._name} is {shown}."

    def apply(self) -> None:
        """Sets or removes the breakpoint if needed; does nothing without a guest."""
        if self._stop is not None and not self._is_current(self._stop):
            if self._stop.is_valid():
                self._stop.delete()
            self._stop = None
        if self.value and self._stop is None and gdb.selected_inferior().pid:
            self._stop = _create(self._kind, self._functions)

    def _is_current(self, stop: Stop) -> bool:
        return bool(self.value) and stop.is_valid() and _entry(self._functions) == (stop.function, stop.address)


def install() -> None:
    """Defines the settings, and applies them on each stop of the guest; connecting is a stop, too."""
    settings = [_Setting("stop-on-panic", True, PanicStop, PANIC), _Setting("stop-on-oops", False, OopsStop, OOPS)]

    def apply(_event: object = None) -> None:
        for setting in settings:
            setting.apply()

    gdb.events.stop.connect(apply)
    apply()


if __name__ == "__main__":
    install()
