"""Collects the requested values at a hit. The guest is stopped meanwhile: nothing else is read."""

from __future__ import annotations

import re

import gdb

from .request import Request

MAX_TEXT = 1000
MAX_ELEMENTS = 200
MAX_DEPTH = 4
MAX_FRAMES = 100
#: Per-CPU variables have addresses from 0, so gdb prints small numbers as one of them.
LOW_MEMORY = 0xFFFFF
PER_CPU = re.compile(r"\b(0x[0-9a-f]{1,5}) <[\w.]+(?:\+\d+)?>")
FORMATTED = re.compile(r"/([xduotacfsz])\s+(.+)", re.DOTALL)
#: Variables that macros declare in the functions that use them.
MACRO_VARIABLE = re.compile(r"^__|__$")

Named = dict[str, str]


def split_format(expression: str) -> tuple[str, str | None]:
    """The expression and gdb's format letter: "/x skb->len" is shown like `print/x skb->len`."""
    formatted = FORMATTED.fullmatch(expression.strip())
    return (formatted[2], formatted[1]) if formatted else (expression, None)


def collect(number: int, asked: str, request: Request) -> dict[str, object]:
    """The event's fields for the newest frame."""
    frame = gdb.newest_frame()
    frame.select()
    where = _where(frame)
    arguments, variables = _variables(frame) if request.args or request.locals else ([], [])
    thread = gdb.selected_thread()
    return {
        "number": number,
        "stop": asked,
        **where,
        "cpu": thread.num - 1 if thread else 0,
        "args": arguments if request.args else [],
        "locals": variables if request.locals else [],
        "prints": [_printed(expression) for expression in request.print],
        "backtrace": backtrace(frame) if request.bt else [],
    }


def _where(frame: gdb.Frame) -> dict[str, object]:
    sal = frame.find_sal()
    return {
        "function": frame.name() or f"{frame.pc():#x}",
        "file": sal.symtab.filename if sal.symtab else None,
        "line": sal.line or None,
    }


def _printed(expression: str) -> Named:
    plain, letter = split_format(expression)
    try:
        value = gdb.parse_and_eval(plain)
        value.fetch_lazy()
        return {"expression": expression, "value": text_of(value, letter)}
    except gdb.error as error:
        return {"expression": expression, "error": str(error)}


def backtrace(frame: gdb.Frame | None) -> list[dict[str, object]]:
    """The frames from a frame outwards, as in the events."""
    frames: list[dict[str, object]] = []
    try:
        # gdb shows one frame beyond the start of the kernel's stack, at 0 or in a per-CPU variable.
        while frame is not None and len(frames) < MAX_FRAMES and (frame.pc() > LOW_MEMORY or not frames):
            frames.append({"level": len(frames), **_where(frame), "args": _variables(frame, locals_too=False)[0]})
            frame = frame.older()
    except gdb.error:
        pass  # The frames so far are returned.
    return frames


def _variables(frame: gdb.Frame, locals_too: bool = True) -> tuple[list[Named], list[Named]]:
    """Arguments and the variables in scope; an inner one hides an outer one of the same name."""
    arguments: list[Named] = []
    variables: dict[str, Named] = {}
    try:
        block: gdb.Block | None = frame.block()
    except RuntimeError:
        return [], []  # Assembly has none.
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            if symbol.is_argument:
                if block.function is not None:
                    arguments.append({"name": symbol.name, "value": _value(symbol, frame)})
            elif locals_too and symbol.is_variable and not MACRO_VARIABLE.search(symbol.name):
                variables.setdefault(symbol.name, {"name": symbol.name, "value": _value(symbol, frame)})
        if block.function is not None:
            break
        block = block.superblock
    return arguments, list(variables.values())


def _value(symbol: gdb.Symbol, frame: gdb.Frame) -> str:
    try:
        return text_of(symbol.value(frame))
    except (gdb.error, TypeError) as error:
        return f"<error: {error}>"


def text_of(value: gdb.Value, letter: str | None = None) -> str:
    """As gdb prints it, limited to MAX_TEXT characters."""
    options: dict[str, object] = {"max_elements": MAX_ELEMENTS, "max_depth": MAX_DEPTH, "styling": False}
    try:
        text = value.format_string(**options, **({"format": letter} if letter else {}))
    except gdb.MemoryError as error:
        text = f"<error: {error}>"
    text = PER_CPU.sub(r"\1", text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
