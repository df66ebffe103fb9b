"""Parses places, and finds other names of a function in a vmlinux. Pure: does not use gdb."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .renames import (
    COMPAT_NEW, COMPAT_OLD, NOPROF, NOPROF_SINCE, RENAMES, SYSCALL_NEW, SYSCALL_OLD, SYSCALLS_SINCE,
)

FUNCTION = re.compile(r"[A-Za-z_][\w.]*")
FILE = re.compile(r"[\w./+-]*\w\.(?:c|h|S|s|rs|inc)")
OFFSET = re.compile(r"(?P<function>[A-Za-z_][\w.]*)\+(?P<offset>0x[0-9a-fA-F]+|\d+)(?:/0x[0-9a-fA-F]+)?")
IN_FILE = re.compile(r"(?P<file>[\w./+-]*\w\.(?:c|h|S|s|rs|inc))\s*:\s*(?P<rest>\d+|[A-Za-z_][\w.]*)")
#: The suffix that gcc and clang add to a function that they changed.
CLONE = re.compile(r"\.(?:isra|constprop|part|cold|llvm)\b.*$")
#: Symbols of the compiler and of macros, which are not functions.
GENERATED = re.compile(r"^(?:__pfx_|__cfi_|__UNIQUE_ID|__ksymtab|__kstrtab|__crc_|__initcall|\.L)")


class BadSpec(Exception):
    """The text is not a valid place for any vmlinux."""


@dataclass(frozen=True)
class Spec:
    """A parsed place. Exactly one of function, line and expression is set."""

    file: str | None = None
    function: str | None = None
    line: int | None = None
    expression: str | None = None
    offset: int = 0

    def named(self, function: str) -> Spec:
        """The same place in another function."""
        return Spec(file=self.file, function=function, offset=self.offset)

    def linespec(self) -> str:
        """In gdb's syntax."""
        prefix = f"{self.file}:" if self.file else ""
        return f"{prefix}{self.function or self.line}"


def parse_spec(text: str) -> Spec:
    """tcp_v4_rcv, tcp_v4_rcv+0x1b/0xe80 (as traces have it), net/ipv4/tcp_ipv4.c:2200, file.c:func, *0xffffffff81000000.

    gdb's parser accepts more, and crashes for some inputs (gdb 13: "*" and an unknown name).
    """
    text = text.strip()
    if text.startswith("*"):
        if not text[1:].strip():
            raise BadSpec("'*' needs an address, as in *0xffffffff81000000")
        return Spec(expression=text[1:].strip())
    offset = OFFSET.fullmatch(text)
    if offset:
        return Spec(function=offset["function"], offset=int(offset["offset"], 0))
    within = IN_FILE.fullmatch(text)
    if within:
        rest = within["rest"]
        return Spec(file=within["file"], line=int(rest)) if rest.isdigit() else Spec(file=within["file"], function=rest)
    if FILE.fullmatch(text):
        raise BadSpec(f"'{text}' is a file: add a line, as in {text}:100")
    if FUNCTION.fullmatch(text):
        return Spec(function=text)
    raise BadSpec(f"'{text}' is not a place: use a function, file.c:line, file.c:function or *address")


@dataclass(frozen=True)
class Alias:
    """Another name of a function, and a sentence about it."""

    name: str
    note: str


def aliases(name: str) -> list[Alias]:
    """Names of the same function in other versions, closest first; the caller checks which one exists."""
    found: dict[str, Alias] = {}
    queue = [name]
    while queue:
        current = queue.pop(0)
        for alias in _related(current):
            if alias.name != name and alias.name not in found:
                found[alias.name] = alias
                queue.append(alias.name)
    return [*found.values(), *(alias for alias in _by_rule(name) if alias.name not in found)]


def successor(name: str) -> Alias | None:
    """The name that most callers use since some version, when the old one may still exist."""
    return next((Alias(entry.new, _since(entry.old, entry.new, entry.since)) for entry in RENAMES if entry.old == name), None)


def _related(name: str) -> list[Alias]:
    newer = [Alias(entry.new, _since(entry.old, entry.new, entry.since)) for entry in RENAMES if entry.old == name]
    older = [Alias(entry.old, _before(entry.new, entry.old, entry.since)) for entry in RENAMES if entry.new == name]
    return newer + older


def _by_rule(name: str) -> list[Alias]:
    """Names that follow a pattern."""
    found: list[Alias] = []
    for old, new in ((COMPAT_OLD, COMPAT_NEW), (SYSCALL_OLD, SYSCALL_NEW)):
        call = _without(name, old)
        if call:
            found += [Alias(prefix + call, _since(name, prefix + call, SYSCALLS_SINCE) + _arguments(prefix, call)) for prefix in new]
            found += [Alias(prefix + call, f"{name} is called {prefix + call} here") for prefix in old if prefix + call != name]
            break
        call = _without(name, new)
        if call:
            # Another architecture or configuration has the call with another prefix.
            found += [Alias(prefix + call, f"{name} is not in this kernel, {prefix + call} is") for prefix in new if prefix + call != name]
            found += [Alias(prefix + call, _before(name, prefix + call, SYSCALLS_SINCE)) for prefix in old]
            break
    if name.endswith(NOPROF):
        plain = name.removesuffix(NOPROF)
        found.append(Alias(plain, _before(name, plain, NOPROF_SINCE)))
    else:
        found.append(Alias(name + NOPROF, f"{name} is a macro around {name + NOPROF} since Linux {NOPROF_SINCE}"))
    return found


def _arguments(prefix: str, call: str) -> str:
    """A syscall table's function takes pt_regs: names the function that has the arguments as parameters."""
    declared = "__do_compat_sys_" if "compat" in prefix else "__do_sys_"
    return "" if prefix == declared else f" (for the arguments by name: {declared}{call})"


def _without(name: str, prefixes: Iterable[str]) -> str | None:
    return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix) and name != prefix), None)


def _since(old: str, new: str, since: str) -> str:
    return f"{old} is called {new} since Linux {since}"


def _before(new: str, old: str, since: str) -> str:
    return f"{new} was called {old} before Linux {since}"


def base_name(name: str) -> str:
    """Without the compiler's suffix: tcp_ack.part.0 → tcp_ack."""
    return CLONE.sub("", name)


def clones(name: str, known: Iterable[str]) -> list[str]:
    """The compiler's copies of a function, without cold parts, which are not called."""
    start = name + "."
    return sorted(
        other for other in known if other.startswith(start) and base_name(other) == name and not other.endswith(".cold")
    )


def nearest(wanted: str, known: Iterable[str], limit: int = 5) -> list[str]:
    """Similar names, best first.

    difflib alone takes seconds for a kernel's names, so candidates are preselected by common trigrams.
    """
    if not wanted:
        return []
    wanted_folded = wanted.casefold()
    triples = _triples(wanted_folded)
    scored: list[tuple[float, str]] = []
    calls = {prefix + wanted for prefix in (*SYSCALL_NEW, *SYSCALL_OLD)}
    first: list[str] = []
    for name in set(known):
        if name in calls:
            first.append(name)
        if abs(len(name) - len(wanted)) > max(4, len(wanted) // 2) or GENERATED.match(name) or CLONE.search(name):
            continue
        other = _triples(name.casefold())
        shared = len(triples & other)
        if shared * 3 >= min(len(triples), len(other)):
            scored.append((2 * shared / (len(triples) + len(other)), name))
    scored.sort(key=lambda entry: (-entry[0], entry[1]))
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted_folded)
    ranked: list[tuple[float, str]] = []
    for _, name in scored[:200]:
        matcher.set_seq1(name.casefold())
        ratio = matcher.ratio()
        if ratio >= 0.6:
            ranked.append((ratio, name))
    ranked.sort(key=lambda entry: (-entry[0], entry[1]))
    order = {prefix: index for index, prefix in enumerate((*SYSCALL_NEW, *SYSCALL_OLD))}
    first.sort(key=lambda name: order[name.removesuffix(wanted)])
    return list(dict.fromkeys([*first, *(name for _, name in ranked)]))[:limit]


def _triples(text: str) -> set[str]:
    """Trigrams, with start and end markers."""
    padded = f"^{text}$"
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
