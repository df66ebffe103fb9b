"""Why a stop was not hit. Pure: from what is known to one sentence, the strongest reason first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """What was seen of one stop that gave no hit."""

    name: str
    #: A function is called; a line or an address is come by.
    function: bool
    #: How many addresses were watched, and how many of them are inlined copies.
    locations: int
    inlined: int
    seconds: float
    #: How often the guest came by, and what then kept it from being a hit.
    reached: int = 0
    condition: str | None = None
    condition_error: str | None = None
    #: All of it is code that is thrown away once the kernel has booted, and that has happened.
    init_gone: bool = False
    #: The module that has it, where that is not loaded.
    module: str | None = None
    #: Addresses whose instruction in memory is another one than in the file.
    patched: tuple[int, ...] = ()
    #: The name that most callers use, where it is another one, and the sentence for it.
    successor: str | None = None
    #: The guest ended, or the user interrupted, before the time was over.
    cut_short: bool = False


def why(facts: Facts) -> str:
    """One sentence for the user, with what to do where something can be done."""
    if facts.module:
        return f"{facts.name} is in the module {facts.module}, which is not loaded: modprobe {facts.module} in the guest first"
    if facts.init_gone:
        return (
            f"{facts.name} is code of the boot (__init), which has been run and thrown away: "
            "trap it from the first instruction on: `kdock trap --boot`"
        )
    if facts.reached:
        times = "once" if facts.reached == 1 else f"{facts.reached} times"
        if facts.condition_error:
            return f"{facts.name} was reached {times}, but the condition '{facts.condition}' could not be evaluated: {facts.condition_error}"
        return f"{facts.name} was reached {times}, but '{facts.condition}' was never true"
    if len(facts.patched) == facts.locations > 0:
        return (
            f"the running kernel has other instructions at {facts.patched[0]:#x} than the file: it patches itself "
            "(alternatives, static keys), and this code may be switched off"
        )
    during = "before it was given up" if facts.cut_short else f"in {facts.seconds:g} s"
    if facts.inlined == facts.locations > 0:
        copies = "its one inlined copy" if facts.inlined == 1 else f"any of its {facts.inlined} inlined copies"
        said = f"{facts.name} has no body of its own, and the guest did not come by {copies} {during}"
    elif facts.function:
        said = f"nothing called {facts.name} {during}"
    else:
        said = f"the guest did not come by {facts.name} {during}"
    return f"{said}; {facts.successor}" if facts.successor else said
