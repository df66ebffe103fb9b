"""Compares two ELF files section by section, down to the symbol and the source where they can be told."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

from .bytes_diff import Buffer, changed_texts, differing_spans, epochs, first_difference, same
from .elf import ET_REL, SHF_ALLOC, SHF_EXECINSTR, STT_FUNC, STT_OBJECT, Elf, Section
from .model import Finding, quoted

#: The sections that tell something come first; these follow from the others.
LAST = (".symtab", ".strtab", ".shstrtab", ".rela", ".rel.", ".debug_", ".gdb_index", ".orc_", "__bug_table")
BTF = (".BTF", ".BTF_ids", ".BTF.base", ".BTF.ext")
BUILD_ID = re.compile(rb"\x04\0\0\0(.)\0\0\0\x03\0\0\0GNU\0", re.DOTALL)
MAX_EXTRACT = 4 << 20


def compare_elf(first: Buffer, second: Buffer, paths: tuple[str, str] | None = None) -> Finding:
    """`paths` are the files on disk, for addr2line; without them no source is named. Raises NotElf."""
    one, two = Elf(first), Elf(second)
    finding = Finding()
    if (one.machine, one.type) != (two.machine, two.type):
        finding.add("elf-section", "header", f"machine {one.machine} ≠ {two.machine}, type {one.type} ≠ {two.type}")
        finding.causes["toolchain"] = ""
    changed: list[tuple[Section, Section]] = []
    left = _by_name(two)
    for key, section in _by_name(one).items():
        other = left.pop(key, None)
        if other is None:
            finding.add("elf-section", section.name, f"only the first build has it ({section.size} bytes)")
        elif section.size != other.size or not same(_stable(one, section), _stable(two, other)):
            changed.append((section, other))
    for section in left.values():
        finding.add("elf-section", section.name, f"only the second build has it ({section.size} bytes)")

    changed.sort(key=lambda pair: _rank(pair[0]))
    for section, other in changed:
        _compare_section(finding, (one, section), (two, other))
    _judge_sections(finding, [section.name for section, _ in changed], bool(finding.where))
    _name_sources(finding, one, two, changed, paths)
    return finding


def _by_name(elf: Elf) -> dict[tuple[str, int], Section]:
    seen: Counter[str] = Counter()
    named: dict[tuple[str, int], Section] = {}
    for section in elf.sections[1:]:
        named[(section.name, seen[section.name])] = section
        seen[section.name] += 1
    return named


def _stable(elf: Elf, section: Section) -> Buffer:
    """The content without build ids: they are a hash of all the rest, so never a cause."""
    content = elf.content(section)
    if section.name not in (".notes", ".note.gnu.build-id", ".note"):
        return content
    notes = bytearray(content)
    for hit in BUILD_ID.finditer(bytes(content)):
        size = hit.group(1)[0]
        notes[hit.end() : hit.end() + size] = bytes(len(notes[hit.end() : hit.end() + size]))
    return bytes(notes)


def _rank(section: Section) -> tuple[int, int]:
    for place, name in enumerate(LAST):
        if section.name.startswith(name):
            return 2 + place, section.index
    return (0 if section.flags & SHF_ALLOC and not section.flags & SHF_EXECINSTR else 1), section.index


def _compare_section(finding: Finding, first: tuple[Elf, Section], second: tuple[Elf, Section]) -> None:
    (one, section), (two, other) = first, second
    a, b = _stable(one, section), _stable(two, other)
    said = [f"{len(a)} bytes" if len(a) == len(b) else f"{len(a)} bytes ≠ {len(b)} bytes"]
    offset = first_difference(a, b)
    if offset is not None:
        said.append(f"first difference at {offset:#x}")
        symbol = one.symbol_at(section, offset) if section.flags & SHF_ALLOC else None
        if symbol:
            said.append(f"in {symbol.name}" + (f" ({symbol.file})" if symbol.file else ""))
    if len(a) == len(b) and len(a) <= MAX_EXTRACT * 8:
        spans = differing_spans(a, b)
        said.append(f"{len(spans)}{'+' if len(spans) == 64 else ''} places")
    if not section.flags & SHF_EXECINSTR and not section.name.startswith((".rela", ".symtab", ".BTF")):
        pairs, reordered = changed_texts(a, b)
        for pair in pairs:
            finding.pair(*pair)
        if pairs:
            said.append(quoted(*pairs[0]))
        if reordered and section.name not in (".symtab", ".shstrtab"):
            finding.causes.setdefault("order", section.name)
            said.append("the same texts in another order")
        times = None if pairs or not section.flags & SHF_ALLOC else epochs(a, b)
        if times:
            finding.causes.setdefault("epoch", f"{times[0]} and {times[1]}")
    finding.add("elf-section", section.name, ", ".join(said))
    if len(a) <= MAX_EXTRACT and len(b) <= MAX_EXTRACT and len(finding.extracts) < 3:
        finding.extracts.append((section.name, bytes(a), bytes(b)))


def _judge_sections(finding: Finding, names: list[str], lopsided: bool) -> None:
    """What the set of differing sections alone tells."""
    if not names and not lopsided:
        finding.add("elf-section", ".note.gnu.build-id", "only the build id or the file's layout differs")
        finding.causes["build-id"] = ""
        return
    real = [name for name in names if not name.startswith((".symtab", ".strtab", ".shstrtab"))]
    if real and all(name in BTF or name.startswith(".rela.BTF") for name in real):
        finding.causes["btf"] = ""
    elif real and all(name.startswith(".debug_") for name in real):
        finding.causes["debug-info"] = ", ".join(real[:3])
    elif real and all(".orc_" in name for name in real):
        finding.causes["order"] = ", ".join(real[:3])


def _name_sources(
    finding: Finding, one: Elf, two: Elf, changed: list[tuple[Section, Section]], paths: tuple[str, str] | None
) -> None:
    """Functions and data that differ, and for code the source that they are from."""
    names: list[str] = []
    addresses: list[int] = []
    for section, other in changed:
        if not section.flags & SHF_ALLOC or section.size == 0:
            continue
        for offset, name in _changed_symbols((one, section), (two, other)):
            names.append(name)
            if section.flags & SHF_EXECINSTR and one.type != ET_REL:
                addresses.append(section.address + offset)
    if names:
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        finding.add("elf-section", "symbols", ", ".join(dict.fromkeys(names[:8])) + more)
    if paths and addresses:
        for source in sources_of(paths[0], addresses[:16]):
            finding.culprits.append(re.sub(r"\.(c|S|rs)$", ".o", source))


def _changed_symbols(first: tuple[Elf, Section], second: tuple[Elf, Section]) -> list[tuple[int, str]]:
    """Where sizes agree, what the differing bytes belong to; else the symbols that grew, shrank, came or went."""
    (one, section), (two, other) = first, second
    if section.size == other.size:
        spans = differing_spans(one.content(section), two.content(other), 32)
        found = [(start, one.symbol_at(section, start)) for start, _ in spans]
        return list(dict.fromkeys((start, symbol.name) for start, symbol in found if symbol))
    kinds = (STT_FUNC, STT_OBJECT)
    before = {s.name: s for s in one.symbols() if s.section == section.index and s.type in kinds}
    after = {s.name: s for s in two.symbols() if s.section == other.index and s.type in kinds}
    resized = [s for name, s in before.items() if name not in after or after[name].size != s.size]
    return [(s.offset, s.name) for s in sorted(resized, key=lambda s: s.offset)[:32]]


def sources_of(path: str, addresses: list[int]) -> list[str]:
    """The sources that the code at these addresses is from, relative to the source tree, as addr2line tells them."""
    command = ["timeout", "60", "addr2line", "-e", path, *map(hex, addresses)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    except OSError:
        return []
    files = [line.rsplit(":", 1)[0] for line in told.splitlines() if not line.startswith("?")]
    return list(dict.fromkeys(re.sub(r"^(/src/|/build/|\./)+", "", file) for file in files if file))
