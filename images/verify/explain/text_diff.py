"""Compares texts line by line, and configurations option by option."""

from __future__ import annotations

import re

from .bytes_diff import paired
from .model import Finding, quoted

OPTION = re.compile(r"^(?:# )?(CONFIG_\w+)(?:=(.*)| is not set)$")
MAX_LINES = 400_000


def as_text(data: bytes | memoryview) -> str | None:
    """None for what is no text."""
    if b"\0" in bytes(data[:65536]):
        return None
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        return None


def compare_text(first: str, second: str) -> Finding:
    """Lines that differ; for a configuration its options."""
    finding = Finding()
    one, two = first.splitlines()[:MAX_LINES], second.splitlines()[:MAX_LINES]
    options = _options(one), _options(two)
    if min(map(len, options)) >= 3 and len(options[0]) * 4 >= len([line for line in one if line and line[0] != "#"]):
        _compare_options(finding, *options)
    only_first, only_second = _without_common(one, two)
    if not only_first and not only_second:
        _compare_order(finding, one, two)
        return finding
    numbers = {line: number for number, line in reversed(list(enumerate(one + two, 1)))}
    for before, after in paired(only_first, only_second):
        finding.pair(before, after)
        number = numbers.get(before or after, 0)
        number = number if number <= len(one) else number - len(one)
        if not OPTION.match(before or after):
            finding.add("text-line", f"line {number}", quoted(before, after))
    return finding


def _options(lines: list[str]) -> dict[str, str]:
    found = (OPTION.match(line) for line in lines)
    return {hit[1]: hit[2] if hit[2] is not None else "n" for hit in found if hit}


def _compare_options(finding: Finding, one: dict[str, str], two: dict[str, str]) -> None:
    names = [name for name in one | two if one.get(name, "absent") != two.get(name, "absent")]
    for name in names:
        finding.add("kconfig-option", name, f"{one.get(name, 'absent')} ≠ {two.get(name, 'absent')}")
    if names:
        finding.causes["config"] = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")


def _without_common(one: list[str], two: list[str]) -> tuple[list[str], list[str]]:
    """The lines that only one side has, with multiplicity, in their order."""
    return _minus(one, two), _minus(two, one)


def _minus(lines: list[str], others: list[str]) -> list[str]:
    left: dict[str, int] = {}
    for line in others:
        left[line] = left.get(line, 0) + 1
    kept = []
    for line in lines:
        if left.get(line, 0):
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def _compare_order(finding: Finding, one: list[str], two: list[str]) -> None:
    """The same lines: who sorted them, and how?"""
    if one == two:
        finding.add("text-line", "line ends", "only line ends or the end of the file differ")
        return
    place = next(index for index, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1])
    finding.add("text-line", f"line {place + 1}", f"the same lines in another order: {quoted(one[place], two[place])}")
    by_bytes = {side for side, lines in (("first", one), ("second", two)) if lines == sorted(lines)}
    by_letters = {side for side, lines in (("first", one), ("second", two)) if _letters(lines) == sorted(_letters(lines))}
    if by_bytes and by_letters - by_bytes:
        finding.causes["locale"] = "sort"
    else:
        finding.causes["order"] = "lines"


def _letters(lines: list[str]) -> list[str]:
    """What locales' orders look at first: letters and digits, capitals or not."""
    return ["".join(c for c in line.casefold() if c.isalnum()) for line in lines]
