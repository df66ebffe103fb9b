"""The fewest requests that turn one configuration into another: what menuconfig changed, without what follows from it.

  --start     the configuration that the requests are put into, before Kconfig completes it
  --demands   what is asked for already, all of it in --start
  --made      what --start comes to
  --wanted    what it shall come to
  --fragment  the requests

Whether they really do is for the kernel's own conf to say (config.sh); where it does not, --again adds what still differs.
"""

import kconfiglib
from kconfiglib import BOOL, TRISTATE

import kconfig_tree as tree
from kconfig import INITRAMFS, as_line, read_config

# Each compares all that changed: beyond this many it would take minutes, and the result is too long to read.
MANY = 2000


def run(args):
    made, wanted = read_config(args.made), read_config(args.wanted)
    # An option that has come with another one and is off may have had to be switched off; the second look is at values.
    missing = "n" if args.again else None
    changed = [name for name in {**made, **wanted} if made.get(name, missing) != wanted.get(name, missing)]
    before = read_config(args.fragment) if args.again else {}
    kconf = tree.load(args.environment, args.start)
    able = [name for name in changed if can_ask(kconf, name)]
    requests = {name: wanted.get(name, "n") for name in able}
    requests = {**before, **requests} if args.again else fewest(kconf, in_order(kconf, requests), wanted, changed)
    # Demands that no longer hold would fail the build.
    for name, value in read_config(args.demands).items():
        if wanted.get(name, "n") != value and name not in requests and name != INITRAMFS:
            requests[name] = wanted.get(name, "n")
    with open(args.fragment, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(as_line(name, value) + "\n" for name, value in in_order(kconf, requests).items())


def can_ask(kconf, name):
    sym = tree.find(kconf, name)
    return sym is not None and tree.prompt_condition(sym) is not None


def in_order(kconf, requests):
    """As Kconfig has them: menus before what is in them."""
    place = {tree.full(sym): index for index, sym in enumerate(kconf.unique_defined_syms)}
    return dict(sorted(requests.items(), key=lambda item: place.get(item[0], len(place))))


def fewest(kconf, requests, wanted, changed):
    syms = {name: tree.find(kconf, name) for name in requests}
    # The winner of a choice says what the others are.
    requests = {
        name: value
        for name, value in requests.items()
        if not (syms[name].choice and value == "n" and syms[name].choice.tri_value == 2)
    }
    # What --start has is on .config lines, so it counts as asked for.
    before = {name: tree.state(syms[name]) for name in requests}
    for name, value in requests.items():
        syms[name].set_value(plain(value))
    if len(requests) > MANY:
        return requests
    watched = [(sym, plain(wanted.get(name, "n"))) for name in changed if (sym := tree.find(kconf, name)) is not None]
    # Those that kconfiglib sees otherwise than conf does say nothing.
    watched = [(sym, value) for sym, value in watched if value_of(sym) == value]
    needed = dict(requests)
    for name in reversed(list(requests)):
        sym = syms[name]
        if sym.choice and sym.choice.type == BOOL:
            continue
        tree.restore(sym, before[name])
        if all(value_of(other) == value for other, value in watched):
            del needed[name]
        else:
            sym.set_value(plain(requests[name]))
    return needed


def value_of(sym):
    if sym.orig_type in (BOOL, TRISTATE):
        return sym.str_value
    # A .config leaves out what cannot be seen; "n" stands for that.
    return sym.str_value if sym.config_string else "n"


def plain(value):
    """As kconfiglib has it: without quotes and what they escape."""
    return kconfiglib.unescape(value[1:-1]) if value.startswith('"') else value
