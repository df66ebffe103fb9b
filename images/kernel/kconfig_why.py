"""All there is to say about one option: value, definition, dependencies, who selects it, and why it is what it is."""

import kconfiglib
from kconfiglib import AND, BOOL, OR, TRISTATE, Symbol, expr_value

import kconfig_tree as tree

# How many names of a list a person reads.
SHOWN = 8


def why(kconf, name, origins, asked):
    """`origins`: who asked, by option; `asked`: the values that were asked for. An option that is not there has "unknown"."""
    sym = tree.find(kconf, name)
    if sym is None:
        return {"name": name, "unknown": tree.unknown(kconf, name), "lines": []}
    about = {
        "name": tree.full(sym),
        "value": sym.str_value,
        "type": tree.TYPES.get(sym.orig_type, "unknown"),
        "prompt": tree.prompt(sym),
        "defined": [f"{node.filename}:{node.linenr}" for node in sym.nodes],
        "reason": reason(sym, origins, asked),
        "depends": [dependency(part) for part in parts_of(sym)],
        "unmet": tree.chain(sym, 2) if sym.orig_type in (BOOL, TRISTATE) else tree.chain(sym, 1),
        "selectedBy": [named(other) for other, _ in tree.forcing(sym, sym.rev_dep)],
        "impliedBy": [named(other) for other, _ in tree.forcing(sym, sym.weak_rev_dep)],
        "selectors": sorted({named(other) for other in tree.selectors(sym, sym.rev_dep) if other.tri_value == 0}),
        "selects": [named(other) for other, _ in sym.selects],
        "range": range_text(sym),
        "choice": choice(sym),
        "suggestion": wanted_suggestion(kconf, sym),
    }
    return {**about, "lines": list(lines(sym, about))}


def named(sym):
    return f"{tree.full(sym)} [={sym.str_value}]"


def parts_of(sym):
    """Its dependencies without those that others of them have anyway."""
    found = [part for part in tree.parts(sym.direct_dep, AND) if not is_constant(part)]
    inner = {each for part in found if isinstance(part, Symbol) for each in tree.parts(part.direct_dep, AND)}
    return [part for part in found if part not in inner]


def is_constant(expr):
    return isinstance(expr, Symbol) and expr.is_constant


def dependency(part):
    return {"text": tree.text_of(part), "value": kconfiglib.TRI_TO_STR[expr_value(part)]}


def range_text(sym):
    limits = tree.range_of(sym)
    return f"{limits[0].str_value} to {limits[1].str_value}" if limits else None


def choice(sym):
    if not sym.choice:
        return None
    title = next((node.prompt[0] for node in sym.choice.nodes if node.prompt), None)
    return {"prompt": title, "members": [named(member) for member in sym.choice.syms]}


def wanted_suggestion(kconf, sym):
    """What gives y, where it is less and can be set at all."""
    if sym.orig_type not in (BOOL, TRISTATE) or sym.tri_value == 2:
        return None
    return tree.suggestion(kconf, sym, "y")


def reason(sym, origins, asked):
    """Why the option has its value."""
    value = sym.str_value
    selecting = [named(other) for other, level in tree.forcing(sym, sym.rev_dep) if kconfiglib.TRI_TO_STR[level] == value]
    name = tree.full(sym)
    plain = asked.get(name, "").strip('"')
    if name in asked and plain == value and value != "n":
        return f"{origins.get(name, 'the preset')} asks for it"
    if value != "n" and selecting:
        return "selected by " + shortened(selecting)
    if name in asked and plain == value:
        return f"{origins.get(name, 'the preset')} asks for it"
    if sym.choice and value == "y":
        return "it was chosen in its choice, or is the default there"
    low = [part for part in tree.parts(sym.direct_dep, AND) if expr_value(part) == 0]
    if value in ("n", "") and low:
        return "its dependencies are not met"
    default = next(((expr, cond) for expr, cond in sym.defaults if expr_value(cond)), None)
    if default is not None and default_value(sym, default[0]) == value:
        return f"that is its default{place(sym)}"
    implied = [named(other) for other, _ in tree.forcing(sym, sym.weak_rev_dep)]
    if value != "n" and implied:
        return "implied by " + shortened(implied)
    if tree.prompt_condition(sym) is None:
        return "nothing selects it, and it has no prompt" if value == "n" else "other options decide"
    return "the preset's configuration has it so" if sym.user_value is not None else "not requested"


def default_value(sym, expr):
    if sym.orig_type in (BOOL, TRISTATE):
        return kconfiglib.TRI_TO_STR[expr_value(expr)]
    return expr.str_value


def place(sym):
    node = next((node for node in sym.nodes if node.defaults), None)
    return f" ({node.filename}:{node.linenr})" if node else ""


def shortened(names):
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def lines(sym, about):
    title = about["prompt"] or "(no prompt: only other options can set it)"
    value = f'"{sym.str_value}"' if about["type"] == "string" else sym.str_value or "not set"
    yield f"{about['name']} = {value}"
    yield f"  {title}"
    yield f"  {about['type']}, defined at {', '.join(about['defined'])}"
    yield f"  it is {value}: {about['reason']}"
    if about["range"]:
        yield f"  range: {about['range']}"
    if about["choice"]:
        yield f"  one of the choice \"{about['choice']['prompt']}\": {shortened(about['choice']['members'])}"
    if parts_of(sym):
        yield "  depends on:"
        yield from tree_lines(parts_of(sym), "    ", set())
    condition = tree.prompt_condition(sym)
    extra = [part for part in tree.unmet(condition, 1)] if condition is not None else []
    known = {dep["text"] for dep in about["depends"]}
    hidden = [part for part in extra if tree.text_of(part) not in known]
    if hidden:
        yield "  can be set only with:"
        yield from tree_lines(hidden, "    ", set())
    if about["selectedBy"]:
        yield f"  selected by: {shortened(about['selectedBy'])}"
    if about["selectors"] and about["value"] != "y":
        yield f"  could be selected by: {shortened(about['selectors'])}"
    if about["selects"]:
        yield f"  selects: {shortened(about['selects'])}"
    if about["suggestion"]:
        yield f"  to get y: {tree.set_command(about['suggestion'])}"


def tree_lines(exprs, indent, seen):
    """Every dependency with a mark; under one that is not met, what that one depends on."""
    for part in exprs:
        value = expr_value(part)
        mark = {0: "✗", 1: "m", 2: "✓"}[value]
        options = tree.parts(part, OR)
        if len(options) > 1 and value == 0:
            yield f"{indent}{mark} one of:"
            yield from tree_lines(options, indent + "  ", seen)
            continue
        conjuncts = tree.parts(part, AND)
        if len(conjuncts) > 1 and value == 0:
            yield f"{indent}{mark} all of:"
            yield from tree_lines(conjuncts, indent + "  ", seen)
            continue
        note = ""
        if isinstance(part, Symbol) and part.nodes and value == 0:
            title = tree.prompt(part)
            note = f"  {title}, {tree.where(part)}" if title else f"  no prompt, {tree.where(part)}"
        yield f"{indent}{mark} {tree.text_of(part)}{note}"
        if isinstance(part, Symbol) and part.nodes and value == 0 and part not in seen and len(indent) < 14:
            seen.add(part)
            yield from tree_lines([each for each in parts_of(part) if expr_value(each) == 0], indent + "  ", seen)
