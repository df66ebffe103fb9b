"""Sections and symbols of an ELF file, read with pyelftools and within bounds, because the file may be anything."""

from __future__ import annotations

import bisect
import io
import struct
import zlib
from dataclasses import dataclass

from elftools.common.exceptions import ELFCompressionError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_ST_INFO_TYPE

from .bytes_diff import Buffer
from .packed import MAX_UNPACKED, unpack

SHF_ALLOC, SHF_EXECINSTR = SH_FLAGS.SHF_ALLOC, SH_FLAGS.SHF_EXECINSTR
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_FILE = (
    ENUM_ST_INFO_TYPE[f"STT_{name}"] for name in ("NOTYPE", "OBJECT", "FUNC", "FILE")
)
ET_REL = "ET_REL"
MAX_SECTIONS = 100_000


class NotElf(Exception):
    """The file is no ELF file, or one whose tables make no sense."""


@dataclass(frozen=True)
class Section:
    """One line of the section header table."""

    index: int
    name: str
    #: "SHT_SYMTAB"; a number where it has no name.
    type: str | int
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
        try:
            self._file = ELFFile(_Stream(self.data))
            count = self._file.num_sections()
            if count > MAX_SECTIONS:
                raise NotElf(f"{count} sections")
            self.sections = [self._section(index) for index in range(count)]
        except Exception as error:  # pyelftools may fail in any way at a broken file
            raise NotElf(f"broken header or section table: {error}") from error
        self.type, self.machine = self._file["e_type"], self._file["e_machine"]
        self._symbols: list[Symbol] | None = None
        self._starts: dict[int, tuple[list[int], list[Symbol]]] = {}

    def _section(self, index: int) -> Section:
        found = self._file.get_section(index)
        place = (found[f"sh_{key}"] for key in ("type", "flags", "addr", "offset", "size", "link"))
        return Section(index, found.name, *place)

    def raw(self, section: Section) -> Buffer:
        """A section as it is in the file."""
        if section.type == "SHT_NOBITS":
            return b""
        if section.offset + section.size > len(self.data):
            raise NotElf("a section lies behind the end of the file")
        return self.data[section.offset : section.offset + section.size]

    def content(self, section: Section) -> Buffer:
        """A section's content, unpacked where it is compressed debug information."""
        data = self.raw(section)
        if not section.flags & SH_FLAGS.SHF_COMPRESSED or not data:
            return data
        found = self._file.get_section(section.index)
        try:
            if found.data_size <= MAX_UNPACKED:
                return found.data()
        except ELFCompressionError:
            # pyelftools 0.32 knows zlib alone.
            return unpack(bytes(data[found.structs.Elf_Chdr.sizeof() :]), "zstd") or data
        except zlib.error:
            pass
        return data

    def symbols(self) -> list[Symbol]:
        """The functions, objects and labels of the symbol table."""
        if self._symbols is None:
            table = next((s for s in self.sections if s.type == "SHT_SYMTAB"), None)
            self._symbols = [] if table is None else self._read_symbols(table)
        return self._symbols

    def _read_symbols(self, table: Section) -> list[Symbol]:
        if table.link >= len(self.sections):
            return []
        names = bytes(self.raw(self.sections[table.link]))
        # Not with pyelftools, which takes ten times as long: a kernel has 100 000 and more.
        wide, order = self._file.elfclass == 64, "<" if self._file.little_endian else ">"
        layout = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
        data = self.raw(table)
        found: list[Symbol] = []
        file = ""
        for row in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            name, info, _, index, value, size = row if wide else (row[0], row[3], row[4], row[5], row[1], row[2])
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


class _Stream:
    """A file for pyelftools that is no copy of the bytes, and never reads more than there is."""

    def __init__(self, data: memoryview):
        self._data = data
        self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Counts from the beginning, or from the end with SEEK_END."""
        self._at = offset + (len(self._data) if whence == io.SEEK_END else 0)
        return self._at

    def tell(self) -> int:
        """The place of the next read."""
        return self._at

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        found = bytes(self._data[self._at : self._at + size])
        self._at += len(found)
        return found


def text_at(table: Buffer, offset: int) -> str:
    """The NUL-terminated text at an offset; "" when it lies outside."""
    end = bytes(table[offset : offset + 4096])
    return end.split(b"\0", 1)[0].decode("utf-8", "replace")
