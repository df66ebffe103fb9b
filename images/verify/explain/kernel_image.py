"""bzImage: a setup part with a header (Documentation/arch/x86/boot.rst), the unpacker, and the packed vmlinux."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .bytes_diff import Buffer, compare_bytes, differing_spans, same
from .elf import NotElf, text_at
from .elf_diff import compare_elf
from .model import Finding, quoted
from .packed import packed_kind, unpack

#: Setup header fields worth naming: offset, size.
FIELDS = {
    "setup_sects": (0x1F1, 1),
    "syssize": (0x1F4, 4),
    "vid_mode": (0x1FA, 2),
    "version": (0x206, 2),
    "loadflags": (0x211, 1),
    "handover_offset": (0x264, 4),
    "payload_offset": (0x248, 4),
    "payload_length": (0x24C, 4),
    "init_size": (0x260, 4),
}


@dataclass(frozen=True)
class BootImage:
    """Where things are in a bzImage."""

    data: memoryview
    setup_end: int
    payload_at: int
    payload_end: int
    version: str

    def field(self, name: str) -> int:
        """A number of the setup header."""
        offset, size = FIELDS[name]
        return int.from_bytes(self.data[offset : offset + size], "little")


def is_boot_image(data: Buffer) -> bool:
    """By the mark in the setup header."""
    return len(data) > 0x1000 and bytes(data[0x202:0x206]) == b"HdrS"


def read_boot_image(data: Buffer) -> BootImage:
    """Never fails: what points outside is cut."""
    view = memoryview(data)
    setup_end = ((view[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", view, 0x248)
    start = min(setup_end + offset, len(view))
    version_at = struct.unpack_from("<H", view, 0x20E)[0] + 0x200
    return BootImage(view, setup_end, start, min(start + length, len(view)), text_at(view, version_at))


def compare_boot_images(first: Buffer, second: Buffer, vmlinux_differs: bool) -> Finding:
    """Says which part differs; the packed kernel is unpacked only where no other finding is about it."""
    one, two = read_boot_image(first), read_boot_image(second)
    finding = Finding()
    if one.version != two.version:
        finding.add("offset", "setup header, kernel version", quoted(one.version, two.version))
        finding.pair(one.version, two.version)
    for name in FIELDS:
        if one.field(name) != two.field(name):
            finding.add("offset", f"setup header, {name}", f"{one.field(name):#x} ≠ {two.field(name):#x}")
    spans = differing_spans(one.data[: one.setup_end], two.data[: two.setup_end], 1)
    if spans and not finding.where:
        finding.add("offset", f"setup at {spans[0][0]:#x}", "the real-mode code or its data")
    same_payload = same(one.data[one.payload_at : one.payload_end], two.data[two.payload_at : two.payload_end])
    if not same_payload:
        _compare_payloads(finding, one, two, vmlinux_differs)
    head = one.data[one.setup_end : one.payload_at], two.data[two.setup_end : two.payload_at]
    tail = one.data[one.payload_end :], two.data[two.payload_end :]
    if not vmlinux_differs and not (same(*head) and same(*tail)):
        finding.add("offset", "unpacker", "the code around the packed kernel (arch/x86/boot/compressed)")
        if same_payload:
            finding.take(compare_bytes(tail[0], tail[1]), "unpacker ")
    return finding


def _compare_payloads(finding: Finding, one: BootImage, two: BootImage, vmlinux_differs: bool) -> None:
    a, b = one.data[one.payload_at : one.payload_end], two.data[two.payload_at : two.payload_end]
    kind = packed_kind(a)
    finding.add("offset", f"payload at {one.payload_at:#x}", f"the packed kernel ({kind}), {len(a)} and {len(b)} bytes")
    if vmlinux_differs:
        finding.causes["follows-vmlinux"] = ""
        return
    if kind is None or packed_kind(b) != kind:
        finding.causes["compression"] = "another compression"
        return
    inner = unpack(a, kind), unpack(b, kind)
    if inner[0] is None or inner[1] is None:
        finding.add("offset", "payload", "cannot be unpacked")
    elif inner[0] == inner[1]:
        finding.causes["compression"] = kind
    else:
        try:
            finding.take(compare_elf(inner[0], inner[1]), "packed kernel ")
        except NotElf:
            finding.take(compare_bytes(inner[0], inner[1]), "packed kernel ")
