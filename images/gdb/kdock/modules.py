"""Finds the module of a function, and the modules that the guest has loaded."""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator

import gdb

from .image import SHF_ALLOC, Image, NotElf
from .line_table import is_path
from .names import Spec

MAX_MODULES = 4096
MODULE_STATE_LIVE = 0
#: Prefix of sections that are freed once a module is live.
INIT = ".init"
BUILD_ID = ".note.gnu.build-id"


def module_name(path: str) -> str:
    """The name in lsmod: snd-hda-intel.ko is snd_hda_intel."""
    return os.path.basename(path).removesuffix(".ko").replace("-", "_")


def module_files(folder: str) -> list[str]:
    """Every module below a kernel's folder, sorted, and the out-of-tree modules in KDOCK_MODULES."""
    others = [each for each in os.environ.get("KDOCK_MODULES", "").split(":") if each]
    return [
        path
        for each in (folder, *others)
        for path in sorted(
            os.path.join(base, name) for base, _, names in os.walk(each) for name in names if name.endswith(".ko")
        )
    ]


def find_in_modules(spec: Spec, files: list[str]) -> str | None:
    """The first module that contains the function, or code from the source file."""
    source = (spec.file or "").rpartition("/")[2]
    wanted = (spec.function or source).encode() + b"\0"
    # Searching for the name is faster than reading thousands of symbol tables. Compressed debug information may hide a source file.
    named = [path for path in files if _contains(path, wanted)]
    found = next((path for path in named if _has_place(path, spec)), None)
    if found is not None or spec.function is not None:
        return found
    return next((path for path in files if path not in named and _has_place(path, spec)), None)


def _contains(path: str, wanted: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return wanted in file.read()
    except OSError:
        return False


def _has_place(path: str, spec: Spec) -> bool:
    try:
        image = Image(path)
        if spec.function is not None and spec.function not in image.functions:
            return False
        # Without debug information a function's file is unknown, and any file matches.
        known = image.source_files if spec.file else set()
        return any(is_path(each, spec.file) for each in known) if known or spec.function is None else True
    except (OSError, NotElf):
        return False


def loaded_modules() -> dict[str, gdb.Value]:
    """The guest's struct modules by name; the guest must be stopped."""
    found: dict[str, gdb.Value] = {}
    with_errors = _walk()
    try:
        for module in with_errors:
            found[module["name"].string()] = module
    except gdb.error:
        pass  # The list is being modified, or the kernel has no modules.
    return found


def _walk() -> Iterator[gdb.Value]:
    head = gdb.parse_and_eval("&modules")
    kind = gdb.lookup_type("struct module")
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == "list")
    entry = head["next"]
    for _ in range(MAX_MODULES):
        if entry == head:
            return
        yield (entry.cast(gdb.lookup_type("unsigned long")) - offset).cast(kind.pointer()).dereference()
        entry = entry["next"]


def file_of(module: gdb.Value, paths: list[str]) -> str | None:
    """Of several files of the same name, the one that the guest has loaded, by build id; else the last."""
    if len(paths) < 2:
        return next(iter(paths), None)
    address = _sections(module).get(BUILD_ID)
    for path in reversed(paths) if address else ():
        try:
            image = Image(path)
            section = next(each for each in image.sections if each.name == BUILD_ID)
            seen = gdb.selected_inferior().read_memory(address, section.size).tobytes()
        except (OSError, NotElf, StopIteration, gdb.error):
            continue
        if seen == image.bytes_of(section):
            return path
    return paths[-1]


def add_symbols(path: str, module: gdb.Value) -> int:
    """Adds a module's symbols at the guest's section addresses; returns the start of its code."""
    image = Image(path)
    loaded = {each.name for each in image.sections if each.flags & SHF_ALLOC}
    content = image.without_addresses()
    if content is not None:
        with tempfile.NamedTemporaryFile(prefix=f"{module_name(path)}-", suffix=".ko", delete=False) as file:
            file.write(content)
        # gdb may read the file until it exits.
        atexit.register(os.unlink, file.name)
        path = file.name
    sections = _sections(module)
    text = sections.pop(".text", None) or int(_base(module))
    # gdb assumes address 0 for a section that is left out, and shows its data wrong.
    placed = sorted(name for name in sections.keys() & loaded if not (is_live(module) and name.startswith(INIT)))
    rest = "".join(f" -s {name} {sections[name]:#x}" for name in placed)
    gdb.execute(f"add-symbol-file {path} {text:#x}{rest}", to_string=True)
    return text


def _sections(module: gdb.Value) -> dict[str, int]:
    """The guest's section addresses by name."""
    sections: dict[str, int] = {}
    try:
        attributes = module["sect_attrs"]
        for index in range(int(attributes["nsections"])):
            entry = attributes["attrs"][index]
            sections[entry["battr"]["attr"]["name"].string()] = int(entry["address"])
    except gdb.error:
        pass  # Other fields before 5.8 and since 6.14, or none: the code's address is enough for stops.
    return sections


def is_live(module: gdb.Value) -> bool:
    """Whether the init sections have been freed; another module may use their memory."""
    return int(module["state"]) == MODULE_STATE_LIVE


def _base(module: gdb.Value) -> gdb.Value:
    """The start of the code; the field was moved in 6.4 and in 4.5."""
    if _has(module, "mem"):
        return module["mem"][0]["base"]
    if _has(module, "core_layout"):
        return module["core_layout"]["base"]
    return module["module_core"]


def _has(value: gdb.Value, name: str) -> bool:
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR:
        kind = kind.target().strip_typedefs()
    return any(field.name == name for field in kind.fields())
