"""For gdb: steps through functions with `next`, and measures how well the code can be debugged.

`functions` has their names, in calling order. Prints "ready" when it waits for the first call, and then "walked " with
JSON: how often the line number decreased, and how many arguments and locals had no value, over all steps. Variables of
macros (__mptr, pto_val__) are not counted.
"""

import json
import re

import gdb

MAX_STEPS = 300


def visible(frame):
    """The arguments and locals in scope."""
    block = frame.block()
    while block is not None:
        for symbol in block:
            is_static = symbol.addr_class == gdb.SYMBOL_LOC_STATIC
            if (symbol.is_variable or symbol.is_argument) and not is_static and not re.search("^__|__$", symbol.name):
                yield symbol
        if block.function is not None:
            return
        block = block.superblock


def depth(frame):
    """The number of calls; an inlined function is a frame, but not a call."""
    count = 0
    while frame is not None:
        count += frame.type() != gdb.INLINE_FRAME
        frame = frame.older()
    return count


def walk(function):
    gdb.Breakpoint(function, temporary=True)
    gdb.execute("continue", to_string=True)
    start = gdb.selected_frame()
    file, calls = start.find_sal().symtab.filename, depth(start)
    lines, missing, values = [], [], 0
    for _ in range(MAX_STEPS):
        frame = gdb.selected_frame()
        if depth(frame) < calls:
            break
        place = frame.find_sal()
        if place.symtab is not None and place.symtab.filename == file:
            lines.append(place.line)
        for symbol in visible(frame):
            values += 1
            if symbol.value(frame).is_optimized_out:
                missing.append(symbol.name)
        gdb.execute("next", to_string=True)
    return {
        "function": function,
        "steps": len(lines),
        "backward": sum(later < earlier for earlier, later in zip(lines, lines[1:])),
        "values": values,
        "missing": len(missing),
        "lines": lines,
        "names": {name: missing.count(name) for name in sorted(set(missing))},
    }


print("ready")
gdb.flush()
walks = [walk(function) for function in functions]
print("walked " + json.dumps(walks))
