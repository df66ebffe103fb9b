"""Runs diffoscope within bounds: not on what takes it very long, and no longer than it may."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .model import Finding

#: It disassembles ELF files and prints all their debug information: two minutes for a vmlinux of 15 MB without any.
MAX_ELF = 3 << 20
MAX_FILE = 64 << 20
MAX_LINES = 60


@dataclass
class Budget:
    """Seconds left for all files together."""

    seconds: float

    def run(self, first: Path, second: Path) -> str:
        """The first lines of diffoscope's report, or why there is none."""
        if self.seconds < 1:
            return "not run: KDOCK_DIFFOSCOPE_SECONDS is 0 or used up"
        command = ["diffoscope", "--text", "-", "--no-progress", "--max-text-report-size", "100000"]
        command += ["--max-diff-block-lines", "40", "--exclude-directory-metadata", "yes", str(first), str(second)]
        started = time.monotonic()
        try:
            # A group of its own, because it starts readelf, objdump and others.
            program = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            return f"not run: {error}"
        try:
            told, _ = program.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
            return f"stopped after {self.seconds:.0f} s (KDOCK_DIFFOSCOPE_SECONDS)"
        finally:
            self.seconds -= time.monotonic() - started
        lines = told.decode("utf-8", "replace").splitlines()
        if not lines:
            return "found no difference" if program.returncode == 0 else f"failed with exit code {program.returncode}"
        more = [f"… {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
        return "\n".join([line[:240] for line in lines[:MAX_LINES]] + more)


def diffoscope(budget: Budget, finding: Finding, first: Path, second: Path, root: Path) -> str:
    """On the files themselves; where they are too big, on the first culprit or on a differing section."""
    if "follows-vmlinux" in finding.causes:
        return "not run: vmlinux is what to look at"
    size = max(first.stat().st_size, second.stat().st_size)
    with open(first, "rb") as file:
        limit = MAX_ELF if file.read(4) == b"\x7fELF" else MAX_FILE
    if size <= limit:
        return budget.run(first, second)
    for name in finding.culprits:
        objects = root / "a-build" / name, root / "b-build" / name
        if all(path.is_file() and not path.is_symlink() and path.stat().st_size < MAX_ELF for path in objects):
            return f"not run on {size} bytes; on {name}:\n{budget.run(*objects)}"
    for name, one, two in finding.extracts[:1]:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "a"), Path(folder, "b")
            for path, content in zip(files, (one, two), strict=True):
                path.write_bytes(content)
            return f"not run on {size} bytes; on the section {name}:\n{budget.run(*files)}"
    return f"not run: {size} bytes are too many"
