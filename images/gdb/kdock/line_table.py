"""Reads the source files of a module from the headers of its line tables, DWARF 2 to 5. Pure.

Linux 5.10 uses DWARF 4, which has the names in .debug_line; newer kernels use DWARF 5, which has them in .debug_line_str, and a
module's references to them are relocations.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator

DW_FORM_DATA2, DW_FORM_DATA4, DW_FORM_DATA8, DW_FORM_STRING, DW_FORM_BLOCK = 0x05, 0x06, 0x07, 0x08, 0x09
DW_FORM_DATA1, DW_FORM_STRP, DW_FORM_UDATA, DW_FORM_DATA16, DW_FORM_LINE_STRP = 0x0B, 0x0E, 0x0F, 0x1E, 0x1F
DW_LNCT_PATH, DW_LNCT_DIRECTORY = 1, 2
SIZES = {DW_FORM_DATA1: 1, DW_FORM_DATA2: 2, DW_FORM_DATA4: 4, DW_FORM_DATA8: 8, DW_FORM_DATA16: 16}


class Broken(Exception):
    """The table is truncated, or of an unsupported form."""


class Strings:
    """The string sections, and the relocations of offsets into them."""

    def __init__(self, line: bytes, text: bytes, relocations: dict[int, int]) -> None:
        self._sections = {DW_FORM_LINE_STRP: line, DW_FORM_STRP: text}
        self._relocations = relocations

    def at(self, form: int, place: int, offset: int) -> str:
        """The string of a reference: `place` is the reference's offset in .debug_line, `offset` its value without relocation."""
        return _text(self._sections[form], self._relocations.get(place, offset))[0]


def source_files(table: bytes, strings: Strings, order: str = "<") -> set[str]:
    """The paths in the table; of a truncated table, those before the end."""
    found: set[str] = set()
    at = 0
    while at + 4 <= len(table):
        reader = _Reader(table, at, order, strings)
        try:
            length = reader.offset_size()
            end = reader.at + length
            if not 0 < length or end > len(table):
                break
            found.update(posixpath.normpath(path) for path in _unit(reader))
        except (Broken, struct.error, IndexError, KeyError):
            if at == 0:
                break
        at = end
    return found


def is_path(known: str, asked: str) -> bool:
    """Whether a path matches, compared from the end, folder by folder, as gdb does."""
    asked = posixpath.normpath(asked)
    return known == asked or known.endswith("/" + asked.lstrip("/")) or (asked.startswith("/") and asked.endswith("/" + known))


class _Reader:
    def __init__(self, data: bytes, at: int, order: str, strings: Strings) -> None:
        self._data, self.at, self._order, self._strings = data, at, order, strings
        self.wide = False

    def number(self, code: str) -> int:
        """A number of fixed size, by struct's format code."""
        (value,) = struct.unpack_from(self._order + code, self._data, self.at)
        self.at += struct.calcsize(self._order + code)
        return int(value)

    def offset_size(self) -> int:
        """A unit's length, which also determines the size of offsets."""
        length = self.number("L")
        self.wide = length == 0xFFFFFFFF
        return self.number("Q") if self.wide else length

    def offset(self) -> int:
        """A 4 or 8 byte offset."""
        return self.number("Q" if self.wide else "L")

    def uleb(self) -> int:
        """A number in unsigned LEB128."""
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise Broken("invalid LEB128 number")

    def text(self) -> str:
        """A zero-terminated string."""
        value, self.at = _text(self._data, self.at)
        return value

    def value(self, form: int) -> str | int:
        """A value of a DWARF 5 entry."""
        if form == DW_FORM_STRING:
            return self.text()
        if form in (DW_FORM_LINE_STRP, DW_FORM_STRP):
            place = self.at
            return self._strings.at(form, place, self.offset())
        if form == DW_FORM_UDATA:
            return self.uleb()
        if form == DW_FORM_BLOCK:
            size = self.uleb()
            self.at += size
            return 0
        size = SIZES[form]
        raw = self._data[self.at : self.at + size]
        self.at += size
        return int.from_bytes(raw, "little" if self._order == "<" else "big")


def _unit(reader: _Reader) -> Iterator[str]:
    version = reader.number("H")
    if not 2 <= version <= 5:
        raise Broken(f"version {version}")
    if version == 5:
        reader.number("H")  # address_size and segment_selector_size.
    reader.offset()
    # minimum_instruction_length, maximum_operations_per_instruction (version 4 and later), default_is_stmt, line_base, line_range.
    reader.at += 5 if version >= 4 else 4
    opcodes = reader.number("B")
    reader.at += opcodes - 1
    yield from _entries5(reader) if version == 5 else _entries(reader)


def _entries(reader: _Reader) -> Iterator[str]:
    folders = [""]
    while folder := reader.text():
        folders.append(folder)
    while name := reader.text():
        folder = folders[reader.uleb()]
        reader.uleb()
        reader.uleb()
        yield posixpath.join(folder, name)


def _entries5(reader: _Reader) -> Iterator[str]:
    folders = [str(entry.get(DW_LNCT_PATH, "")) for entry in _list5(reader)]
    for entry in _list5(reader):
        folder = folders[int(entry.get(DW_LNCT_DIRECTORY, 0))]
        # The first folder is the compilation directory; others may be relative to it.
        yield posixpath.join(folders[0], folder, str(entry.get(DW_LNCT_PATH, "")))


def _list5(reader: _Reader) -> list[dict[int, str | int]]:
    formats = [(reader.uleb(), reader.uleb()) for _ in range(reader.number("B"))]
    count = reader.uleb()
    if formats and count > 1_000_000:
        raise Broken("too many entries")
    return [{kind: reader.value(form) for kind, form in formats} for _ in range(count if formats else 0)]


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise Broken("unterminated name")
    return data[at:end].decode("utf-8", "replace"), end + 1
