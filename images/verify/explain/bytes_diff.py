"""Where two runs of bytes differ, and which texts are in one and not in the other."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from .model import Finding, quoted

Buffer = bytes | memoryview
CHUNK = 1 << 16
#: Texts are searched for in no more than this.
MAX_STRINGS = 32 << 20
TEXT = re.compile(rb"(?:[\x09\x20-\x7e]|[\xc3-\xc5][\x80-\xbf]){4,}")


def same(first: Buffer, second: Buffer) -> bool:
    """Equality at memcmp's speed, which memoryview does not have."""
    return len(first) == len(second) and first_difference(first, second) is None


def first_difference(first: Buffer, second: Buffer) -> int | None:
    """Offset of the first byte that differs; None where one is the beginning of the other."""
    for at in range(0, min(len(first), len(second)), CHUNK):
        one, two = bytes(first[at : at + CHUNK]), bytes(second[at : at + CHUNK])
        if one != two:
            spans = differing_spans(one, two, 1)
            if spans:
                return at + spans[0][0]
    return None


def differing_spans(first: Buffer, second: Buffer, limit: int = 64, gap: int = 8) -> list[tuple[int, int]]:
    """[start, end) of what differs, up to `limit` of them; differences closer than `gap` are one."""
    spans: list[tuple[int, int]] = []
    for at in range(0, min(len(first), len(second)), CHUNK):
        one, two = bytes(first[at : at + CHUNK]), bytes(second[at : at + CHUNK])
        if one == two:
            continue
        size = min(len(one), len(two))
        mask = (int.from_bytes(one[:size], "big") ^ int.from_bytes(two[:size], "big")).to_bytes(size, "big")
        for hit in re.finditer(rb"[^\0]+", mask):
            start, end = at + hit.start(), at + hit.end()
            if spans and start - spans[-1][1] <= gap:
                spans[-1] = (spans[-1][0], end)
            elif len(spans) == limit:
                return spans
            else:
                spans.append((start, end))
    return spans


def texts(data: Buffer) -> list[str]:
    """Runs of printable characters, in their order."""
    return [hit.group().decode("utf-8", "replace") for hit in TEXT.finditer(bytes(data[:MAX_STRINGS]))]


def changed_texts(first: Buffer, second: Buffer) -> tuple[list[tuple[str, str]], bool]:
    """Pairs of texts that only one side has, and whether both have the same ones in another order."""
    one, two = texts(first), texts(second)
    count_one, count_two = Counter(one), Counter(two)
    if count_one == count_two:
        return [], one != two and len(count_one) > 1
    return paired(list(count_one - count_two), list(count_two - count_one)), False


def paired(only_first: list[str], only_second: list[str], limit: int = 60) -> list[tuple[str, str]]:
    """Each text with the most similar one of the other side, "" where there is none."""
    left = only_second[:limit]
    pairs = []
    for text in only_first[:limit]:
        best = max(left, key=lambda other: similarity(text, other), default=None)
        if best is not None and (similarity(text, best) >= 0.4 or len(only_first) == len(only_second) == 1):
            left.remove(best)
            pairs.append((text, best))
        else:
            pairs.append((text, ""))
    return pairs + [("", text) for text in left]


def similarity(first: str, second: str) -> float:
    """0 to 1; long texts are compared by their beginnings."""
    return difflib.SequenceMatcher(None, first[:200], second[:200], autojunk=False).ratio()


def epochs(first: Buffer, second: Buffer) -> tuple[int, int] | None:
    """Two times in seconds since 1970, where a few bytes in one place are all that differs and look like that."""
    spans = differing_spans(first, second, 3)
    if len(first) != len(second) or not 1 <= len(spans) <= 2 or spans[0][1] - spans[0][0] > 4:
        return None
    start = spans[0][0] & ~3
    for order in ("little", "big"):
        one = int.from_bytes(first[start : start + 4], order)
        two = int.from_bytes(second[start : start + 4], order)
        if all(1_000_000_000 < time < 2_500_000_000 for time in (one, two)) and abs(one - two) < 100_000_000:
            return one, two
    return None


def compare_bytes(first: Buffer, second: Buffer, name: str = "") -> Finding:
    """For what has no structure that we know."""
    finding = Finding()
    pairs, reordered = changed_texts(first, second)
    for one, two in pairs:
        finding.pair(one, two)
    sizes = "" if len(first) == len(second) else f", {len(first)} bytes ≠ {len(second)} bytes"
    spans = differing_spans(first, second, 6)
    for start, end in spans:
        finding.add("offset", f"{name}{start:#x}", f"{end - start} bytes{sizes}")
    if not spans:
        finding.add("offset", f"{name}{min(len(first), len(second)):#x}", f"one ends here{sizes}")
    for one, two in pairs[:4]:
        finding.add("offset", f"{name}text", quoted(one, two))
    if reordered:
        finding.causes["order"] = "texts"
    times = epochs(first, second)
    if times:
        finding.causes["epoch"] = f"{times[0]} and {times[1]}"
    return finding
