"""Names the objects and generated files that are at the root of a difference."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .compare import compare
from .model import MAX_CULPRITS, Finding
from .tree import ObjectDifference, TreeDifference

MACROS = re.compile(r"__(?:DATE|TIME|TIMESTAMP)__")
#: How many are looked into; of the others only the name is told.
DETAILED = 10
MAX_READ = 256 << 20
#: Causes that a name alone gives away.
BY_NAME = (
    (re.compile(r"randstruct|randomize_layout"), "randstruct"),
    (re.compile(r"^certs/(signing_key|system_certificates|x509)"), "signing-key"),
    (re.compile(r"^kernel/kheaders"), "kheaders"),
    (re.compile(r"^usr/initramfs"), "initramfs"),
)


def add_culprits(finding: Finding, file: str, trees: TreeDifference, root: Path) -> None:
    """Adds what the object trees tell about one artifact."""
    objects = trees.concerning(file)
    involved = {name for one in objects for name in one.through}
    # Headers that every object includes come first; a generated file that no object includes may still tell something.
    roots = [name for name in trees.generated if name in involved or any(rule.search(name) for rule, _ in BY_NAME)]
    named = [*roots, *(one.path for one in objects)]
    if not named:
        return
    part = Finding()
    for name in roots[:DETAILED]:
        _look_into(part, name, name, root, None)
    for one in objects[:DETAILED]:
        if one.only:
            part.add("elf-section", one.path, f"only the {one.only} build has this object")
        else:
            _look_into(part, one.path, one.path, root, one)
    for rule, cause in BY_NAME:
        hit = next((name for name in named if rule.search(name)), None)
        if hit:
            part.causes[cause] = hit
    if len(named) > DETAILED:
        part.add("elf-section", "objects", f"{len(objects)} objects and {len(roots)} generated files differ in all")
    own = Finding(list(finding.where), finding.pairs, finding.causes, [], finding.extracts)
    finding.where, finding.culprits = [], named[:MAX_CULPRITS]
    finding.take(part)
    finding.take(own)


def _look_into(part: Finding, name: str, path: str, root: Path, one: ObjectDifference | None) -> None:
    contents = [read_bounded(root / tree / path) for tree in ("a-build", "b-build")]
    if contents[0] is None or contents[1] is None:
        return
    inner = compare(contents[0], contents[1])
    about = _about_source(part, one, root) if one else ""
    for place in inner.where[:2]:
        part.add(place.kind, f"{name}: {place.name}", place.detail + about)
    for first, second in inner.pairs:
        part.pair(first, second)
    for key, detail in inner.causes.items():
        if key not in ("debug-info", "build-id"):
            part.causes.setdefault(key, detail)


def _about_source(part: Finding, one: ObjectDifference, root: Path) -> str:
    """"; from drivers/x.c, line 12 uses __DATE__"."""
    if one.through:
        return f"; through {', '.join(one.through[:3])}"
    names = [one.source] if one.source else [re.sub(r"o$", end, one.path) for end in ("c", "S")]
    for name in names:
        for tree in ("src", "a-build"):
            path = root / tree / name
            inside = os.path.realpath(path).startswith(os.path.realpath(root / tree) + "/")
            content = read_bounded(path) if inside else None
            if content is None:
                continue
            for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
                used = MACROS.search(line)
                if used:
                    part.causes.setdefault("date-macro", f"{name}, line {number}, uses {used[0]}")
                    return f"; {name} uses {used[0]} in line {number}"
            return f"; from {name}"
    return ""


def read_bounded(path: Path) -> bytes | None:
    """A regular file's content; None when it is none, too long or not readable."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_READ:
            return None
        return path.read_bytes()
    except OSError:
        return None
