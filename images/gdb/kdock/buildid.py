"""Checks whether the guest runs the kernel of a vmlinux. Pure: the caller passes a function that reads memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .image import Image, build_id_note

#: Bytes at an address of the target, None where it cannot be read.
Read = Callable[[int, int], bytes | None]
BANNER = b"Linux version "
MAX_BANNER = 512


@dataclass(frozen=True)
class Verdict:
    """`same`: verified. `other`: another kernel. `unknown`: cannot be verified yet, for `reason`."""

    kind: Literal["same", "other", "unknown"]
    reason: str


def check(image: Image, read: Read) -> Verdict:
    """Compares the build id in .notes, or linux_banner if the file has none."""
    address, notes = image.notes
    note = build_id_note(notes)
    if note is not None and address:
        return _by_note(note.description, read(address + note.at, len(note.description)), image, read)
    return _by_banner(image, read)


def _by_note(expected: bytes, seen: bytes | None, image: Image, read: Read) -> Verdict:
    if seen is None:
        return Verdict("unknown", "the kernel is not mapped yet")
    if seen == expected:
        return Verdict("same", f"build id {expected.hex()}")
    banner = _by_banner(image, read)
    if banner.kind == "unknown" and not any(seen):
        return banner
    detail = f"its build id is {expected.hex()}, but the guest has {seen.hex()} at that address"
    return Verdict("other", f"{detail}; {banner.reason}" if banner.kind == "other" else detail)


def _by_banner(image: Image, read: Read) -> Verdict:
    address = image.address_of("linux_banner")
    expected = image.read(address, MAX_BANNER).split(b"\0")[0] if address else b""
    if not address or not expected.startswith(BANNER):
        return Verdict("unknown", "the file has neither a build id nor linux_banner")
    seen = read(address, len(expected))
    if seen is None or not any(seen):
        return Verdict("unknown", "the kernel is not mapped yet")
    if seen == expected:
        return Verdict("same", expected.decode("utf-8", "replace").strip())
    running = seen.split(b"\n")[0].decode("utf-8", "replace") if seen.startswith(BANNER) else "something else"
    return Verdict("other", f"the file has '{expected.decode('utf-8', 'replace').strip()}', but the guest has {running!r}")
