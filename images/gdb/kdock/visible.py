"""Escapes control characters in the guest's text before it is printed, like src/ui/visible.ts.

    source …/kdock/visible.py

Afterwards the output of all Python commands is escaped, the kernel's (lx-dmesg) included. gdb's print commands escape
strings themselves.
"""

from __future__ import annotations

import re

UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Escapes control and bidirectional characters as `\\x1b`, except line feed and tab."""
    return UNPRINTED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def install() -> None:
    """Wraps gdb.write, which print() uses, too."""
    import gdb

    write = gdb.write
    if getattr(write, "is_visible", False):
        return

    def shown(text: str, stream: int = gdb.STDOUT) -> None:
        write(visible(text), stream)

    shown.is_visible = True  # type: ignore[attr-defined]
    gdb.write = shown


if __name__ == "__main__":
    install()
