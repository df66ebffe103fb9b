"""A guest whose kernel panics stops in the debugger, before anything of the panic has been done.

    source …/kdock/panic.py

From then on any gdb that is at a kernel stops there. The breakpoint is an internal one, so that a person's own are
counted from 1, and a hardware one: it can be set before the kernel has mapped itself, and the text stays what it is.

    set stop-on-panic off          to let panics take their way
    set stop-on-oops on            to stop also at what the kernel survives
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

#: Where there is a vpanic(), panic() only hands its arguments to it, and others call it as well.
PANIC = ("vpanic", "panic")
#: Every architecture comes by here once when it begins to tell of an oops.
OOPS = ("oops_enter",)
MAX_TEXT = 1000


class Stop(gdb.Breakpoint):
    """At the entry of a function that the kernel ends in. Raises gdb.error where it cannot be set."""

    def __init__(self, function: str, address: int, kind: int) -> None:
        super().__init__(f"*{address:#x}", type=kind, internal=True)
        self.function = function
        self.address = address


class PanicStop(Stop):
    """Knows why."""

    reason = ""
    #: Whether to print to the session.
    tell = True

    def stop(self) -> bool:
        """Asked by gdb when the guest gets there."""
        self.reason = reason_of(self.function)
        if self.tell:
            gdb.write(
                f"\nkdock: the kernel panics: {visible(self.reason)}\n"
                "It stands before the first step of panic(): `backtrace` shows how it got there, `continue` lets it go on.\n"
            )
        return True


class OopsStop(Stop):
    """Only for those who ask for it: the kernel goes on after most of them."""

    def stop(self) -> bool:
        """Asked by gdb when the guest gets there."""
        gdb.write("\nkdock: the kernel is about to report an oops: `backtrace` shows where it was\n")
        return True


def panic_stop() -> PanicStop | None:
    """A breakpoint on panics; None where there is no kernel that could, or where it cannot be set yet."""
    return _made(PanicStop, PANIC)


def _made(kind: type[Stop], functions: tuple[str, ...]) -> Stop | None:
    found = _entry(functions)
    if found is None:
        return None
    function, address = found
    # gdb before 11 cannot ask for hardware from Python; what it asks for instead is written into memory.
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
    """What panic() is about to say, at its entry."""
    try:
        given = arguments(_convention(), _register, _word)
        text = _string(next(given))
        if function == "vpanic":
            given = _convention().unpack(next(given), _word)
        return formatted(text, lambda: next(given), _string, _place).rstrip("\n")
    except (gdb.error, UnicodeError, ValueError) as error:
        return f"for a reason that cannot be read ({error})"


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
    """One kind of stop, on or off. It is set as soon as there is a guest to set it in."""

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
        """Run by gdb when it was set."""
        self.apply()
        return ""

    def get_show_string(self, shown: str) -> str:
        """Run by gdb for `show`."""
        return f"{self._name} is {shown}."

    def apply(self) -> None:
        """Makes it so. Nothing happens where it is so already, or while there is no guest."""
        if self._stop is not None and not self._is_good(self._stop):
            if self._stop.is_valid():
                self._stop.delete()
            self._stop = None
        if self.value and self._stop is None and gdb.selected_inferior().pid:
            self._stop = _made(self._kind, self._functions)

    def _is_good(self, stop: Stop) -> bool:
        return bool(self.value) and stop.is_valid() and _entry(self._functions) == (stop.function, stop.address)


def install() -> None:
    """Defines the settings, and keeps to them from the next stop of the guest on, which connecting to it is."""
    settings = [_Setting("stop-on-panic", True, PanicStop, PANIC), _Setting("stop-on-oops", False, OopsStop, OOPS)]

    def apply(_event: object = None) -> None:
        for setting in settings:
            setting.apply()

    gdb.events.stop.connect(apply)
    apply()


if __name__ == "__main__":
    install()
