"""The source files that a module was made from, as the heads of its line tables list them. Pure.

Versions 2 to 5 of DWARF: 5.10 writes the fourth, where the names are in .debug_line itself, newer kernels the fifth, where they
are in .debug_line_str, and a module's references to those are relocations.
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
    """The table ends too early, or says something that this does not know."""


class Strings:
    """The sections with names, and what relocations add to an offset into them."""

    def __init__(self, line: bytes, text: bytes, relocations: dict[int, int]) -> None:
        self._sections = {DW_FORM_LINE_STRP: line, DW_FORM_STRP: text}
        self._relocations = relocations

    def at(self, form: int, place: int, offset: int) -> str:
        """The name that an offset at a place of .debug_line leads to."""
        return _text(self._sections[form], self._relocations.get(place, offset))[0]


def source_files(table: bytes, strings: Strings, order: str = "<") -> set[str]:
    """Each with its folders, as far as the table has them; of a table that breaks off, those before."""
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
    """Whether a file may be meant: gdb compares from the end, folder by folder, too."""
    asked = posixpath.normpath(asked)
    return known == asked or known.endswith("/" + asked.lstrip("/")) or (asked.startswith("/") and asked.endswith("/" + known))


class _Reader:
    def __init__(self, data: bytes, at: int, order: str, strings: Strings) -> None:
        self._data, self.at, self._order, self._strings = data, at, order, strings
        self.wide = False

    def number(self, code: str) -> int:
        """A number of fixed size, as struct writes it."""
        (value,) = struct.unpack_from(self._order + code, self._data, self.at)
        self.at += struct.calcsize(self._order + code)
        return int(value)

    def offset_size(self) -> int:
        """A unit's length, which also says how long offsets are."""
        length = self.number("L")
        self.wide = length == 0xFFFFFFFF
        return self.number("Q") if self.wide else length

    def offset(self) -> int:
        """Into another section, or ahead."""
        return self.number("Q" if self.wide else "L")

    def uleb(self) -> int:
        """DWARF's number of any size."""
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise Broken("a number without an end")

    def text(self) -> str:
        """Up to a zero."""
        value, self.at = _text(self._data, self.at)
        return value

    def value(self, form: int) -> str | int:
        """Of an entry of version 5."""
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
        reader.number("H")  # The sizes of addresses and segments.
    reader.offset()
    # Of instructions and operations (since version 4), then is_stmt, line base and line range.
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
        # The first one is where the compiler ran, and others may be below it.
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
        raise Broken("a name without an end")
    return data[at:end].decode("utf-8", "replace"), end + 1
