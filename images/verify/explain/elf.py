"""A reader for ELF files: sections and symbols, with every offset checked, because the file may be anything."""

from __future__ import annotations

import bisect
import struct
import zlib
from dataclasses import dataclass

from .bytes_diff import Buffer
from .packed import MAX_UNPACKED, unpack

SHT_SYMTAB, SHT_NOBITS = 2, 8
SHF_ALLOC, SHF_EXECINSTR, SHF_COMPRESSED = 2, 4, 0x800
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_FILE = 0, 1, 2, 4
ET_REL = 1


class NotElf(Exception):
    """The file is no ELF file, or one whose tables make no sense."""


@dataclass(frozen=True)
class Section:
    """One line of the section header table."""

    index: int
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True)
class Symbol:
    """A symbol with a place. `file` is the source's base name where the symbol table tells it (local symbols)."""

    name: str
    type: int
    section: int
    offset: int
    size: int
    file: str


class Elf:
    """Sections of an ELF file of either class and byte order."""

    def __init__(self, data: Buffer):
        self.data = memoryview(data)
        if len(data) < 52 or bytes(data[:4]) != b"\x7fELF" or data[4] not in (1, 2) or data[5] not in (1, 2):
            raise NotElf("no ELF header")
        self.wide = data[4] == 2
        self.order = "<" if data[5] == 1 else ">"
        try:
            self.type, self.machine = struct.unpack_from(self.order + "HH", self.data, 16)
            self.sections = self._sections()
        except (struct.error, IndexError) as error:
            raise NotElf(f"broken section table: {error}") from error
        self._symbols: list[Symbol] | None = None
        self._starts: dict[int, tuple[list[int], list[Symbol]]] = {}

    def _sections(self) -> list[Section]:
        at = struct.unpack_from(self.order + ("Q" if self.wide else "I"), self.data, 40 if self.wide else 32)[0]
        entry, count, names_at = struct.unpack_from(self.order + "HHH", self.data, 58 if self.wide else 46)
        layout = struct.Struct(self.order + ("IIQQQQIIQQ" if self.wide else "10I"))
        if at == 0 or entry < layout.size:
            return []
        raw = [layout.unpack_from(self.data, at + index * entry) for index in range(max(count, 1))]
        if count == 0:
            raw = [layout.unpack_from(self.data, at + index * entry) for index in range(min(raw[0][5], 100_000))]
        if names_at == 0xFFFF:
            names_at = raw[0][6]
        names = self._slice(raw[names_at][4], raw[names_at][5])
        return [
            Section(index, text_at(names, row[0]), row[1], row[2], row[3], row[4], row[5], row[6])
            for index, row in enumerate(raw)
        ]

    def _slice(self, offset: int, size: int) -> memoryview:
        if offset + size > len(self.data):
            raise NotElf("a section lies behind the end of the file")
        return self.data[offset : offset + size]

    def raw(self, section: Section) -> Buffer:
        """A section as it is in the file."""
        return b"" if section.type == SHT_NOBITS else self._slice(section.offset, section.size)

    def content(self, section: Section) -> Buffer:
        """A section's content, unpacked where it is compressed debug information."""
        data = self.raw(section)
        if not section.flags & SHF_COMPRESSED or len(data) < 24:
            return data
        kind = struct.unpack_from(self.order + "I", data)[0]
        body = bytes(data[24 if self.wide else 12 :])
        try:
            if kind == 1:
                return zlib.decompressobj().decompress(body, MAX_UNPACKED)
            if kind == 2:
                return unpack(body, "zstd") or data
        except zlib.error:
            pass
        return data

    def symbols(self) -> list[Symbol]:
        """The functions, objects and labels of the symbol table."""
        if self._symbols is None:
            table = next((s for s in self.sections if s.type == SHT_SYMTAB), None)
            self._symbols = [] if table is None else self._read_symbols(table)
        return self._symbols

    def _read_symbols(self, table: Section) -> list[Symbol]:
        if table.link >= len(self.sections):
            return []
        names = bytes(self.raw(self.sections[table.link]))
        layout = struct.Struct(self.order + ("IBBHQQ" if self.wide else "IIIBBH"))
        data = self.raw(table)
        found: list[Symbol] = []
        file = ""
        for row in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            name, info, _, index, value, size = row if self.wide else (row[0], row[3], row[4], row[5], row[1], row[2])
            if info & 15 == STT_FILE:
                file = text_at(names, name)
            elif 0 < index < len(self.sections) and info & 15 in (STT_NOTYPE, STT_OBJECT, STT_FUNC) and name:
                start = value if self.type == ET_REL else value - self.sections[index].address
                local = file if info >> 4 == 0 else ""
                found.append(Symbol(text_at(names, name), info & 15, index, start, size, local))
        return found

    def symbol_at(self, section: Section, offset: int) -> Symbol | None:
        """What covers a byte of a section, else a label without a size before it."""
        if section.index not in self._starts:
            own = sorted((s for s in self.symbols() if s.section == section.index), key=lambda s: (s.offset, s.size))
            self._starts[section.index] = ([s.offset for s in own], own)
        starts, own = self._starts[section.index]
        at = bisect.bisect_right(starts, offset)
        before = own[max(0, at - 8) : at]
        covering = [s for s in before if s.offset <= offset < s.offset + s.size]
        labels = [s for s in before if s.size == 0]
        return (covering or labels or [None])[-1]


def text_at(table: Buffer, offset: int) -> str:
    """The NUL-terminated text at an offset; "" when it lies outside."""
    end = bytes(table[offset : offset + 4096])
    return end.split(b"\0", 1)[0].decode("utf-8", "replace")
