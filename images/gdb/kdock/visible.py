"""Text of the guest's memory on a person's terminal: what a terminal would act on is spelt out, as kdock does (src/ui/visible.ts).

    source …/kdock/visible.py

From then on that holds for all that Python commands write, the kernel's own (lx-dmesg) too. gdb's own printing spells
strings of the guest out by itself.
"""

from __future__ import annotations

import re

UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Every character but a line feed and a tab that moves the cursor, changes the terminal or the order: `\\x1b`."""
    return UNPRINTED.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def install() -> None:
    """Stands before gdb.write, which print() comes by as well."""
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
