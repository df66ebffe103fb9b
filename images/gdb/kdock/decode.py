"""Adds source lines to the places in a kernel log.

    KDOCK_DECODE='{"vmlinux": …, "modules": …, "log": …, "source": …}' gdb -nx -batch -x …/kdock/decode.py

Each output line begins with the events' prefix, which separates it from gdb's messages. The last one is JSON with counts of the
log's places, see `Sources.report`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

import gdb  # noqa: E402

from kdock.events import PREFIX  # noqa: E402
from kdock.image import Function, Image, NotElf  # noqa: E402
from kdock.modules import module_files, module_name  # noqa: E402
from kdock.trace import Decoder, Line, Reference  # noqa: E402

#: Addresses that no kernel uses, for modules.
MODULES_FROM = 0x10000000
MODULE_STEP = 0x10000000
#: Instructions that are shown, up to and including the one at the place.
INSTRUCTIONS = 4
#: In place of a module's name the kernel prints these for code that it generates.
NO_MODULES = re.compile(r"bpf|__builtin__.*")
#: "   0xffffffff813b39b0 <sysrq_handle_crash+16>:\tcall ..." without the address.
INSTRUCTION = re.compile(r"^(?:=>)?\s+0x[0-9a-f]+ *((?:<[^>]*>)?:\t)")


class Sources:
    """Looks up places in a vmlinux and its modules."""

    def __init__(self, vmlinux: str, modules: str, source: str) -> None:
        self._source = source
        self._kernel = Image(vmlinux)
        #: By name; two folders may have modules of the same name.
        self._modules: dict[str | None, list[str]] = {}
        for path in module_files(modules):
            self._modules.setdefault(module_name(path), []).append(path)
        #: The files of each module that was looked up, with the addresses given to their sections.
        self._placed: dict[str | None, list[tuple[Image, dict[int, int]]]] = {None: [(self._kernel, {})]}
        self._files = 0
        self._known: dict[Reference, list[Line]] = {}
        self._missing: set[str] = set()
        self._other_sizes: set[str] = set()
        gdb.execute(f"file {vmlinux}", to_string=True)

    def lookup(self, place: Reference) -> list[Line]:
        """The source lines, innermost function first; empty for an unknown place."""
        if place not in self._known:
            self._known[place] = self._find(place)
        return self._known[place]

    def instructions(self, place: Reference) -> list[str]:
        """The instruction at an exact place, marked with =>, after the preceding ones."""
        found = self._address(place)
        if found is None:
            return []
        start, address = found
        # From the function's start: x86 code cannot be disassembled backwards.
        text = gdb.execute(f"disassemble {start:#x},{address + 1:#x}", to_string=True)
        lines = [INSTRUCTION.sub(r"\1", line) for line in text.splitlines() if INSTRUCTION.match(line)]
        return [f"   {line}" for line in lines[-INSTRUCTIONS:-1]] + [f"=> {line}" for line in lines[-1:]]

    def report(self) -> dict[str, object]:
        """Counts of the places and of those with source lines, and the reasons for the others."""
        return {
            "places": len(self._known),
            "found": sum(1 for lines in self._known.values() if lines),
            "otherSizes": sorted(self._other_sizes),
            "missingModules": sorted(self._missing),
        }

    def _find(self, place: Reference) -> list[Line]:
        """For several matching functions: the first one's lines, with the others' last lines as alternatives."""
        found = [lines for start in self._starts(place) if (lines := self._lines_at(start, place))]
        if not found:
            return []
        *inlined, last = found[0]
        others = tuple(dict.fromkeys(str(lines[-1]) for lines in found if str(lines[-1]) != str(last)))
        return [*inlined, replace(last, others=others)]

    def _lines_at(self, start: int, place: Reference) -> list[Line]:
        return self._lines(start + place.offset - (not place.exact))

    def _address(self, place: Reference) -> tuple[int, int] | None:
        """gdb's addresses of the function and of the place."""
        start = next(iter(self._starts(place)), None)
        return None if start is None else (start, start + place.offset)

    def _starts(self, place: Reference) -> list[int]:
        """gdb's start address of each matching function."""
        placed = self._images(place.module)
        if not placed and place.module and not NO_MODULES.fullmatch(place.module):
            self._missing.add(place.module)
        others: list[int] = []
        for image, sections in placed:
            functions, fits = of_size(image, place)
            starts = [each.address + sections.get(each.section, 0) for each in functions]
            if fits:
                return starts
            others += starts
        # The size of a module's last function is not reliable: the kernel counts up to the next loaded code.
        if others and place.module is None:
            self._other_sizes.add(place.name)
        return others

    def _images(self, module: str | None) -> list[tuple[Image, dict[int, int]]]:
        if module not in self._placed:
            placed = (self._place(path) for path in self._modules.get(module, []))
            self._placed[module] = [each for each in placed if each is not None]
        return self._placed[module]

    def _place(self, path: str) -> tuple[Image, dict[int, int]] | None:
        self._files += 1
        try:
            image = _relocatable(Image(path), self._files)
            places = image.code_addresses(MODULES_FROM + self._files * MODULE_STEP)
            named = "".join(f" -s {image.sections[index].name} {at:#x}" for index, at in places.items())
            gdb.execute(f"add-symbol-file {image.path}{named}", to_string=True)
        except (OSError, NotElf, gdb.error) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return None
        return image, places

    def _lines(self, address: int) -> list[Line]:
        line = gdb.find_pc_line(address)
        if line.symtab is None or not line.line:
            return []
        file, number = line.symtab.filename, line.line
        found: list[Line] = []
        block = gdb.block_for_pc(address)
        while block is not None and not block.is_static and not block.is_global:
            function = block.function
            if function is not None:
                found.append(Line(function.name, self._short(file), number))
                # function.line is the call site of an inlined copy.
                file, number = function.symtab.filename, function.line
            block = block.superblock
        return found or [Line("", self._short(file), number)]

    def _short(self, file: str) -> str:
        """Relative to the source tree."""
        return os.path.normpath(file.removeprefix(self._source))


def _relocatable(image: Image, number: int) -> Image:
    content = image.without_addresses()
    if content is None:
        return image
    path = f"/tmp/{number}-{module_name(image.path)}.ko"
    with open(path, "wb") as file:
        file.write(content)
    return Image(path)


def of_size(image: Image, place: Reference) -> tuple[list[Function], bool]:
    """The functions of a name whose size matches, and True; else the first that contains the offset, and False.

    Kernels print names without the suffix (.llvm.1234) that clang adds for link-time optimization.
    """
    named = image.functions.get(place.name) or [
        each for each in image.copies.get(place.name, []) if ".llvm." in each.name
    ]
    fitting = [each for each in named if image.extent_of(each) == place.size]
    return (fitting, True) if fitting else ([each for each in named if place.offset <= image.extent_of(each)][:1], False)


def main() -> None:
    """Writes the decoded log."""
    request = json.loads(os.environ["KDOCK_DECODE"])
    for setting in ("confirm off", "auto-load off", "width 0", "style enabled off"):
        gdb.execute(f"set {setting}", to_string=True)
    sources = Sources(request["vmlinux"], request["modules"], request["source"])
    decoder = Decoder(sources.lookup, sources.instructions)
    with open(request["log"], encoding="utf-8", errors="replace", newline="\n") as log:
        for line in log:
            for text in decoder.decoded(line.rstrip("\r\n")):
                sys.stdout.write(f"{PREFIX}{text}\n")
    sys.stdout.write(f"{PREFIX}{json.dumps(sources.report())}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
