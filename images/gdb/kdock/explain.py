"""Explains why a stop was not hit, by the strongest reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """The state of a stop without a hit."""

    name: str
    #: The stop is a function, not a line or an address.
    function: bool
    #: Addresses with a breakpoint, and how many of them are inlined copies.
    locations: int
    inlined: int
    seconds: float
    #: How often the guest reached the stop, and the condition that was false or failed.
    reached: int = 0
    condition: str | None = None
    condition_error: str | None = None
    #: All locations are in __init code, which the kernel has freed.
    init_freed: bool = False
    #: The module that contains the stop, if it is not loaded.
    module: str | None = None
    #: Addresses whose instruction differs between memory and file.
    patched: tuple[int, ...] = ()
    #: A sentence about the name that most callers use instead.
    successor: str | None = None
    #: The guest ended, or the user interrupted, before the timeout.
    ended_early: bool = False


def why(facts: Facts) -> str:
    """One sentence for the user, with a fix if there is one."""
    if facts.module:
        return f"{facts.name} is in the module {facts.module}, which is not loaded: modprobe {facts.module} in the guest first"
    if facts.init_freed:
        return (
            f"{facts.name} is boot code (__init), which the kernel has freed: "
            "trap it during the boot with `kdock trap --boot`"
        )
    if facts.reached:
        times = "once" if facts.reached == 1 else f"{facts.reached} times"
        if facts.condition_error:
            return f"{facts.name} was reached {times}, but the condition '{facts.condition}' could not be evaluated: {facts.condition_error}"
        return f"{facts.name} was reached {times}, but '{facts.condition}' was never true"
    if len(facts.patched) == facts.locations > 0:
        return (
            f"the running kernel has other instructions at {facts.patched[0]:#x} than the file: it was patched at run time "
            "(alternatives, static keys), and this code may be disabled"
        )
    during = "before the trap ended" if facts.ended_early else f"in {facts.seconds:g} s"
    if facts.inlined == facts.locations > 0:
        copies = "its one inlined copy" if facts.inlined == 1 else f"any of its {facts.inlined} inlined copies"
        text = f"{facts.name} exists only inlined, and the guest did not reach {copies} {during}"
    elif facts.function:
        text = f"nothing called {facts.name} {during}"
    else:
        text = f"the guest did not reach {facts.name} {during}"
    return f"{text}; {facts.successor}" if facts.successor else text
