"""Reads symbols, bytes and build id of a vmlinux or module. Pure: gdb takes 11 s to list the functions of a kernel with
debug information, reading the symbol table takes 0.1 s."""

from __future__ import annotations

import bisect
import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .compressed import SHF_COMPRESSED, Unreadable, decompressed
from .line_table import Strings, source_files
from .names import base_name

SHT_SYMTAB, SHT_RELA, SHT_NOTE, SHT_NOBITS = 2, 4, 7, 8
SHF_ALLOC, SHF_EXECINSTR = 2, 4
#: Prefixes of symbols that are not functions: mapping symbols of arm64 and riscv, and compilers' labels. The kernel ignores them
#: when it computes a function's size.
NOT_FUNCTIONS = ("$", ".L", "L0")
STT_NOTYPE, STT_FUNC, STT_GNU_IFUNC = 0, 2, 10
NT_GNU_BUILD_ID = 3
IDENTIFIER = re.compile(rb"(?<=\0)[A-Za-z_]\w{2,80}(?=\0)")
SOURCE = re.compile(rb"(?<=\0)[\w./+-]+\.[chS](?=\0)")


class NotElf(Exception):
    """The file is not an ELF file, or not valid."""


@dataclass(frozen=True)
class Section:
    """A section header."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int = 0


@dataclass(frozen=True)
class Function:
    """A symbol for code."""

    name: str
    address: int
    size: int
    #: The section's index; addresses in a module are relative to it.
    section: int = 0


@dataclass(frozen=True)
class Note:
    """An entry of an ELF note section; `at` is the offset of its description in the section."""

    owner: str
    kind: int
    description: bytes
    at: int


class Image:
    """An ELF file, mapped into memory and parsed on demand."""

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            try:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise NotElf(f"{path} is empty") from error
        if self._data[:4] != b"\x7fELF" or self._data[4] not in (1, 2) or self._data[5] not in (1, 2):
            raise NotElf(f"{path} is not an ELF file")
        self._wide = self._data[4] == 2
        self.order = "<" if self._data[5] == 1 else ">"
        try:
            self.sections = self._read_sections()
        except (struct.error, IndexError) as error:
            raise NotElf(f"{path} is an invalid ELF file") from error

    def _read_sections(self) -> list[Section]:
        table, size, count, names_at = struct.unpack_from(
            f"{self.order}Q10xHHH" if self._wide else f"{self.order}L10xHHH", self._data, 40 if self._wide else 32
        )
        row = struct.Struct(f"{self.order}" + ("LLQQQQLL16x" if self._wide else "LLLLLLLL8x"))
        rows = [row.unpack_from(self._data, table + index * size) for index in range(count)]
        names = rows[names_at]
        return [
            Section(self._text(names[4] + name), kind, flags, address, offset, length, link, info)
            for name, kind, flags, address, offset, length, link, info in rows
        ]

    def _text(self, at: int) -> str:
        return self._data[at : self._data.find(b"\0", at)].decode("utf-8", "replace")

    def without_addresses(self) -> bytes | None:
        """The file with all section addresses 0, as gdb needs it; None if they are 0 already.

        A module's linker script may set a section's address (6.12: .data). gdb then assumes that all sections have been
        placed, and shows every function as if it were in .text.
        """
        if not any(each.address for each in self.sections):
            return None
        table, size, count = struct.unpack_from(
            f"{self.order}Q10xHH" if self._wide else f"{self.order}L10xHH", self._data, 40 if self._wide else 32
        )
        content = bytearray(self._data[:])
        for index in range(count):
            struct.pack_into(f"{self.order}{'Q' if self._wide else 'L'}", content, table + index * size + (16 if self._wide else 12), 0)
        return bytes(content)

    def bytes_of(self, section: Section) -> bytes:
        """A section's content; empty for SHT_NOBITS."""
        return b"" if section.kind == SHT_NOBITS else self._data[section.offset : section.offset + section.size]

    def section_at(self, address: int) -> Section | None:
        """The loaded section that contains an address."""
        return next(
            (each for each in self.sections if each.flags & SHF_ALLOC and each.address <= address < each.address + each.size and each.address),
            None,
        )

    def read(self, address: int, size: int) -> bytes:
        """The file's bytes at an address; fewer at a section's end."""
        section = self.section_at(address)
        if section is None or section.kind == SHT_NOBITS:
            return b""
        start = section.offset + address - section.address
        return self._data[start : min(start + size, section.offset + section.size)]

    @cached_property
    def functions(self) -> dict[str, list[Function]]:
        """Functions by name; there may be several static ones of the same name."""
        found: dict[str, list[Function]] = {}
        for function in self._code_symbols():
            found.setdefault(function.name, []).append(function)
        return found

    @cached_property
    def copies(self) -> dict[str, list[Function]]:
        """The compiler's copies of functions (tcp_ack.part.0) by the function's name."""
        found: dict[str, list[Function]] = {}
        for name, functions in self.functions.items():
            base = base_name(name)
            if base != name:
                found.setdefault(base, []).extend(functions)
        return found

    def _code_symbols(self) -> Iterator[Function]:
        table = next((each for each in self.sections if each.kind == SHT_SYMTAB), None)
        if table is None:
            return
        code = {index for index, each in enumerate(self.sections) if each.flags & SHF_EXECINSTR}
        names = self.bytes_of(self.sections[table.link])
        row = struct.Struct(f"{self.order}" + ("LBxHQQ" if self._wide else "LLLBxH"))
        raw = self.bytes_of(table)
        for fields in row.iter_unpack(raw[: len(raw) // row.size * row.size]):
            if self._wide:
                name_at, info, index, address, size = fields
            else:
                name_at, address, size, info, index = fields
            if index not in code or info & 15 not in (STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE) or not name_at:
                continue
            name = names[name_at : names.index(b"\0", name_at)].decode("utf-8", "replace")
            if not name.startswith(NOT_FUNCTIONS):
                yield Function(name, address, size, index)

    @cached_property
    def _by_address(self) -> tuple[list[int], list[Function]]:
        ordered = sorted((each for group in self.functions.values() for each in group), key=lambda each: (each.address, each.size))
        return [each.address for each in ordered], ordered

    def function_at(self, address: int) -> Function | None:
        """The function that contains an address."""
        starts, ordered = self._by_address
        at = bisect.bisect_right(starts, address) - 1
        while at >= 0 and address - ordered[at].address < 1 << 20:
            if ordered[at].address <= address < ordered[at].address + max(1, ordered[at].size):
                return ordered[at]
            at -= 1
        return None

    def extent_of(self, function: Function) -> int:
        """The bytes up to the next symbol or the section's end, which the kernel prints as a function's size."""
        section = self.sections[function.section]
        # All sections of a module begin at 0.
        starts = self._starts_by_section[function.section]
        after = bisect.bisect_right(starts, function.address)
        return (starts[after] if after < len(starts) else section.address + section.size) - function.address

    @cached_property
    def _starts_by_section(self) -> dict[int, list[int]]:
        found: dict[int, set[int]] = {}
        for group in self.functions.values():
            for each in group:
                found.setdefault(each.section, set()).add(each.address)
        return {section: sorted(starts) for section, starts in found.items()}

    def code_addresses(self, start: int) -> dict[int, int]:
        """Assigns consecutive addresses to the sections with code, by section index."""
        places: dict[int, int] = {}
        for index, section in enumerate(self.sections):
            if section.flags & SHF_ALLOC and section.flags & SHF_EXECINSTR and section.size:
                places[index] = start
                start += (section.size + 0xFFF) & ~0xFFF
        return places

    def address_of(self, name: str) -> int | None:
        """The address of a symbol, code or data."""
        table = next((each for each in self.sections if each.kind == SHT_SYMTAB), None)
        if table is None:
            return None
        section = self.sections[table.link]
        strings = self.bytes_of(section)
        at = strings.find(b"\0" + name.encode() + b"\0") + 1
        if at == 0:
            return None
        wanted = struct.pack(f"{self.order}L", at)
        raw, step = self.bytes_of(table), 24 if self._wide else 16
        found = raw.find(wanted)
        while found >= 0 and found % step:
            found = raw.find(wanted, found + 1)
        if found < 0:
            return None
        return struct.unpack_from(f"{self.order}Q" if self._wide else f"{self.order}L", raw, found + (8 if self._wide else 4))[0]

    @cached_property
    def debug_names(self) -> set[str]:
        """Every identifier in the debug information: inlined functions, which have no symbol, but also types and variables."""
        return {hit.decode() for hit in IDENTIFIER.findall(b"\0" + self.debug_section(".debug_str"))}

    @cached_property
    def source_names(self) -> set[str]:
        """The source files' names without folders. DWARF 5 has them in .debug_line_str, older versions in .debug_line."""
        lists = (b"\0" + self.debug_section(name) for name in (".debug_line_str", ".debug_line"))
        return {hit.rpartition(b"/")[2].decode() for each in lists for hit in SOURCE.findall(each)}

    @cached_property
    def source_files(self) -> set[str]:
        """The source files' paths; for modules, since a vmlinux has too many."""
        names = [self.debug_section(name) for name in (".debug_line", ".debug_line_str", ".debug_str")]
        return source_files(names[0], Strings(names[1], names[2], self._relocations(".debug_line")), self.order)

    def debug_section(self, name: str) -> bytes:
        """A section's decompressed content; empty if it is missing or unreadable."""
        section = next((each for each in self.sections if each.name == name), None)
        if section is None:
            return b""
        raw = self.bytes_of(section)
        try:
            return decompressed(raw, self.order, self._wide) if section.flags & SHF_COMPRESSED else raw
        except Unreadable:
            return b""

    def _relocations(self, name: str) -> dict[int, int]:
        """The values that relocations put at offsets of an unlinked section."""
        target = next((index for index, each in enumerate(self.sections) if each.name == name), None)
        table = next((each for each in self.sections if each.kind == SHT_RELA and each.info == target), None)
        if table is None or not self._wide:
            return {}
        symbols = self.bytes_of(self.sections[table.link])
        found: dict[int, int] = {}
        for place, info, addend in struct.iter_unpack(f"{self.order}QQq", self.bytes_of(table)):
            (value,) = struct.unpack_from(f"{self.order}Q", symbols, (info >> 32) * 24 + 8)
            found[place] = value + addend
        return found

    @cached_property
    def notes(self) -> tuple[int, list[Note]]:
        """The address of .notes and its entries."""
        section = next((each for each in self.sections if each.name == ".notes" and each.kind == SHT_NOTE), None)
        return (0, []) if section is None else (section.address, read_notes(self.bytes_of(section), self.order))


def read_notes(raw: bytes, order: str = "<") -> list[Note]:
    """The entries of a note section, up to an invalid one."""
    notes: list[Note] = []
    at = 0
    while at + 12 <= len(raw):
        name_size, size, kind = struct.unpack_from(f"{order}LLL", raw, at)
        body = at + 12 + (name_size + 3) // 4 * 4
        if body + size > len(raw):
            break
        owner = raw[at + 12 : at + 12 + name_size].rstrip(b"\0").decode("ascii", "replace")
        notes.append(Note(owner, kind, raw[body : body + size], body))
        at = body + (size + 3) // 4 * 4
    return notes


def build_id_note(notes: list[Note]) -> Note | None:
    """The note with the GNU build id."""
    return next((note for note in notes if note.owner == "GNU" and note.kind == NT_GNU_BUILD_ID), None)


def names_of_map(text: str) -> set[str]:
    """The functions in a System.map."""
    rows = (line.split() for line in text.splitlines())
    return {row[2] for row in rows if len(row) >= 3 and row[1] in "tTwW"}
