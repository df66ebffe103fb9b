"""Tells which of the named C files are compiled with a configuration, and why the others are not.

  objects.py --source /src --config /build/.config FILE...

Silent when all of them become objects of the kernel or of its modules. Exit code 64: at least one does not; what there
is to say about each stands on stderr.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import os
import re
import subprocess
import sys
from typing import NamedTuple

# The architecture's folder.
ARCH = "arch/" + os.environ.get("KDOCK_SOURCE_ARCH", "x86")

# Objects that Kbuild makes as any other, but that run before the kernel has the addresses it was linked for.
EARLY = (f"{ARCH}/boot/", f"{ARCH}/kernel/pi/", "drivers/firmware/efi/libstub/")

# Where the other files are for the build itself, for user space or for another kernel.
APART = (
    f"{ARCH}/entry/vdso/",
    f"{ARCH}/kernel/vdso/",
    f"{ARCH}/kernel/vdso32/",
    f"{ARCH}/purgatory/",
    f"{ARCH}/realmode/",
    f"{ARCH}/tools/",
    "scripts/",
    "tools/",
    "usr/",
)

# The top Makefile and the architecture's name folders, under words of their own before 6.1.
TOP = ("Makefile", "Kbuild", f"{ARCH}/Makefile", f"{ARCH}/Kbuild")

ASSIGNMENT = re.compile(r"^\s*([\w./-]+)-(y|m|objs|\$\((?:CONFIG_)?\w+\))\s*[:+?]?=\s*(.*)$")


class Mention(NamedTuple):
    """A line that makes something out of an object or a folder."""

    makefile: str
    # "obj", "core", or the name of a composite object.
    whole: str
    # The option that it depends on, or None.
    option: str | None


class Tree:
    def __init__(self, source, config):
        self.source = source
        self.config = os.path.abspath(config)
        with open(config, encoding="utf-8") as file:
            self.enabled = set(re.findall(r"^(CONFIG_\w+)=[ym]$", file.read(), re.MULTILINE))

    def exists(self, path):
        return os.path.isfile(os.path.join(self.source, path))

    def makefile(self, folder):
        """Kbuild goes before Makefile, as the kernel's own Makefiles have it."""
        paths = [os.path.join(folder, name) for name in ("Kbuild", "Makefile")]
        return next((path for path in paths if self.exists(path)), None)

    @functools.cache
    def members(self, folder):
        """What a folder's Makefile names with this configuration, relative to the folder."""
        makefile = self.makefile(folder)
        if makefile is None:
            return frozenset()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "objects.mk")
        words = [f"folder={folder}", f"makefile={makefile}", f"config={self.config}"]
        made = subprocess.run(
            ["make", "-s", "-r", "-C", self.source, "--no-print-directory", "-f", script, *words],
            capture_output=True, text=True, check=False,
        )
        lines = re.findall(r"^kdock-[ym] (.*)$", made.stdout, re.MULTILINE)
        return frozenset(os.path.normpath(word) + "/" * word.endswith("/") for line in lines for word in line.split())

    @functools.cache
    def assignments(self, makefile):
        """(name, y or option, words) of each line that adds something to something."""
        if not self.exists(makefile):
            return ()
        with open(os.path.join(self.source, makefile), encoding="utf-8", errors="replace") as file:
            text = re.sub(r"\\\n", " ", file.read())
        found = []
        for line in text.splitlines():
            if match := ASSIGNMENT.match(line.split("#")[0]):
                condition = re.sub(r"^\$\((?:CONFIG_)?(\w+)\)$", r"CONFIG_\1", match[2])
                found.append((match[1], condition, match[3].split()))
        return tuple(found)

    def mentions(self, makefile, word):
        for name, condition, words in self.assignments(makefile):
            if word in (os.path.normpath(each) + "/" * each.endswith("/") for each in words):
                yield Mention(makefile, name, condition if condition.startswith("CONFIG_") else None)

    def ancestors(self, path):
        folder = os.path.dirname(path.rstrip("/"))
        while folder:
            yield folder
            folder = os.path.dirname(folder)

    def is_compiled(self, object_path):
        return any(
            os.path.relpath(object_path, folder) in self.members(folder) and self.is_reached(folder)
            for folder in self.ancestors(object_path)
        )

    def is_reached(self, folder):
        """Whether Kbuild comes by. Folders that only the top Makefile decides about are believed unless it says no."""
        for above in self.ancestors(folder):
            if os.path.relpath(folder, above) + "/" in self.members(above):
                return self.is_reached(above)
        top = [mention for makefile in TOP for mention in self.mentions(makefile, folder + "/")]
        if top:
            return any(mention.option is None or mention.option in self.enabled for mention in top)
        return "/" not in folder or folder == ARCH

    def missing_option(self, word, folder):
        """(option, makefile) that keeps this object or folder out of the kernel, if a line says so."""
        for mention in self.mentions(self.makefile(folder) or "", word):
            if mention.option and mention.option not in self.enabled:
                return mention.option, mention.makefile
            if mention.whole not in ("obj", "lib") and word.endswith(".o"):
                if found := self.missing_option(mention.whole + ".o", folder):
                    return found
        return None

    def why_not(self, object_path):
        for folder in self.ancestors(object_path):
            if found := self.missing_option(os.path.relpath(object_path, folder), folder):
                return found
        for folder in self.ancestors(object_path):
            for above in self.ancestors(folder):
                if found := self.missing_option(os.path.relpath(folder, above) + "/", above):
                    return found
            for makefile in TOP:
                for mention in self.mentions(makefile, folder + "/"):
                    if mention.option and mention.option not in self.enabled:
                        return mention.option, makefile
        return None

    def including(self, path):
        """The C files that include this one, and are compiled."""
        name = os.path.basename(path)
        grep = ["grep", "-rlE", "--include=*.c", rf'^\s*#\s*include\s*["<]([^">]*/)?{re.escape(name)}[">]', "."]
        found = subprocess.run(grep, cwd=self.source, capture_output=True, text=True, check=False).stdout.splitlines()
        for includer in sorted(os.path.normpath(each) for each in found):
            if self.includes(includer, path) and self.is_compiled(as_object(includer)):
                yield includer

    def includes(self, includer, path):
        with open(os.path.join(self.source, includer), encoding="utf-8", errors="replace") as file:
            names = re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', file.read(), re.MULTILINE)
        folder = os.path.dirname(includer)
        return any(path in (os.path.normpath(os.path.join(folder, name)), os.path.normpath(name)) for name in names)

    def near(self, path):
        """Files that may have been meant: of the same name elsewhere first, then of a like name nearby."""
        listed = subprocess.run(
            ["find", ".", "-name", "*.c", "-printf", "%P\n"], cwd=self.source, capture_output=True, text=True, check=False
        ).stdout.split()
        same = [each for each in sorted(listed) if os.path.basename(each) == os.path.basename(path)]
        beside = [each for each in listed if os.path.dirname(each) == os.path.dirname(path)]
        for candidates in (same, beside, listed):
            if found := difflib.get_close_matches(path, candidates, n=3, cutoff=0.5):
                return found
        return []


def as_object(path):
    return path[: -len(".c")] + ".o"


def finding(tree, path):
    """Why this file cannot be compiled in another way, or None."""
    if not tree.exists(path):
        near = tree.near(path)
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"{path}: this kernel's source has no such file{advice}"
    if tree.is_compiled(as_object(path)) and not path.startswith(EARLY):
        return None
    if path.startswith(EARLY + APART):
        return f"{path}: it is no part of the running kernel: it runs before it, in user space, or while it is built"
    if missing := tree.why_not(as_object(path)):
        return f"{path}: this configuration leaves it out: it needs {missing[0]} ({missing[1]})"
    if includers := list(tree.including(path)):
        return f"{path}: it is not compiled by itself: {' and '.join(includers)} includes it; name that file instead"
    return f"{path}: this configuration does not compile it"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("file", nargs="+")
    args = parser.parse_args()
    tree = Tree(args.source, args.config)
    findings = [text for path in args.file if (text := finding(tree, path))]
    if findings:
        print("error: kernel.deoptimize names what it cannot apply to:", file=sys.stderr)
        for text in findings:
            print(f"  {text}", file=sys.stderr)
        sys.exit(64)


main()
