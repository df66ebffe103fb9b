"""What the commands for people share: the file that gdb has open, the guest's memory, and breakpoints with a word on them."""

from __future__ import annotations

import gdb

from .image import Image, NotElf
from .symbols import Place, locations, notes

MAX_SHOWN = 12
#: The file that is open, read once.
_images: dict[str, Image] = {}


def image_of_session() -> Image:
    """The file that gdb has open. Raises gdb.GdbError."""
    path = gdb.current_progspace().filename
    if not path:
        raise gdb.GdbError("no vmlinux is open: file /path/to/vmlinux")
    if path not in _images:
        try:
            _images[path] = Image(path)
        except (OSError, NotElf) as error:
            raise gdb.GdbError(str(error)) from error
    return _images[path]


def is_connected() -> bool:
    """Whether there is a guest."""
    return any(thread.is_valid() for thread in gdb.selected_inferior().threads())


def read(address: int, size: int) -> bytes | None:
    """The guest's memory as it is mapped now."""
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.error:
        return None


def set_place(place: Place, condition: str, image: Image) -> None:
    """Sets breakpoints as a person would, and says whatever is not as it was asked. Raises gdb.error."""
    probes = [gdb.Breakpoint(spec, internal=True) for spec in place.specs]
    found = locations(place, probes)
    for probe in probes:
        probe.delete()
    # What is not mapped yet cannot be written to.
    unmapped = found and is_connected() and read(found[0].address, 1) is None
    kind = gdb.BP_HARDWARE_BREAKPOINT if unmapped else gdb.BP_BREAKPOINT
    for spec in place.specs:
        breakpoint = gdb.Breakpoint(spec, type=kind)
        if condition:
            breakpoint.condition = condition
    told = notes(place, found, image)
    if told:
        gdb.write(f"{told}\n")
    if len(found) > 1:
        for each in found[:MAX_SHOWN]:
            copy = f", inlined in {each.inlined_into}" if each.inlined_into else ""
            gdb.write(f"  {each.address:#x} {each.function} {each.file}:{each.line}{copy}\n")
        if len(found) > MAX_SHOWN:
            gdb.write(f"  and {len(found) - MAX_SHOWN} more\n")
