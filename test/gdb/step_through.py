"""For gdb, at the first line of a function: steps through it with `next`, and says how readable that was.

Prints one line of JSON that begins with "walked ": how often the next line was above the one before, and how many of the
arguments and locals in scope had no value, over all steps.
"""

import json

import gdb

MOST_STEPS = 400


def visible(frame):
    """Every argument and local in scope, the function's own included."""
    block = frame.block()
    while block is not None:
        yield from (symbol for symbol in block if symbol.is_variable or symbol.is_argument)
        if block.function is not None:
            return
        block = block.superblock


def walk():
    start = gdb.selected_frame()
    name, file, level = start.name(), start.find_sal().symtab.filename, depth(start)
    producer = gdb.execute("info source", to_string=True)
    steps = backward = values = missing = 0
    before = 0
    lines = []
    while steps < MOST_STEPS:
        frame = gdb.selected_frame()
        if depth(frame) < level:
            break
        place = frame.find_sal()
        if place.symtab is not None and place.symtab.filename == file:
            backward += place.line < before
            before = place.line
            lines.append(place.line)
        for symbol in visible(frame):
            if symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                continue
            values += 1
            missing += symbol.value(frame).is_optimized_out
        steps += 1
        gdb.execute("next", to_string=True)
    return {
        "function": name,
        "level": "-Og" if " -Og" in producer else "-O1" if " -O1" in producer else "-O2",
        "steps": steps,
        "backward": int(backward),
        "values": values,
        "missing": int(missing),
        "lines": lines,
    }


def depth(frame):
    """How many real calls there are: an inlined function is a frame, but no call."""
    count = 0
    while frame is not None:
        count += frame.type() != gdb.INLINE_FRAME
        frame = frame.older()
    return count


print("walked " + json.dumps(walk()))
