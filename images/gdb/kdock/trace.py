"""Replaces places in a kernel log (name+0xoffset/0xsize) by source lines. Pure: the caller looks up the lines.

Uses the notation of the kernel's scripts/decode_stacktrace.sh, and improves on it: the line of a call is that of the call
instruction, functions of the same name are distinguished by size, and inlined functions are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: The part after a name; the name is searched backwards from here, which is linear for long lines. A module's name may begin
#: with a digit (8021q); kernels may add its taints in parentheses and its build id.
PLACE = re.compile(
    r"\+0x(?P<offset>[0-9a-f]{1,16})/0x(?P<size>[0-9a-f]{1,16})(?![0-9a-f])"
    r"(?: \[(?P<module>[\w.+-]+)(?:\([A-Z+-]+\))?(?: [0-9a-f]{8,})?\])?"
)
NAME = re.compile(r"[\w.$]+\Z")
#: KSYM_NAME_LEN.
MAX_NAME = 512
#: Tokens before a backtrace's entry: time and caller, an address before 4.10, a question mark for an unreliable entry; a level as
#: in /dev/kmsg, netconsole and `dmesg -x`; a log collector's date; a mail's quotation marks.
HEAD = re.compile(
    r"\s+|\[[^]]*\]|\?(?= )|<\d+>|\d+,\d+,\d+,[^;]*;|[a-z0-9]{1,9} *:[a-z]{1,9} *:|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|[>|]"
)
#: The kernel's tag in syslog and journalctl, after date and host name.
LOGGER = re.compile(r"\bkernel(?:\[\d+\])?: ")
#: arm64 adds flags to an entry.
REST = re.compile(r"(?: \([A-Z]+\))?\s*\Z")
#: After these the place is an instruction; elsewhere it is a return address.
INSTRUCTION = re.compile(r"\bR?E?IP: |\bWARNING: |\be?pc : |\bPC is at ")
#: The place whose bytes the next "Code:" shows.
STOPPED = re.compile(r"\bR?E?IP: |\be?pc : |\bPC is at ")
CODE = re.compile(r"\bCode: ")
ADDRESS = re.compile(r"\[<[0-9a-f]+>\] ?")
#: Terminal escape sequences: `dmesg --color=always`.
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Reference:
    """A place as printed by the kernel."""

    name: str
    offset: int
    #: The bytes up to the next symbol.
    size: int
    module: str | None
    #: The address of an instruction, not a return address.
    exact: bool


@dataclass(frozen=True)
class Line:
    """A source line. `file` is relative or absolute, as in the debug information."""

    function: str
    file: str
    line: int
    #: Alternatives in other functions of the same name and size: "net/a.c:12".
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " or ".join((f"{self.file}:{self.line}", *self.others))


#: Source lines, innermost function first; empty for an unknown place.
Lookup = Callable[[Reference], list[Line]]


@dataclass(frozen=True)
class Mention:
    """A place and its position in the line."""

    place: Reference
    start: int
    end: int


class Decoder:
    """Decodes line by line; it keeps the last instruction's place for the "Code:" line that follows."""

    def __init__(self, lookup: Lookup, instructions: Callable[[Reference], list[str]]) -> None:
        self._lookup = lookup
        self._instructions = instructions
        self._stopped_at: Reference | None = None

    def decoded(self, line: str) -> Iterator[str]:
        """The decoded line, after a line for each function that is inlined there."""
        line = ESCAPE.sub("", line)
        found = mentions(line)
        if len(found) == 1 and is_entry(line, found[0]):
            yield from self._entry(line, found[0])
        else:
            yield self._in_place(line, found)
        if self._stopped_at is not None and is_code(line):
            yield from self._instructions(self._stopped_at)
            self._stopped_at = None
        if STOPPED.search(line):
            # A user-space address has no place.
            self._stopped_at = found[0].place if found else None

    def _entry(self, line: str, mention: Mention) -> Iterator[str]:
        place = mention.place
        found = self._lookup(place)
        if not found:
            yield line
            return
        head, rest = ADDRESS.sub("", line[: mention.start]), line[mention.end :].rstrip()
        module = f" [{place.module}]" if place.module else ""
        for each in found[:-1]:
            yield f"{head}{each.function} ({each}) (inlined){module}"
        yield f"{head}{place.name} ({found[-1]}){module}{rest}"

    def _in_place(self, line: str, found: list[Mention]) -> str:
        text, at = [], 0
        for mention in found:
            place = mention.place
            lines = self._lookup(place)
            if not lines:
                continue
            module = f" [{place.module}]" if place.module else ""
            text += [line[at : mention.start], f"{place.name} ({' '.join(map(str, lines))}){module}"]
            at = mention.end
        return "".join((*text, line[at:]))


def mentions(line: str) -> list[Mention]:
    """The places in a line, in order."""
    found: list[Mention] = []
    if "+0x" not in line:
        return found
    at = 0
    for hit in PLACE.finditer(line):
        begin = max(at, hit.start() - MAX_NAME)
        name = NAME.search(line[begin : hit.start()])
        if name is None:
            continue
        offset = int(hit["offset"], 16)
        # Offset 0 cannot be a return address.
        exact = offset == 0 or INSTRUCTION.search(line, at, begin + name.start()) is not None
        found.append(Mention(Reference(name[0], offset, int(hit["size"], 16), hit["module"], exact), begin + name.start(), hit.end()))
        at = hit.end()
    return found


def is_entry(line: str, mention: Mention) -> bool:
    """Whether the line has only the place, as in a backtrace."""
    return is_head(line[: mention.start]) and REST.match(line, mention.end) is not None


def is_code(line: str) -> bool:
    """Whether the line is the kernel's "Code:" line."""
    found = CODE.search(line)
    return found is not None and is_head(line[: found.start()])


def is_head(text: str) -> bool:
    """Whether the text has only prefixes of a log line."""
    logger = LOGGER.search(text)
    at = logger.end() if logger else 0
    while at < len(text):
        token = HEAD.match(text, at)
        if token is None:
            return False
        at = token.end()
    return True
