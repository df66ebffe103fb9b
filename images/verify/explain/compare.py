"""Finds out what a pair of files is and has it compared by who knows that kind."""

from __future__ import annotations

from .bytes_diff import Buffer, compare_bytes, same
from .cpio_diff import NotCpio, compare_cpio, is_cpio
from .elf import NotElf
from .elf_diff import compare_elf
from .kernel_image import compare_boot_images, is_boot_image
from .model import Finding, quoted
from .module_diff import split_signature
from .packed import packed_kind, unpack
from .text_diff import as_text, compare_text

#: Archives in archives in archives.
MAX_DEPTH = 3


def compare(
    first: Buffer,
    second: Buffer,
    paths: tuple[str, str] | None = None,
    vmlinux_differs: bool = False,
    depth: int = 0,
) -> Finding:
    """`paths`: where the files are, when they are files. `vmlinux_differs`: another finding is about the kernel."""
    kinds = packed_kind(first), packed_kind(second)
    if kinds[0] and kinds[1] and depth < MAX_DEPTH:
        unpacked = _compare_packed(first, second, kinds[0], kinds[1], depth)
        if unpacked:
            return unpacked
    if is_boot_image(first) and is_boot_image(second):
        return compare_boot_images(first, second, vmlinux_differs)
    if is_cpio(first) and is_cpio(second):
        try:
            return _compare_archives(first, second, depth)
        except NotCpio:
            return compare_bytes(first, second)
    if bytes(first[:4]) == bytes(second[:4]) == b"\x7fELF":
        try:
            return _compare_elf(first, second, paths)
        except NotElf:
            return compare_bytes(first, second)
    texts = as_text(first), as_text(second)
    if texts[0] is not None and texts[1] is not None:
        return compare_text(texts[0], texts[1])
    return compare_bytes(first, second)


def _compare_packed(first: Buffer, second: Buffer, kind: str, other_kind: str, depth: int) -> Finding | None:
    finding = Finding()
    inner = unpack(first, kind), unpack(second, other_kind)
    if inner[0] is None or inner[1] is None:
        return None
    if inner[0] != inner[1]:
        finding.take(compare(inner[0], inner[1], depth=depth + 1), f"in {kind}: ")
        return finding
    finding.add("offset", "compression", f"{kind} {len(first)} bytes ≠ {other_kind} {len(second)} bytes, the same inside")
    if kind == other_kind == "gzip" and bytes(first[3:10]) != bytes(second[3:10]):
        times = int.from_bytes(first[4:8], "little"), int.from_bytes(second[4:8], "little")
        finding.add("offset", "gzip header", f"time {times[0]} ≠ {times[1]}")
        finding.causes["gzip-header"] = ""
    else:
        finding.causes["compression"] = kind
    return finding


def _compare_archives(first: Buffer, second: Buffer, depth: int) -> Finding:
    finding, contents = compare_cpio(first, second)
    for name, one, two in contents[:8]:
        if len(one) and len(two) and depth < MAX_DEPTH:
            inner = compare(one, two, depth=depth + 1)
            for first_text, second_text in inner.pairs:
                finding.pair(first_text, second_text)
            for key, detail in inner.causes.items():
                finding.causes.setdefault(key, detail)
            for place in inner.where[:3]:
                finding.add("cpio-member", f"{name}: {place.name}", place.detail)
    return finding


def _compare_elf(first: Buffer, second: Buffer, paths: tuple[str, str] | None) -> Finding:
    """An ELF file, or a module with its signature."""
    (one, seal), (two, other_seal) = split_signature(first), split_signature(second)
    if not len(seal) and not len(other_seal):
        return compare_elf(first, second, paths)
    if same(one, two):
        finding = Finding()
        finding.add("offset", "module signature", f"{len(seal)} bytes ≠ {len(other_seal)} bytes, the module is the same")
        finding.causes["signature"] = ""
        return finding
    finding = compare_elf(one, two, paths)
    if not same(seal, other_seal):
        finding.add("offset", "module signature", quoted(f"{len(seal)} bytes", f"{len(other_seal)} bytes")
                    if len(seal) != len(other_seal) else "differs, as it must when the module does")
    return finding
