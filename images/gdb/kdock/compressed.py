"""Sections of debug information that are compressed: CONFIG_DEBUG_INFO_COMPRESSED_ZLIB and _ZSTD. Pure."""

from __future__ import annotations

import ctypes
import struct
import zlib

SHF_COMPRESSED = 0x800
ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2
#: More than any kernel's: a broken file is not to take all memory.
MAX_SIZE = 1 << 32


class Unreadable(Exception):
    """Compressed in a way that this machine has no program for, or broken."""


def decompressed(raw: bytes, order: str, wide: bool) -> bytes:
    """The content of a section that is flagged as compressed."""
    head = struct.Struct(order + ("LLQQ" if wide else "LLL"))
    if len(raw) < head.size:
        raise Unreadable("a broken head")
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
    # Python knows it from 3.14 on; the library is there wherever gdb can read such files.
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    content = ctypes.create_string_buffer(max(1, size))
    written = library.ZSTD_decompress(content, size, body, len(body))
    return content.raw[:size] if written == size else None
