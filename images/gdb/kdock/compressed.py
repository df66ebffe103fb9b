"""Decompresses debug sections: CONFIG_DEBUG_INFO_COMPRESSED_ZLIB and _ZSTD. Pure."""

from __future__ import annotations

import ctypes
import struct
import zlib

SHF_COMPRESSED = 0x800
ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2
#: Larger than any kernel's; limits the memory that an invalid file can take.
MAX_SIZE = 1 << 32


class Unreadable(Exception):
    """The section is invalid, or this machine has no decompressor for it."""


def decompressed(raw: bytes, order: str, wide: bool) -> bytes:
    """The content of a section with SHF_COMPRESSED."""
    head = struct.Struct(order + ("LLQQ" if wide else "LLL"))
    if len(raw) < head.size:
        raise Unreadable("invalid compression header")
    kind, size = head.unpack_from(raw)[0], head.unpack_from(raw)[-2]
    if size > MAX_SIZE:
        raise Unreadable(f"{size} bytes")
    body = raw[head.size :]
    try:
        content = zlib.decompress(body) if kind == ELFCOMPRESS_ZLIB else _zstd(body, size) if kind == ELFCOMPRESS_ZSTD else None
    except (zlib.error, OSError) as error:
        raise Unreadable(str(error)) from error
    if content is None or len(content) != size:
        raise Unreadable(f"compression {kind}")
    return content


def _zstd(body: bytes, size: int) -> bytes | None:
    # Python has zstd since 3.14 only; a gdb that reads such files depends on the library.
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    content = ctypes.create_string_buffer(max(1, size))
    written = library.ZSTD_decompress(content, size, body, len(body))
    return content.raw[:size] if written == size else None
