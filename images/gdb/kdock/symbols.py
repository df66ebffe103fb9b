"""Resolves places to gdb's breakpoints, with notes on differences from what was asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

import gdb

from .image import Image
from .names import (
    CLONE, BadSpec, Spec, aliases, base_name, clones, nearest, parse_spec,
)


class UnknownPlace(Exception):
    """The vmlinux has no such place; `near` has similar names."""

    def __init__(self, message: str, near: list[str]) -> None:
        super().__init__(message)
        self.near = near


@dataclass(frozen=True)
class Place:
    """A resolved place; `specs` are the breakpoints to set, in gdb's syntax."""

    asked: str
    name: str
    specs: tuple[str, ...]
    #: How the place differs from what was asked; else "".
    note: str
    #: The function whose entry is the place; None for a line or an address.
    function: str | None


@dataclass(frozen=True)
class Location:
    """An address of a stop. `inlined_into`: the function that contains an inlined copy."""

    function: str | None
    file: str | None
    line: int | None
    address: int
    inlined_into: str | None

    def as_json(self) -> dict[str, object]:
        """For the events."""
        return {
            "function": self.function,
            "file": self.file,
            "line": self.line,
            "address": f"{self.address:#x}",
            "inlinedInto": self.inlined_into,
        }


class Resolver:
    """Finds places in a vmlinux. `more_names`: functions from System.map, for suggestions."""

    def __init__(self, image: Image, more_names: frozenset[str] = frozenset()) -> None:
        self._image = image
        self._more_names = more_names

    def resolve(self, asked: str) -> Place:
        """Raises UnknownPlace."""
        try:
            spec = parse_spec(asked)
        except BadSpec as error:
            raise UnknownPlace(str(error), []) from error
        if spec.expression is not None:
            return self._address(asked, spec.expression)
        if spec.function is None:
            self._must_exist(spec)
            return Place(asked, spec.linespec(), (spec.linespec(),), "", None)
        found = self._named(asked, spec, "")
        if found:
            return found
        for alias in aliases(spec.function):
            found = self._named(asked, spec.named(alias.name), alias.note)
            if found:
                return found
        if spec.file:
            self._must_exist(spec)
        raise UnknownPlace(f"this kernel has no function {spec.function}", self.near(spec.function))

    def near(self, name: str) -> list[str]:
        """Similar function names, with inlined functions, which are only in the debug information."""
        functions = set(self._image.functions) | self._more_names
        guesses = nearest(name, functions | self._image.debug_names, limit=12)
        return [guess for guess in guesses if guess in functions or _decodes(guess)][:5]

    def _address(self, asked: str, expression: str) -> Place:
        try:
            address = int(gdb.parse_and_eval(expression)) & (2**64 - 1)
        except (gdb.error, OverflowError) as error:
            raise UnknownPlace(f"'{expression}' is not an address: {error}", []) from error
        function = self._image.function_at(address)
        note = "" if function else f"{address:#x} is in none of this vmlinux's functions"
        where = f" in {function.name}+{address - function.address:#x}" if function else ""
        return Place(asked, f"*{address:#x}{where}", (f"*{address:#x}",), note, None)

    def _named(self, asked: str, spec: Spec, note: str) -> Place | None:
        name = spec.function or ""
        known = self._image.functions
        if spec.offset:
            starts = known.get(name, [])
            specs = tuple(f"*{each.address + spec.offset:#x}" for each in starts if spec.offset < max(1, each.size))
            return Place(asked, f"{name}+{spec.offset:#x}", specs, note, None) if specs else None
        if CLONE.search(name) and name in known:
            return Place(asked, name, tuple(f"*{each.address:#x}" for each in known[name]), note, base_name(name))
        if _decodes(spec.linespec()):
            return Place(asked, spec.linespec(), (spec.linespec(),), note, name)
        copies = [] if spec.file else clones(name, known)
        if copies:
            copied = f"{name} exists only as the compiler's {_listed(copies)}"
            specs = tuple(f"*{each.address:#x}" for copy in copies for each in known[copy])
            return Place(asked, name, specs, "; ".join(filter(None, (note, copied))), name)
        return None

    def _must_exist(self, spec: Spec) -> None:
        try:
            gdb.decode_line(spec.linespec())
        except gdb.error as error:
            text = str(error).rstrip(".")
            near = []
            if "No source file" in text and spec.file:
                near = nearest(spec.file.rpartition("/")[2], self._image.source_names)
            elif spec.function:
                near = self.near(spec.function)
            raise UnknownPlace(text, near) from error


def _decodes(linespec: str) -> bool:
    try:
        return bool(gdb.decode_line(linespec)[1])
    except gdb.error:
        return False


def locations(place: Place, breakpoints: list[gdb.Breakpoint]) -> list[Location]:
    """All addresses of the breakpoints, with their functions."""
    return [_location(place, each) for breakpoint in breakpoints for each in breakpoint.locations]


def _location(place: Place, at: gdb.BreakpointLocation) -> Location:
    file, line = at.source or (None, None)
    chain = _functions_at(at.address)
    if not chain:
        return Location(at.function or place.function, file, line, at.address, None)
    outermost = chain[-1][0]
    if place.function is not None:
        mine = next((index for index, (symbol, _) in enumerate(chain) if symbol.name == place.function), None)
        if mine is None:
            mine = len(chain) - 1
    else:
        # An inlined copy that begins at this address has not been entered: gdb shows the function around it.
        mine = next(
            (index for index, (_, start) in enumerate(chain[:-1]) if start != at.address), len(chain) - 1
        )
    symbol = chain[mine][0]
    if mine > 0 and place.function is not None and symbol is not outermost:
        # at.source is the line of a function that is inlined deeper.
        file, line = symbol.symtab.filename, symbol.line
    return Location(symbol.name, file, line, at.address, outermost.name if symbol is not outermost else None)


def _functions_at(address: int) -> list[tuple[gdb.Symbol, int]]:
    """The functions at an address with their start addresses, innermost first; all but the last are inlined."""
    block = gdb.block_for_pc(address)
    chain = []
    while block is not None and not block.is_static and not block.is_global:
        if block.function is not None:
            chain.append((block.function, block.start))
        block = block.superblock
    return chain


def notes(place: Place, found: list[Location], image: Image) -> str:
    """The place's note, and notes on its locations; "" if the stop is as asked."""
    texts = [place.note] if place.note else []
    inlined = [each for each in found if each.inlined_into]
    if place.function is not None and inlined:
        into = _listed(sorted({each.inlined_into or "" for each in inlined}))
        whole = len(found) - len(inlined)
        times = "" if len(inlined) == 1 else f"{len(inlined)} times "
        texts.append(f"also inlined {times}in {into}: it stops there, too" if whole else f"exists only inlined, {times}in {into}: it stops there")
    bodies = sorted({
        body.name
        for each in found
        if not each.inlined_into and (body := image.function_at(each.address)) and CLONE.search(body.name)
    })
    if place.function is not None and bodies and "exists only as" not in place.note:
        texts.append(f"the compiler made {_listed(bodies)} of it, which may lack arguments")
    asked_line = re.fullmatch(r".*:(\d+)", place.specs[0]) if place.function is None else None
    lines = sorted({each.line for each in found if each.line})
    if asked_line and lines and int(asked_line[1]) not in lines:
        texts.append(f"line {asked_line[1]} has no code: the stop is at line {lines[0]}")
    return "; ".join(texts)


def _listed(names: list[str], limit: int = 4) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
