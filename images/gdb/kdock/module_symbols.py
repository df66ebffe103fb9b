"""The symbols of the guest's modules in a session: those that are loaded, and those that it loads during the session."""

from __future__ import annotations

from dataclasses import dataclass

import gdb

from .modules import add_symbols, file_of, is_live, loaded_modules, module_files, module_name

#: Where a module is complete and has run nothing of its own yet.
LOADER = "do_init_module"


@dataclass(frozen=True)
class Known:
    """What gdb was told of a module."""

    #: Of its struct, by which a module that came back is told apart.
    address: int
    code: int
    #: Without its init sections.
    live: bool


class _Loader(gdb.Breakpoint):
    """Never stops the guest for longer than it takes to read symbols."""

    def __init__(self, symbols: ModuleSymbols, kind: int) -> None:
        super().__init__(LOADER, type=kind, internal=True)
        self.silent = True
        self._symbols = symbols

    def stop(self) -> bool:
        """Asked by gdb each time the guest comes by."""
        self._symbols.refresh()
        return False


class ModuleSymbols:
    """Of the modules in one folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        #: By name; two folders may have built modules of one name.
        self.files = self._find()
        self._known: dict[str, Known] = {}
        self._loader: _Loader | None = None

    def _find(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in module_files(self._folder):
            found.setdefault(module_name(path), []).append(path)
        return found

    def refresh(self) -> list[str]:
        """Brings gdb up to date; the guest must stand still. Returns the modules that are new to it, by name."""
        loaded = loaded_modules()
        # One that was built since gdb began.
        if loaded.keys() - self.files.keys():
            self.files = self._find()
        for name in self._known.keys() - loaded.keys():
            self._forget(name)
        new = []
        for name, module in loaded.items():
            address, live = int(module.address or 0), is_live(module)
            known = self._known.get(name)
            if known and known.address == address and known.live == live:
                continue
            path = file_of(module, self.files.get(name, []))
            if path is None:
                continue
            if known:
                self._forget(name)
            else:
                new.append(name)
            self._known[name] = Known(address, add_symbols(path, module), live)
        return new

    def follow(self, kind: int) -> None:
        """From now on also those that are loaded later, by a breakpoint of this kind."""
        if self._loader is None or not self._loader.is_valid():
            self._loader = _Loader(self, kind)

    def code_of(self, name: str) -> int | None:
        """Where a module's code begins; None for one that is not loaded."""
        known = self._known.get(name)
        return known.code if known else None

    def _forget(self, name: str) -> None:
        known = self._known.pop(name)
        try:
            gdb.execute(f"remove-symbol-file -a {known.code:#x}", to_string=True)
        except gdb.error:
            pass  # The user has removed it.
