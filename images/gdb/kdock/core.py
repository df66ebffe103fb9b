"""Stores a dump of a kernel's memory, for drgn and crash, and reports its kernel.

    python3 …/kdock/core.py NAME     receives it on the abstract socket NAME of this network namespace
    python3 …/kdock/core.py          reads it from GIVEN

Events: "listening", then "core" or "error". Exit codes: 0, 1 after "error".
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import BinaryIO

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

from kdock.dump import UTSNAME_AT, Description, NoDump, describe, missing_utsname, store  # noqa: E402
from kdock.events import Events  # noqa: E402

FOLDER = "/dump"
CORE, GIVEN = f"{FOLDER}/core", f"{FOLDER}/given"
ACCEPT_TIMEOUT_S = 60


def main() -> int:
    """The exit code."""
    events = Events()
    try:
        with open(CORE, "w+b") as core:
            size = _receive(events, sys.argv[1], core) if len(sys.argv) > 1 else _read_given(core)
            core.flush()
            found = _complete(core)
        events.emit("core", bytes=size, release=found.release, buildId=found.build_id)
        return 0
    except NoDump as error:
        events.emit("error", kind="no-dump", message=str(error))
    except OSError as error:
        kind = "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "broken"
        events.emit("error", kind=kind, message=str(error))
    return 1


def _complete(core: BinaryIO) -> Description:
    def read(offset: int, size: int) -> bytes:
        return os.pread(core.fileno(), size, offset)

    found = describe(read)
    names = missing_utsname(read, found)
    if names is not None:
        os.pwrite(core.fileno(), names, UTSNAME_AT)
    return found


def _receive(events: Events, name: str, core: BinaryIO) -> int:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen(1)
        server.settimeout(ACCEPT_TIMEOUT_S)
        events.emit("listening")
        connection, _ = server.accept()
    with connection, connection.makefile("rb", 1 << 20) as stream:
        return store(stream, core)


def _read_given(core: BinaryIO) -> int:
    with open(GIVEN, "rb") as stream:
        size = store(stream, core)
    os.unlink(GIVEN)
    return size


if __name__ == "__main__":
    sys.exit(main())
