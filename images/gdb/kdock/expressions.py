"""Checks expressions in the scope of a breakpoint before the guest is stopped."""

from __future__ import annotations

import re

import gdb

from .names import nearest

NO_SYMBOL = re.compile(r'No symbol "([^"]+)" in current context')
NO_MEMBER = re.compile(r"There is no member named (\w+)")
#: Names that are not members, registers or parts of numbers.
FREE_NAME = re.compile(r"(?<![\w$.])(?<!->)([A-Za-z_]\w*)")


class BadExpression(Exception):
    """gdb cannot evaluate the expression; `near` has similar names."""

    def __init__(self, message: str, near: list[str]) -> None:
        super().__init__(message)
        self.near = near


def check(expression: str, probes: list[gdb.Breakpoint]) -> None:
    """Raises BadExpression if the expression is invalid at all of the breakpoints."""
    problem: BadExpression | None = None
    for probe in probes:
        try:
            _parse(expression, probe)
            _look_up_members(expression, probe)
            return
        except BadExpression as error:
            problem = problem or error
    if problem:
        raise problem


def _parse(expression: str, probe: gdb.Breakpoint) -> None:
    # Without a running target, only a breakpoint's condition is parsed in the breakpoint's scope.
    try:
        probe.condition = expression
    except gdb.error as error:
        missing = NO_SYMBOL.search(str(error))
        near = nearest(missing[1], [symbol.name for symbol in _in_scope(probe)]) if missing else []
        raise BadExpression(str(error), near) from error
    finally:
        probe.condition = None


def _look_up_members(expression: str, probe: gdb.Breakpoint) -> None:
    """Parsing does not check members. `whatis` does, without reading memory, if each variable is replaced by a value."""
    scope = {symbol.name: symbol for symbol in reversed(_in_scope(probe))}

    def stand_in(hit: re.Match[str]) -> str:
        symbol = scope.get(hit[1])
        if symbol is None or symbol.type is None or not symbol.type.sizeof:
            return hit[1]
        gdb.set_convenience_variable(f"kdock_{hit[1]}", gdb.Value(bytes(symbol.type.sizeof), symbol.type))
        return f"$kdock_{hit[1]}"

    shown = FREE_NAME.sub(stand_in, expression)
    try:
        gdb.execute(f"whatis {shown}", to_string=True)
    except gdb.error as error:
        missing = NO_MEMBER.search(str(error))
        # Other errors may not occur in the running guest.
        if missing:
            raise BadExpression(str(error), nearest(missing[1], _members(shown, missing[1]))) from error


def _members(expression: str, missing: str) -> list[str]:
    """The members of the type before the missing one."""
    before = re.search(rf"([\w$.>-]+?)(?:->|\.){missing}\b", expression)
    if before is None:
        return []
    try:
        name = gdb.execute(f"whatis {before[1]}", to_string=True).removeprefix("type = ").strip().rstrip("* ")
        kind = gdb.lookup_type(re.sub(r"\b(?:const|volatile)\s+", "", name)).strip_typedefs()
    except gdb.error:
        return []
    return _fields(kind)


def _fields(kind: gdb.Type) -> list[str]:
    if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return []
    found: list[str] = []
    for field in kind.fields():
        # Members of an unnamed struct or union count as the outer type's.
        found += [field.name] if field.name else _fields(field.type.strip_typedefs())
    return found


def _in_scope(probe: gdb.Breakpoint) -> list[gdb.Symbol]:
    """The variables at a breakpoint's first location, innermost first."""
    if not probe.locations:
        return []
    block = gdb.block_for_pc(probe.locations[0].address)
    found: list[gdb.Symbol] = []
    while block is not None and not block.is_static and not block.is_global:
        found += [symbol for symbol in block if symbol.is_variable or symbol.is_argument]
        if block.function is not None:
            break
        block = block.superblock
    return found
