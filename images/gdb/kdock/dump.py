"""Reads the format and the kernel of a memory dump, and stores a dump from a stream. Pure, apart from the given files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from .image import read_notes

#: Reads bytes at an offset of the file; fewer at its end.
ReadAt = Callable[[int, int], bytes]

ELF_MAGIC = b"\x7fELF"
KDUMP_MAGIC = b"KDUMP   "
#: makedumpfile's "flattened" format for pipes: pieces with an offset each. Numbers are big-endian.
FLAT_MAGIC = b"makedumpfile".ljust(16, b"\0")
FLAT_HEADER = 4096
FLAT_END = (1 << 64) - 1

ET_CORE, PT_NOTE = 4, 4
#: struct disk_dump_header of kdump files: utsname follows signature and version, and has six strings of this size ...
UTSNAME_AT, UTSNAME_STRING = 12, 65
#: ... and block_size follows signature, version, utsname and timestamp.
KDUMP_BLOCK_SIZE_AT = 428
#: struct kdump_sub_header, in the next block: offset and size of VMCOREINFO.
KDUMP_VMCOREINFO_AT = 32


class NoDump(Exception):
    """The file is not a supported dump of a kernel's memory."""


@dataclass(frozen=True)
class Description:
    """From VMCOREINFO; empty strings if the dump has none."""

    release: str
    build_id: str


def describe(read: ReadAt) -> Description:
    """Raises NoDump."""
    magic = read(0, 16)
    try:
        if magic.startswith(ELF_MAGIC):
            return _parse(_elf_vmcoreinfo(read))
        if magic.startswith(KDUMP_MAGIC):
            return _parse(_kdump_vmcoreinfo(read))
    except struct.error as error:
        raise NoDump("it is truncated") from error
    raise NoDump("it is neither an ELF core nor a kdump file")


def _elf_vmcoreinfo(read: ReadAt) -> bytes:
    header = read(0, 64)
    if header[4:6] != b"\x02\x01":
        raise NoDump("it is not a 64-bit little-endian ELF file")
    (kind,) = struct.unpack_from("<H", header, 16)
    if kind != ET_CORE:
        raise NoDump("it is an ELF file, but not a core")
    table, size, count = struct.unpack_from("<Q14xHH", header, 32)
    for index in range(count):
        row = struct.unpack("<LLQQQQQQ", read(table + index * size, 56))
        if row[0] != PT_NOTE:
            continue
        for note in read_notes(read(row[2], row[5])):
            if note.owner == "VMCOREINFO":
                return note.description
    return b""


def _kdump_vmcoreinfo(read: ReadAt) -> bytes:
    (block_size,) = struct.unpack("<L", read(KDUMP_BLOCK_SIZE_AT, 4))
    offset, size = struct.unpack("<QQ", read(block_size + KDUMP_VMCOREINFO_AT, 16))
    return read(offset, size)


def _parse(vmcoreinfo: bytes) -> Description:
    rows = (line.partition("=") for line in vmcoreinfo.decode("latin-1").split("\n"))
    values = {name: value for name, _, value in rows}
    return Description(values.get("OSRELEASE", ""), values.get("BUILD-ID", ""))


def missing_utsname(read: ReadAt, found: Description) -> bytes | None:
    """The utsname that QEMU leaves empty in a kdump file; without it libkdumpfile does not detect the architecture."""
    if not read(0, 16).startswith(KDUMP_MAGIC) or not found.release:
        return None
    if read(UTSNAME_AT, 1) != b"\0":
        return None
    strings = (b"Linux", b"(none)", found.release.encode(), b"#1", b"x86_64", b"(none)")
    return b"".join(string.ljust(UTSNAME_STRING, b"\0") for string in strings)


def store(source: BinaryIO, target: BinaryIO) -> int:
    """Writes the dump in `source` as an unflattened, sparse file; returns the number of bytes read."""
    magic = _exactly(source, len(FLAT_MAGIC), may_end=True)
    if magic != FLAT_MAGIC:
        return len(magic) + _plain(source, target, magic)
    count = len(magic) + len(_exactly(source, FLAT_HEADER - len(magic)))
    while True:
        offset, size = struct.unpack(">QQ", _exactly(source, 16))
        count += 16 + (0 if offset == FLAT_END else size)
        if offset == FLAT_END:
            return count
        target.seek(offset)
        target.write(_exactly(source, size))


def _plain(source: BinaryIO, target: BinaryIO, begin: bytes) -> int:
    target.write(begin)
    count = 0
    while chunk := source.read(1 << 16):
        count += len(chunk)
        if chunk.count(0) == len(chunk):
            target.seek(len(chunk), 1)
        else:
            target.write(chunk)
    target.truncate(target.tell())
    return count


def _exactly(source: BinaryIO, size: int, *, may_end: bool = False) -> bytes:
    data = source.read(size)
    if len(data) < size and not may_end:
        raise NoDump("it is truncated")
    return data
