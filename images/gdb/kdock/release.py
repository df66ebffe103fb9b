"""Resumes a guest that a killed debugger left stopped, and removes the breakpoints that it left.

    KDOCK_TARGET=127.0.0.1:1234 gdb -nx -batch -x …/kdock/release.py      (or with any python3)

Exit codes: 0 the guest runs, 66 no gdbserver, 1 another debugger is connected.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

from kdock.stub import address_of, release  # noqa: E402


def main() -> int:
    """The exit code."""
    target = os.environ.get("KDOCK_TARGET", "")
    address = address_of(target)
    try:
        return 0 if address and release(*address) else 1 if address else 66
    except OSError as error:
        print(f"no gdbserver at {target}: {error}", file=sys.stderr)
        return 66


if __name__ == "__main__":
    code = main()
    if "gdb" in sys.modules:
        sys.modules["gdb"].execute(f"quit {code}")
    sys.exit(code)
