"""Unpacking by other programs, within limits: what is unpacked may be a bomb."""

from __future__ import annotations

import subprocess
import tempfile

#: More than any kernel; what is longer counts as not unpackable.
MAX_UNPACKED = 1 << 30
SECONDS = 120

#: How files of each kind begin.
MAGICS = {
    "gzip": b"\x1f\x8b",
    "xz": b"\xfd7zXZ\0",
    "zstd": b"\x28\xb5\x2f\xfd",
    "lz4": b"\x02\x21\x4c\x18",
    "lz4f": b"\x04\x22\x4d\x18",
    "bzip2": b"BZh",
    "lzop": b"\x89LZO",
    "lzma": b"\x5d\0\0",
}
COMMANDS = {
    "gzip": ["gzip", "-dc"],
    "xz": ["xz", "-dc", "--single-stream"],
    "zstd": ["zstd", "-dcq", "--memory=2048MB"],
    "lz4": ["lz4", "-dcq"],
    "lz4f": ["lz4", "-dcq"],
    "bzip2": ["bzip2", "-dc"],
    "lzop": ["lzop", "-dc"],
    "lzma": ["xz", "-dc", "--format=lzma"],
}


def packed_kind(data: bytes | memoryview) -> str | None:
    """Which compression a file is, by its first bytes."""
    head = bytes(data[:8])
    return next((kind for kind, magic in MAGICS.items() if head.startswith(magic)), None)


def unpack(data: bytes | memoryview, kind: str) -> bytes | None:
    """What is inside; None when the program makes nothing of it. Trash after the end is no error, kernels have some."""
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.seek(0)
        try:
            with subprocess.Popen(
                ["timeout", str(SECONDS), *COMMANDS[kind]],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as program:
                assert program.stdout is not None
                content = program.stdout.read(MAX_UNPACKED + 1)
                if len(content) > MAX_UNPACKED:
                    program.kill()
                    return None
        except OSError:
            return None
    return content or None
