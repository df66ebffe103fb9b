"""The data that comparisons return."""

from __future__ import annotations

from dataclasses import dataclass, field

#: No list in the report is longer.
MAX_WHERE = 24
MAX_CULPRITS = 200
MAX_PAIRS = 200
MAX_TEXT = 160


@dataclass(frozen=True)
class Where:
    """One place. `kind`: elf-section, cpio-member, offset, text-line or kconfig-option."""

    kind: str
    name: str
    detail: str

    def json(self) -> dict[str, str]:
        """As it is printed: bounded, and without what a terminal would obey."""
        return {"kind": self.kind, "name": clip(self.name), "detail": clip(self.detail, 3 * MAX_TEXT)}


@dataclass
class Finding:
    """All that is known about one pair of files."""

    where: list[Where] = field(default_factory=list)
    #: Texts that stand where the other build has another one: what the rules look at.
    pairs: list[tuple[str, str]] = field(default_factory=list)
    #: Causes that a comparison has recognised by itself: keys of causes.SENTENCES, with what to name in the sentence.
    causes: dict[str, str] = field(default_factory=dict)
    #: Objects that debug information points at: the best guess where there is no object tree.
    culprits: list[str] = field(default_factory=list)
    #: Sections whose contents differ, for diffoscope: name, then both contents.
    extracts: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    def add(self, kind: str, name: str, detail: str) -> None:
        """Adds a place unless there are enough."""
        if len(self.where) < MAX_WHERE:
            self.where.append(Where(kind, name, detail))

    def pair(self, first: str, second: str) -> None:
        """Adds two texts that differ."""
        if len(self.pairs) < MAX_PAIRS:
            self.pairs.append((first[:1000], second[:1000]))

    def take(self, other: Finding, prefix: str = "") -> None:
        """Adds another finding, about a part of this file."""
        for place in other.where:
            self.add(place.kind, prefix + place.name, place.detail)
        for first, second in other.pairs:
            self.pair(first, second)
        for key, detail in other.causes.items():
            self.causes.setdefault(key, detail)
        self.culprits += [name for name in other.culprits if name not in self.culprits]
        self.extracts += other.extracts


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """One printable line of bounded length."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quoted(first: str, second: str) -> str:
    """Two texts beside each other, cut to where they differ."""
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    start = max(0, start - 30)
    lead = "…" if start else ""
    return f'"{lead}{clip(first[start:], 80)}" ≠ "{lead}{clip(second[start:], 80)}"'
