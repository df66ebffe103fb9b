"""The report: one JSON object per differing file."""

from __future__ import annotations

import json
import mmap
import os
import sys
from pathlib import Path

from .bytes_diff import Buffer
from .causes import judge
from .compare import compare
from .culprits import add_culprits
from .model import Finding
from .run_diffoscope import Budget, diffoscope
from .tree import TreeDifference, compare_trees

#: What is made of objects, so that object trees tell about it.
LINKED = ("vmlinux", "bzImage", "System.map", "busybox", "busybox_unstripped", "Image", "kdock-agent")
MODULES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


def main(files: list[str]) -> int:
    """Exit code 0 when every file was reported about, 64 for a wrong command line."""
    if not files:
        print("usage: explain.py FILE... (relative to /a and /b)", file=sys.stderr)
        return 64
    try:
        budget = Budget(float(os.environ.get("KDOCK_DIFFOSCOPE_SECONDS") or 120))
    except ValueError:
        print("KDOCK_DIFFOSCOPE_SECONDS is not a number", file=sys.stderr)
        return 64
    root = Path(os.environ.get("KDOCK_EXPLAIN_ROOT") or "/")
    trees = _trees(root)
    for file in files:
        # Told at once, because the next one may take long.
        print(json.dumps(_explain(file, files, root, trees, budget), ensure_ascii=False), flush=True)
    return 0


def _trees(root: Path) -> TreeDifference | None:
    first, second = root / "a-build", root / "b-build"
    if not all(path.is_dir() and any(path.iterdir()) for path in (first, second)):
        return None
    try:
        return compare_trees(first, second)
    except (OSError, UnicodeError) as error:
        print(f"the object trees cannot be compared: {error}", file=sys.stderr)
        return None


def _explain(
    file: str, files: list[str], root: Path, trees: TreeDifference | None, budget: Budget
) -> dict[str, object]:
    finding = Finding()
    told = ""
    try:
        paths = _inside(root / "a", file), _inside(root / "b", file)
        if _are_files(finding, *paths):
            others = [name for name in files if name != file and name.rsplit("/", 1)[-1] == "vmlinux"]
            with _mapped(paths[0]) as first, _mapped(paths[1]) as second:
                finding = compare(first, second, (str(paths[0]), str(paths[1])), bool(others))
            name = file.rsplit("/", 1)[-1]
            if trees and (name in LINKED or name.endswith(MODULES)):
                add_culprits(finding, file, trees, root)
            _add_plugins(finding, root)
            told = diffoscope(budget, finding, *paths, root)
    # Whatever a hostile file makes of a parser, the next file is told about.
    except Exception as error:  # noqa: BLE001
        finding.add("offset", "not looked into", f"{type(error).__name__}: {error}")
    return {
        "file": file,
        "where": [place.json() for place in finding.where],
        "cause": judge(finding),
        "culprits": finding.culprits,
        "diffoscope": told or "not run: there are no two files to compare",
    }


def _inside(folder: Path, file: str) -> Path:
    """A path below a folder, no link on the way. Raises ValueError."""
    path = folder
    parts = Path(file).parts
    if not parts or os.path.isabs(file) or ".." in parts:
        raise ValueError(f"{file!r} is not a path inside the artifacts")
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink():
            raise ValueError(f"{path} is a link")
    return path / parts[-1]


def _are_files(finding: Finding, first: Path, second: Path) -> bool:
    """True for two regular files; else what differs about them is said."""
    kinds = [_kind(path) for path in (first, second)]
    if kinds[0] == kinds[1] == "a file":
        return True
    if kinds[0] == kinds[1] == "a link":
        targets = os.readlink(first), os.readlink(second)
        finding.add("offset", "link", f"{targets[0]} ≠ {targets[1]}")
        finding.pair(*targets)
    else:
        finding.add("offset", "whole file", f"{kinds[0]} in the first build, {kinds[1]} in the second")
    return False


def _kind(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    return "a file" if path.is_file() else "a folder" if path.is_dir() else "missing"


class _mapped:
    """A file's bytes without reading them all at once."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> Buffer:
        with open(self._path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            # Not closed explicitly: parts of it may still be referred to.
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def __exit__(self, *_: object) -> None:
        pass


def _add_plugins(finding: Finding, root: Path) -> None:
    """Compiler plugins leave no text behind: the configuration tells that they were at work."""
    path = root / "a" / "config"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 4 << 20:
        return
    code = any(place.kind == "elf-section" and ".text" in place.name for place in finding.where)
    config = path.read_text("utf-8", "replace") if code and not finding.causes else ""
    if "CONFIG_GCC_PLUGIN_LATENT_ENTROPY=y" in config:
        finding.causes["latent-entropy"] = ""
    elif "CONFIG_RANDSTRUCT=y" in config or "CONFIG_GCC_PLUGIN_RANDSTRUCT=y" in config:
        finding.causes["randstruct"] = "CONFIG_RANDSTRUCT"
