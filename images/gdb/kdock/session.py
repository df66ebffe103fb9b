"""Shared by the interactive commands: the open vmlinux, the guest's memory, and breakpoints with notes."""

from __future__ import annotations

import os

import gdb

from .image import Image, NotElf
from .module_symbols import LOADER, ModuleSymbols
from .modules import find_in_modules, module_name
from .names import BadSpec, parse_spec
from .symbols import Place, Resolver, locations, notes

MAX_SHOWN = 12
#: Opened files, by path.
_images: dict[str, Image] = {}
_modules: dict[str, ModuleSymbols] = {}


def image_of_session() -> Image:
    """The vmlinux that gdb has open. Raises gdb.GdbError."""
    path = gdb.current_progspace().filename
    if not path:
        raise gdb.GdbError("no vmlinux is open: file /path/to/vmlinux")
    if path not in _images:
        try:
            _images[path] = Image(path)
        except (OSError, NotElf) as error:
            raise gdb.GdbError(str(error)) from error
    return _images[path]


def modules_of_session() -> ModuleSymbols:
    """The module symbols of the open vmlinux."""
    path = image_of_session().path
    if path not in _modules:
        _modules[path] = ModuleSymbols(os.path.join(os.path.dirname(path), "modules"))
    return _modules[path]


def is_connected() -> bool:
    """Whether gdb is connected to a guest."""
    return any(thread.is_valid() for thread in gdb.selected_inferior().threads())


def read(address: int, size: int) -> bytes | None:
    """The guest's memory; None if it is not mapped."""
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.error:
        return None


def kind_for(address: int | None) -> int:
    """The kind of a breakpoint at an address: unmapped memory needs a hardware one."""
    unmapped = address is not None and is_connected() and read(address, 1) is None
    return gdb.BP_HARDWARE_BREAKPOINT if unmapped else gdb.BP_BREAKPOINT


def module_with(asked: str) -> str | None:
    """The .ko that contains a place; None if no module does."""
    try:
        spec = parse_spec(asked)
    except BadSpec:
        return None
    return None if spec.expression else find_in_modules(spec, [path for paths in modules_of_session().files.values() for path in paths])


def set_in_module(path: str, asked: str, condition: str) -> None:
    """Sets a breakpoint in a module, pending if it is not loaded. Raises UnknownPlace and gdb.error."""
    symbols = modules_of_session()
    follow_modules(symbols)
    name = module_name(path)
    if symbols.code_of(name) is not None:
        set_place(Resolver(Image(path)).resolve(asked), condition, image_of_session())
        return
    breakpoint = gdb.Breakpoint(asked)
    if condition:
        breakpoint.condition = condition
    gdb.write(f"{asked} is in the module {name}, which is not loaded yet: the breakpoint is set when it is\n")


def follow_modules(symbols: ModuleSymbols) -> list[str]:
    """Reads the symbols of all modules, now and when others are loaded later. Returns the names of new ones."""
    found = image_of_session().address_of(LOADER)
    new = symbols.refresh() if is_connected() else []
    symbols.follow(kind_for(found))
    return new


def set_place(place: Place, condition: str, image: Image) -> None:
    """Sets breakpoints, and prints how they differ from what was asked. Raises gdb.error."""
    probes = [gdb.Breakpoint(spec, internal=True) for spec in place.specs]
    found = locations(place, probes)
    for probe in probes:
        probe.delete()
    kind = kind_for(found[0].address if found else None)
    for spec in place.specs:
        breakpoint = gdb.Breakpoint(spec, type=kind)
        if condition:
            breakpoint.condition = condition
    note = notes(place, found, image)
    if note:
        gdb.write(f"{note}\n")
    if len(found) > 1:
        for each in found[:MAX_SHOWN]:
            copy = f", inlined in {each.inlined_into}" if each.inlined_into else ""
            gdb.write(f"  {each.address:#x} {each.function} {each.file}:{each.line}{copy}\n")
        if len(found) > MAX_SHOWN:
            gdb.write(f"  and {len(found) - MAX_SHOWN} more\n")
