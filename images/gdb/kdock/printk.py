"""Formats text as the kernel's printk does. Pure: the caller fetches the arguments."""

from __future__ import annotations

import re
from collections.abc import Callable

DIRECTIVE = re.compile(r"%(?P<flags>[-+ #0]*)(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?(?P<length>hh?|ll?|[Lqjzt])?(?P<letter>[a-zA-Z%])(?P<more>[A-Za-z0-9]*)")
BITS = {"hh": 8, "h": 16, None: 32}
#: %p with one of these letters prints a symbol.
PLACES = "SsBF"


def formatted(text: str, take: Callable[[], int], string: Callable[[int], str], place: Callable[[int], str]) -> str:
    """The formatted text: `take` returns the next argument as 64 bits, `string` the text at an address, `place` a symbol for %pS."""

    def one(directive: re.Match[str]) -> str:
        letter, more = directive["letter"], directive["more"]
        if letter == "%":
            return "%" + more
        width = _number(directive["width"], take)
        precision = _number(directive["precision"], take) if directive["precision"] is not None else None
        if letter == "p":
            # The letters after %p select a format, and cannot be separated from text that follows.
            return place(take()) if more[:1] and more[0] in PLACES else f"{take():#x}"
        if letter == "s":
            shown = string(take())[:precision]
        else:
            shown = _integer(directive["length"], letter, directive["flags"], width, take())
        return _padded(shown, directive["flags"], width) + more

    return DIRECTIVE.sub(one, text)


def _number(text: str, take: Callable[[], int]) -> int:
    return take() & 0xFFFF if text == "*" else int(text or 0)


def _integer(length: str | None, letter: str, flags: str, width: int, raw: int) -> str:
    bits = BITS.get(length, 64)
    value = raw & ((1 << bits) - 1)
    if letter == "c":
        return chr(value & 0xFF)
    if letter in "di" and value >> (bits - 1):
        value -= 1 << bits
    prefix = {"x": "0x", "X": "0X", "o": "0"}.get(letter, "") if "#" in flags else ""
    digits = format(value, letter if letter in "xXo" else "d")
    if "0" in flags and "-" not in flags:
        digits = digits.zfill(width - len(prefix))
    return prefix + digits


def _padded(text: str, flags: str, width: int) -> str:
    return text.ljust(width) if "-" in flags else text.rjust(width)
