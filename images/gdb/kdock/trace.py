"""The places that a kernel names in its log, name+0xoffset/0xsize, replaced by source lines. Pure: the caller looks up.

It is what scripts/decode_stacktrace.sh of the kernel does, in its notation, with what that cannot do: a call's line is the call's
and not the next one's, functions of one name are told apart by their size, and inlined functions have their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Behind a name; the name itself is looked for backwards from here, because a line without one may be long. A module's name
#: may begin with a digit (8021q); kernels may add its build id, and its taints in brackets.
PLACE = re.compile(
    r"\+0x(?P<offset>[0-9a-f]{1,16})/0x(?P<size>[0-9a-f]{1,16})(?![0-9a-f])"
    r"(?: \[(?P<module>[\w.+-]+)(?:\([A-Z+-]+\))?(?: [0-9a-f]{8,})?\])?"
)
NAME = re.compile(r"[\w.$]+\Z")
#: The kernel's own limit.
MAX_NAME = 512
#: The words before a backtrace's entry, one by one: time and caller, an address before 4.10, a question mark for what may be left
#: over; a level as /dev/kmsg, netconsole and `dmesg -x` have it; the date of whatever collected the log; a mail's quotation marks.
HEAD = re.compile(
    r"\s+|\[[^]]*\]|\?(?= )|<\d+>|\d+,\d+,\d+,[^;]*;|[a-z0-9]{1,9} *:[a-z]{1,9} *:|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|[>|]"
)
#: syslog's and journalctl's name for the kernel, behind a date and the machine's name.
LOGGER = re.compile(r"\bkernel(?:\[\d+\])?: ")
#: arm64 says so what is special about an entry.
REST = re.compile(r"(?: \([A-Z]+\))?\s*\Z")
#: Here the place is an instruction; everywhere else it is where a call comes back to.
INSTRUCTION = re.compile(r"\bR?E?IP: |\bWARNING: |\be?pc : |\bPC is at ")
#: Whose bytes the next "Code:" shows.
STOPPED = re.compile(r"\bR?E?IP: |\be?pc : |\bPC is at ")
CODE = re.compile(r"\bCode: ")
ADDRESS = re.compile(r"\[<[0-9a-f]+>\] ?")
#: A terminal's colours: `dmesg --color=always`.
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


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
    #: The same place in other functions of this name, where nothing tells which one it is: "net/a.c:12".
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " or ".join((f"{self.file}:{self.line}", *self.others))


#: Innermost first; nothing for what is not known.
Lookup = Callable[[Reference], list[Line]]


@dataclass(frozen=True)
class Mention:
    """A place, and where in its line it is named."""

    place: Reference
    start: int
    end: int


class Decoder:
    """Line by line, because the instructions at a place are told where the kernel prints their bytes."""

    def __init__(self, lookup: Lookup, instructions: Callable[[Reference], list[str]]) -> None:
        self._lookup = lookup
        self._instructions = instructions
        self._stopped_at: Reference | None = None

    def decoded(self, line: str) -> Iterator[str]:
        """The line, or those that it becomes: one for each function that is inlined there."""
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
            # A process's own instructions are in no vmlinux.
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
    """The places that a line names, in their order."""
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
        # At a function's beginning nothing comes back.
        exact = offset == 0 or INSTRUCTION.search(line, at, begin + name.start()) is not None
        found.append(Mention(Reference(name[0], offset, int(hit["size"], 16), hit["module"], exact), begin + name.start(), hit.end()))
        at = hit.end()
    return found


def is_entry(line: str, mention: Mention) -> bool:
    """Whether the place is all that the kernel says in this line."""
    return is_head(line[: mention.start]) and REST.match(line, mention.end) is not None


def is_code(line: str) -> bool:
    """Whether the kernel shows instructions as bytes in this line."""
    found = CODE.search(line)
    return found is not None and is_head(line[: found.start()])


def is_head(text: str) -> bool:
    """Whether this is only what comes before the kernel's words in a line of a log."""
    logger = LOGGER.search(text)
    at = logger.end() if logger else 0
    while at < len(text):
        word = HEAD.match(text, at)
        if word is None:
            return False
        at = word.end()
    return True
