"""The places that a kernel names in its log, name+0xoffset/0xsize, replaced by source lines. Pure: the caller looks up.

It is what scripts/decode_stacktrace.sh of the kernel does, in its notation, with what that cannot do: a call's line is the call's
and not the next one's, functions of one name are told apart by their size, and inlined functions have their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

REFERENCE = re.compile(
    r"(?P<name>[\w.$]+)\+0x(?P<offset>[0-9a-f]+)/0x(?P<size>[0-9a-f]+)(?: \[(?P<module>[A-Za-z_][\w-]*)(?: [0-9a-f]{8,})?\])?"
)
#: One line of a backtrace: times and callers, an address before 4.10, a question mark for what may be left over.
ENTRY = re.compile(rf"(?P<head>(?:\s*\[[^]]*\])*\s*(?:\? )?){REFERENCE.pattern}(?P<rest>\s*)")
#: Here the place is an instruction; everywhere else it is where a call comes back to.
INSTRUCTION = re.compile(r"\bR?E?IP: |\bWARNING: |\be?pc : ")
STOPPED = re.compile(rf"\bR?E?IP: (?:[0-9a-f]+:)?{REFERENCE.pattern}")
CODE = re.compile(r"(?:\s*\[[^]]*\])*\s*Code: ")
ADDRESS = re.compile(r"\[<[0-9a-f]+>\] ?")


@dataclass(frozen=True)
class Reference:
    """A place as the kernel names it."""

    name: str
    offset: int
    #: Up to the next symbol.
    size: int
    module: str | None
    #: The instruction itself, or the one after a call.
    exact: bool


@dataclass(frozen=True)
class Line:
    """Where code comes from. `file` has the source tree's folder before it or not, as the compiler saw it."""

    function: str
    file: str
    line: int


#: Innermost first; nothing for what is not known.
Lookup = Callable[[Reference], list[Line]]


class Decoder:
    """Line by line, because the instructions at a place are told where the kernel prints their bytes."""

    def __init__(self, lookup: Lookup, instructions: Callable[[Reference], list[str]]) -> None:
        self._lookup = lookup
        self._instructions = instructions
        self._stopped_at: Reference | None = None

    def decoded(self, line: str) -> Iterator[str]:
        """The line, or those that it becomes: one for each function that is inlined there."""
        entry = ENTRY.fullmatch(line)
        if entry is not None:
            yield from self._entry(line, entry)
        else:
            yield REFERENCE.sub(lambda found: self._in_place(found, line), line)
        if self._stopped_at is not None and CODE.match(line):
            yield from self._instructions(self._stopped_at)
        stopped = STOPPED.search(line)
        self._stopped_at = _reference(stopped, exact=True) if stopped else None

    def _entry(self, line: str, entry: re.Match[str]) -> Iterator[str]:
        found = self._lookup(_reference(entry, exact=False))
        if not found:
            yield line
            return
        head = ADDRESS.sub("", entry["head"])
        module = f" [{entry['module']}]" if entry["module"] else ""
        for each in found[:-1]:
            yield f"{head}{each.function} ({each.file}:{each.line}) (inlined){module}"
        yield f"{head}{entry['name']} ({found[-1].file}:{found[-1].line}){module}"

    def _in_place(self, found: re.Match[str], line: str) -> str:
        lines = self._lookup(_reference(found, exact=INSTRUCTION.search(line) is not None))
        if not lines:
            return found[0]
        module = f" [{found['module']}]" if found["module"] else ""
        return f"{found['name']} ({' '.join(f'{each.file}:{each.line}' for each in lines)}){module}"


def _reference(found: re.Match[str], exact: bool) -> Reference:
    offset = int(found["offset"], 16)
    # At a function's beginning nothing comes back.
    return Reference(found["name"], offset, int(found["size"], 16), found["module"], exact or offset == 0)
