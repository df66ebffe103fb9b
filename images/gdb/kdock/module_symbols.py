"""Keeps gdb's symbols of the guest's modules up to date during a session."""

from __future__ import annotations

from dataclasses import dataclass

import gdb

from .modules import add_symbols, file_of, is_live, loaded_modules, module_files, module_name

#: At its entry a module is complete and has not run any code.
LOADER = "do_init_module"


@dataclass(frozen=True)
class Known:
    """A module whose symbols gdb has read."""

    #: The address of its struct module, which changes when it is loaded again.
    address: int
    code: int
    #: Its init sections have been freed.
    live: bool


class _Loader(gdb.Breakpoint):
    """Reads symbols when the guest loads a module, and continues."""

    def __init__(self, symbols: ModuleSymbols, kind: int) -> None:
        super().__init__(LOADER, type=kind, internal=True)
        self.silent = True
        self._symbols = symbols

    def stop(self) -> bool:
        """Called by gdb on each hit."""
        self._symbols.refresh()
        return False


class ModuleSymbols:
    """The symbols of the modules in one folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        #: By name; two folders may have modules of the same name.
        self.files = self._find()
        self._known: dict[str, Known] = {}
        self._loader: _Loader | None = None

    def _find(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in module_files(self._folder):
            found.setdefault(module_name(path), []).append(path)
        return found

    def refresh(self) -> list[str]:
        """Adds and removes symbols; the guest must be stopped. Returns the names of new modules."""
        loaded = loaded_modules()
        # A module may have been built since the files were listed.
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
        """Also follows modules that are loaded later, with a breakpoint of this kind."""
        if self._loader is None or not self._loader.is_valid():
            self._loader = _Loader(self, kind)

    def code_of(self, name: str) -> int | None:
        """The start of a module's code; None if it is not loaded."""
        known = self._known.get(name)
        return known.code if known else None

    def _forget(self, name: str) -> None:
        known = self._known.pop(name)
        try:
            gdb.execute(f"remove-symbol-file -a {known.code:#x}", to_string=True)
        except gdb.error:
            pass  # The user has removed it.
