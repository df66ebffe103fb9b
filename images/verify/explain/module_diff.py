"""Kernel modules carry a signature behind the ELF file, and may be packed."""

from __future__ import annotations

from .bytes_diff import Buffer

MARK = b"~Module signature appended~\n"
#: Algorithm, hash, kind and lengths; the last four bytes are the signature's length.
TRAILER = 12


def split_signature(data: Buffer) -> tuple[Buffer, Buffer]:
    """The module itself, and its signature with all that belongs to it (b"" where there is none)."""
    view = memoryview(data)
    end = len(view) - len(MARK)
    if end < TRAILER or bytes(view[end:]) != MARK:
        return data, b""
    length = int.from_bytes(view[end - 4 : end], "big")
    start = end - TRAILER - length
    return (data, b"") if start < 0 else (view[:start], view[start:])
