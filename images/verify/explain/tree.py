"""Compares two object trees: which object is the first that differs, and what it is made from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

#: Generated sources; when one differs, objects that include it are not the root.
GENERATED = (".c", ".h", ".S", ".inc", ".lds", ".seed", ".pem", ".x509", ".der", ".gz", ".xz", ".cpio")
#: Made of other objects only, or of the whole kernel.
DERIVED = re.compile(r"(^|/)(vmlinux(\.\w+)?\.o|vmlinux\.bin(\.\w+)?|piggy\.(o|S)|\.[^/]*|built-in\.o|[^/]*\.mod\.c|kallsyms\.\w+|export\.o)$")
LINKED = re.compile(r"^(saved)?cmd_\S+ := .*\b(ld|ld\.lld(-\d+)?|ld\.bfd)\s[^;]*\s-r\s", re.MULTILINE)
MAX_TREE = 400_000


@dataclass(frozen=True)
class ObjectDifference:
    """An object file that differs, or that only one tree has (`only`: "first" or "second")."""

    path: str
    only: str | None
    source: str | None
    #: Differing generated files that it is made from.
    through: tuple[str, ...]


@dataclass
class TreeDifference:
    """What differs between two object trees, roots first."""

    generated: list[str] = field(default_factory=list)
    objects: list[ObjectDifference] = field(default_factory=list)
    #: For each module "fs/ext4/ext4.ko" the objects that it is linked from.
    modules: dict[str, set[str]] = field(default_factory=dict)

    def concerning(self, file: str) -> list[ObjectDifference]:
        """Of a module its own objects; of everything else those that belong to no module."""
        for module, parts in self.modules.items():
            if file.removesuffix(".xz").removesuffix(".zst").removesuffix(".gz").endswith("/" + module):
                return [one for one in self.objects if one.path in parts]
        elsewhere: set[str] = set().union(*self.modules.values())
        return [one for one in self.objects if one.path not in elsewhere]


def compare_trees(first: Path, second: Path) -> TreeDifference:
    """Reads both trees once, two files at a time."""
    one, two = dict(_files(first)), dict(_files(second))
    common = [path for path in one if path in two]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        unlike = pool.map(lambda path: one[path] != two[path] or _hash(first / path) != _hash(second / path), common)
        differing = {path for path, is_unlike in zip(common, unlike, strict=True) if is_unlike}
    only = {path: "first" for path in one.keys() - two.keys()} | {path: "second" for path in two.keys() - one.keys()}

    result = TreeDifference()
    result.generated = sorted(path for path in differing if not path.endswith(".o"))
    generated = set(result.generated)
    for path in sorted(path for path in differing | only.keys() if path.endswith(".o")):
        tree = second if only.get(path) == "second" else first
        command = _command(tree, path)
        if LINKED.search(command):
            continue
        made_from = _made_from(command)
        through = tuple(name for name in made_from if name in generated)
        source = made_from[0] if made_from else None
        result.objects.append(ObjectDifference(path, only.get(path), source, through))
    result.objects.sort(key=lambda one: bool(one.through))
    result.modules = dict(_modules(first)) | dict(_modules(second))
    return result


def _walk(tree: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Regular files below a folder; links are not followed."""
    folders = [str(tree)]
    seen = 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and seen < MAX_TREE:
                    seen += 1
                    yield os.path.relpath(entry.path, tree), entry


def _files(tree: Path) -> Iterator[tuple[str, int]]:
    """Objects and generated sources with their sizes."""
    for path, entry in _walk(tree):
        wanted = path.endswith((".o", *GENERATED)) and not path.startswith((".kdock/", "tools/"))
        if wanted and not DERIVED.search(path):
            yield path, entry.stat(follow_symlinks=False).st_size


def _hash(path: Path) -> bytes:
    digest = sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _command(tree: Path, path: str) -> str:
    """What Kbuild wrote down about how an object was made."""
    note = tree / os.path.dirname(path) / f".{os.path.basename(path)}.cmd"
    try:
        return note.read_text("utf-8", "replace")[: 1 << 20] if not note.is_symlink() else ""
    except OSError:
        return ""


def _made_from(command: str) -> list[str]:
    """The source and all headers of an object, relative to the source or the object tree, the source first."""
    source = re.search(r"^source_\S+ := (\S+)", command, re.MULTILINE)
    listed = re.findall(r"^  (?!\$)(\S+?)(?: \\)?$", command, re.MULTILINE)
    names = ([source[1]] if source else []) + listed
    return [re.sub(r"^(?:/src/|/build/|\./)+", "", name) for name in names]


def _modules(tree: Path) -> Iterator[tuple[str, set[str]]]:
    for path, entry in _walk(tree):
        if path.endswith(".mod") and entry.stat(follow_symlinks=False).st_size < 1 << 20:
            parts = set(Path(entry.path).read_text("utf-8", "replace").split())
            yield f"{path[:-4]}.ko", parts | {f"{path}.o"}
