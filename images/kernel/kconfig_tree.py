"""The kernel's own Kconfig, read by kconfiglib: why an option is what it is, and what would change that."""

import difflib
import glob
import io
import os
import re

import kconfiglib
from kconfiglib import AND, BOOL, EQUAL, HEX, INT, NOT, OR, STRING, TRISTATE, UNEQUAL, Symbol, expr_value

TYPES = {BOOL: "bool", TRISTATE: "tristate", STRING: "string", INT: "int", HEX: "hex"}
LEVELS = {"n": 0, "m": 1, "y": 2}
# Deeper trees are too long to read.
DEPTH = 5


class Kconfig(kconfiglib.Kconfig):
    """What Kconfig has learnt since kconfiglib was written."""

    # Linux 6.18: "transitional", of an option that is only read, to give others their defaults.
    def _open(self, filename, mode):
        # A comment or a string in a .config need not be UTF-8.
        file = io.open(filename, mode, encoding="utf-8", errors="surrogateescape")
        if mode != "r":
            return file
        with file:
            # An empty line for it: those below keep their numbers.
            return io.StringIO(re.sub(r"^[ \t]+transitional[ \t]*$", "", file.read(), flags=re.M))

    # Linux 7: "depends on X if Y", which is X || Y = n.
    def _expect_expr_and_eol(self):
        expr = self._parse_expr(True)
        if self._check_token(kconfiglib._T_IF):
            expr = (OR, expr, self._off(self._parse_expr(True)))
        if self._tokens[self._tokens_i] is not None:
            self._trailing_tokens_error()
        return expr

    def _off(self, expr):
        if isinstance(expr, Symbol):
            return EQUAL, expr, self.n
        operator, *operands = expr
        if operator == AND:
            return OR, *map(self._off, operands)
        if operator == OR:
            return AND, *map(self._off, operands)
        if operator == NOT and isinstance(operands[0], Symbol):
            return UNEQUAL, operands[0], self.n
        return NOT, self._off(operands[0]) if operator == NOT else expr


def load(environment, config):
    """The tree with a .config loaded (seconds). `environment` is a file of NAME=VALUE, ended by NULs: what make gives conf."""
    with open(environment, encoding="utf-8", errors="surrogateescape") as file:
        os.environ.update(entry.split("=", 1) for entry in file.read().split("\0") if "=" in entry)
    kconf = Kconfig("Kconfig", warn=False)
    kconf.load_config(config)
    return kconf


def full(sym):
    return f"CONFIG_{sym.name}"


def find(kconf, name):
    """The option that CONFIG_NAME means; None when this kernel, for this architecture, defines no such one."""
    symbol = kconf.syms.get(name.removeprefix("CONFIG_"))
    return symbol if symbol is not None and symbol.nodes else None


def unknown(kconf, name):
    """Why there is no such option, in one line."""
    places = elsewhere(os.environ["srctree"], name)
    if places:
        arches = sorted({path.split("/")[1] for path in places if path.startswith("arch/")})
        if arches and len(arches) == len({path.split("/")[1] if path.startswith("arch/") else path for path in places}):
            return f"this option is defined for {', '.join(arches)} only ({places[0]})"
        return f"this option is defined in {places[0]}, which this architecture does not read"
    near = difflib.get_close_matches(name, [full(sym) for sym in kconf.unique_defined_syms], n=3)
    return "this kernel has no such option" + (f"; did you mean {' or '.join(near)}?" if near else "")


def elsewhere(source, name):
    """"file:line" of definitions in whatever Kconfig file of the source, whether or not it is read."""
    wanted = re.compile(rf"^\s*(?:menu)?config\s+{re.escape(name.removeprefix('CONFIG_'))}\s*$", re.M)
    found = []
    for path in sorted(glob.glob(f"{source}/**/Kconfig*", recursive=True)):
        if not os.path.isfile(path) or "/scripts/kconfig/tests/" in path:
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if match := wanted.search(text):
            found.append(f"{os.path.relpath(path, source)}:{text.count(chr(10), 0, match.start()) + 1}")
    return found


def show(item):
    """For kconfiglib's expr_str: CONFIG_NET [=y]"""
    if isinstance(item, Symbol) and not item.is_constant and not is_number(item):
        return f"{full(item)} [={item.str_value if item.nodes else 'n'}]"
    return kconfiglib.standard_sc_expr_str(item)


def is_number(sym):
    """Kconfig has "FOO > 3" as a comparison of two options, of which one is undefined."""
    return not sym.nodes and re.fullmatch(r"-?\d+|0[xX][0-9a-fA-F]+", sym.name) is not None


def text_of(expr):
    return kconfiglib.expr_str(expr, show)


def parts(expr, operator):
    """The operands of a chain of && or ||, flat, each once; a choice stands for what it depends on."""
    if isinstance(expr, kconfiglib.Choice) and operator == AND:
        return parts(expr.direct_dep, AND)
    if isinstance(expr, tuple) and expr[0] == operator:
        found = parts(expr[1], operator) + parts(expr[2], operator)
        return [part for index, part in enumerate(found) if part not in found[:index]]
    return [expr]


def unmet(expr, need):
    """The conjuncts that keep an expression below `need`, which is 1 (m) or 2 (y)."""
    return [part for part in parts(expr, AND) if expr_value(part) < need]


def prompt_condition(sym):
    """The condition under which a user can set it; None where it has no prompt."""
    conditions = [node.prompt[1] for node in sym.nodes if node.prompt]
    if not conditions:
        return None
    expr = conditions[0]
    for other in conditions[1:]:
        expr = (OR, expr, other)
    return expr


def where(sym):
    node = next((node for node in sym.nodes if node.prompt), sym.nodes[0])
    return f"{node.filename}:{node.linenr}"


def prompt(sym):
    return next((node.prompt[0] for node in sym.nodes if node.prompt), None)


def chain(sym, need, told=None, depth=0):
    """
    Lines on the dependencies that keep an option below `need`, each followed by what keeps that one below. `told` are
    options whose dependencies have been spelt out before.
    """
    told = set() if told is None else told
    told.add(sym)
    missing, word = unmet(sym.direct_dep, need), "depends on"
    if not missing and prompt_condition(sym) is not None:
        missing, word = unmet(prompt_condition(sym), need), "can be set only with"
    lines = []
    below = set()
    for part in missing:
        if part in below:
            continue
        lines.append("  " * depth + f"{word} {text_of(part)}")
        for inner in items(part):
            if not inner.nodes or inner.tri_value >= need or is_negated(part, inner) or depth >= DEPTH:
                continue
            below |= set(items(inner.direct_dep))
            if inner not in told:
                lines += chain(inner, need, told, depth + 1)
    return lines


def items(expr):
    return sorted((item for item in kconfiglib.expr_items(expr) if isinstance(item, Symbol)), key=lambda sym: sym.name)


def is_negated(expr, sym):
    if isinstance(expr, tuple):
        if expr[0] == NOT:
            return sym in kconfiglib.expr_items(expr)
        if expr[0] in (AND, OR):
            return is_negated(expr[1], sym) or is_negated(expr[2], sym)
    return False


def forcing(sym, reverse):
    """The options that select (or imply) this one now, strongest first: (option, value)."""
    found = []
    for part in parts(reverse, OR):
        value = expr_value(part)
        selector = parts(part, AND)[0]
        if value and isinstance(selector, Symbol) and not selector.is_constant:
            found.append((selector, value))
    return sorted(found, key=lambda pair: (-pair[1], pair[0].name))


def selectors(sym, reverse):
    return [first for first in (parts(part, AND)[0] for part in parts(reverse, OR)) if isinstance(first, Symbol) and first.nodes]


def range_of(sym):
    return next(((low, high) for low, high, condition in sym.ranges if expr_value(condition)), None)


def value_problem(sym, wanted):
    """What is wrong with a value itself, whatever else is set; None when the option can have it."""
    kind = sym.orig_type
    if kind in (BOOL, TRISTATE):
        if wanted not in LEVELS:
            return f"it is a {TYPES[kind]}: y{', m' if kind == TRISTATE else ''} or n"
        if wanted == "m" and kind == BOOL:
            return "it is a bool: y or n, it cannot be a module"
        return None
    if kind == STRING:
        return None if wanted.startswith('"') else 'it is a string: write it in quotes, ="text"'
    pattern = r"-?\d+" if kind == INT else r"(0[xX])?[0-9a-fA-F]+"
    if not re.fullmatch(pattern, wanted):
        return f"it is {'an int: a whole number' if kind == INT else 'a hex number: 0x10'}"
    limits = range_of(sym)
    base = 10 if kind == INT else 16
    if limits and not int(limits[0].str_value, base) <= int(wanted, base) <= int(limits[1].str_value, base):
        return f"its range is {limits[0].str_value} to {limits[1].str_value}"
    return None


def explain(kconf, name, wanted, got, told=None):
    """Why a request did not stick: lines that a person can act on; `told` is for several in a row (see chain)."""
    sym = find(kconf, name)
    if sym is None:
        return [unknown(kconf, name)]
    problem = value_problem(sym, wanted)
    if problem:
        return [f"{problem} ({where(sym)})"]
    if wanted == "n":
        lines = [f"selected by {full(other)} [={other.str_value}]" for other, _ in forcing(sym, sym.rev_dep)]
    else:
        need = LEVELS.get(wanted, 1)
        if wanted == "m" and kconf.modules.tri_value == 0:
            return ["m needs CONFIG_MODULES [=n]"]
        lines = chain(sym, need, told)
        if not lines and LEVELS.get(got, 0) > need:
            lines = [f"selected by {full(other)} [={other.str_value}]" for other, _ in forcing(sym, sym.rev_dep)]
    if not lines and sym.choice:
        lines = [choice_line(sym)]
    if not lines and prompt_condition(sym) is None:
        lines.append("it has no prompt: only other options can select it")
    if not lines:
        lines.append(f"Kconfig decided for {got} ({where(sym)})")
    if wanted != "n":
        able = sorted({full(other) for other in selectors(sym, sym.rev_dep)})
        if 0 < len(able) <= 4:
            lines.append("selected by " + " or ".join(able))
        commands = suggestion(kconf, sym, wanted)
        if commands and commands != {full(sym): wanted}:
            lines.append(f"to get it: {set_command(commands)}")
    return lines


def choice_line(sym):
    chosen = sym.choice.selection
    title = next((node.prompt[0] for node in sym.choice.nodes if node.prompt), "a choice")
    return f'its choice ("{title}") was won by {full(chosen)}' if chosen else f'no member of its choice ("{title}") could be set'


def set_command(values):
    return "kdock config set " + " ".join(f"{name.removeprefix('CONFIG_')}={value}" for name, value in values.items())


class Searching:
    """A search for assignments that make an expression true; gives up after so many looks."""

    def __init__(self):
        self.looks = 2000

    def satisfy(self, expr, need, chosen, above):
        """`chosen` with what is needed besides, or None."""
        self.looks -= 1
        if self.looks < 0:
            return None
        if expr_value(expr) >= need:
            return chosen
        if isinstance(expr, kconfiglib.Choice):
            return self.satisfy(expr.direct_dep, need, chosen, above)
        if isinstance(expr, Symbol):
            return self.raise_to(expr, need, chosen, above)
        if not isinstance(expr, tuple):
            return None
        operator = expr[0]
        if operator == AND:
            first = self.satisfy(expr[1], need, chosen, above)
            return None if first is None else self.satisfy(expr[2], need, first, above)
        if operator == OR:
            return smallest(self.satisfy(part, need, chosen, above) for part in parts(expr, OR))
        if operator == NOT and isinstance(expr[1], Symbol):
            return self.lower(expr[1], chosen)
        if operator == EQUAL:
            return self.equal(expr[1], expr[2], chosen, above)
        return None

    def raise_to(self, sym, need, chosen, above):
        if sym.is_constant or not sym.nodes or sym in above or sym.orig_type not in (BOOL, TRISTATE):
            return None
        if LEVELS.get(chosen.get(sym, "n"), 0) >= need:
            return chosen
        inner = above | {sym}
        condition = prompt_condition(sym)
        if condition is not None:
            found = self.satisfy(condition, need, chosen, inner)
            if found is not None:
                return {**found, sym: "y" if need == 2 or sym.orig_type == BOOL else "m"}
        ways = [(value, condition) for value, condition in sym.defaults]
        ways += [(other, condition) for part in parts(sym.rev_dep, OR) for other, condition in [halves(part)]]
        return smallest(self.both(value, condition, need, chosen, inner) for value, condition in ways[:12])

    def both(self, one, two, need, chosen, above):
        first = self.satisfy(one, need, chosen, above)
        return None if first is None else self.satisfy(two, need, first, above)

    def lower(self, sym, chosen):
        if sym.nodes and 0 in sym.assignable:
            return {**chosen, sym: "n"}
        return None

    def equal(self, one, two, chosen, above):
        constant, sym = (one, two) if getattr(one, "is_constant", False) else (two, one)
        if not isinstance(sym, Symbol) or constant.str_value not in LEVELS:
            return None
        if constant.str_value == "n":
            return self.lower(sym, chosen)
        return self.raise_to(sym, LEVELS[constant.str_value], chosen, above)


def halves(part):
    first, *rest = parts(part, AND)
    condition = rest[0] if rest else 2
    for other in rest[1:]:
        condition = (AND, condition, other)
    return first, condition if rest else first


def smallest(found):
    return min((each for each in found if each is not None), key=len, default=None)


def suggestion(kconf, sym, wanted):
    """{CONFIG_NAME: value} that gives the option its value, tried out; None where it is not that simple."""
    if sym.orig_type in (BOOL, TRISTATE):
        need = LEVELS.get(wanted, 0)
        if need == 0:
            return None
        if wanted == "m" and kconf.modules.tri_value == 0:
            modules = Searching().satisfy(kconf.modules, 2, {}, frozenset())
            if modules is None:
                return None
        else:
            modules = {}
        chosen = Searching().satisfy(prompt_condition(sym) or sym, need, modules, frozenset({sym} if prompt_condition(sym) else ()))
    else:
        chosen = Searching().satisfy(prompt_condition(sym) or 0, 1, {}, frozenset({sym}))
    if chosen is None:
        return None
    if prompt_condition(sym) is not None:
        chosen = {**chosen, sym: wanted}
    return tried(sym, wanted, chosen)


def tried(sym, wanted, chosen):
    """Without those that turn out not to be needed; None when it does not work."""
    before = {each: state(each) for each in chosen}
    plain = wanted.strip('"')
    gives = lambda: sym.str_value == plain
    try:
        for each, value in chosen.items():
            each.set_value(value.strip('"'))
        if not gives():
            return None
        needed = dict(chosen)
        for each in list(chosen):
            if each is sym:
                continue
            restore(each, before[each])
            if gives():
                del needed[each]
            else:
                each.set_value(chosen[each].strip('"'))
        return {full(each): value for each, value in needed.items()}
    finally:
        for each, was in before.items():
            restore(each, was)


def state(sym):
    """What people have asked for: of the option, and of the choice that it is in, which remembers its winner by itself."""
    choice = sym.choice
    return sym.user_value, choice and (choice.user_value, choice.user_selection)


def restore(sym, was):
    value, of_choice = was
    if value is None:
        sym.unset_value()
    else:
        sym.set_value(value)
    if of_choice:
        mode, selection = of_choice
        sym.choice.unset_value()
        if mode is not None:
            sym.choice.set_value(mode)
        if selection is not None:
            selection.set_value(2)
