"""QEMU's gdbserver without gdb: whether a debugger is attached, and how to resume a guest that one left stopped.

The stub serves one debugger. A second connection is taken by the system and not answered, and once the first debugger
leaves, QEMU takes the waiting one for a debugger and stops the guest for it, even when it has long hung up.
"""

from __future__ import annotations

import ipaddress
import socket
import time

#: Longer than a stub needs on a machine that is busy with other things.
ANSWER_SECONDS = 3.0
ESTABLISHED = "01"


def holders(table: str, port: int) -> list[str]:
    """Addresses of those that are connected to a port of this machine or container."""
    found = []
    for row in table.splitlines()[1:]:
        fields = row.split()
        if len(fields) < 4 or fields[3] != ESTABLISHED:
            continue
        if int(fields[1].rpartition(":")[2], 16) == port:
            found.append(_address(fields[2]))
    return found


def _address(field: str) -> str:
    host, _, port = field.rpartition(":")
    # Words of four bytes, each in the order of a little machine.
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return f"{mapped or address}:{int(port, 16)}"


def address_of(target: str) -> tuple[str, int] | None:
    """127.0.0.1:1234, [::1]:1234, :1234 → host and port; None for what is no TCP address."""
    host, _, tail = target.rpartition(":")
    return (host.strip("[]") or "127.0.0.1", int(tail)) if tail.isdigit() else None


def knock(host: str, port: int, wait_seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the stub is free. Where it is, the guest stands still from now on. Raises OSError where there is none."""
    return _talk(host, port, wait_seconds, let_go=False)


def release(host: str, port: int, wait_seconds: float = ANSWER_SECONDS) -> bool:
    """Lets a guest run that no debugger holds; whether the stub has answered. Raises OSError where there is none."""
    return _talk(host, port, wait_seconds, let_go=True)


def _talk(host: str, port: int, wait_seconds: float, let_go: bool) -> bool:
    with socket.create_connection((host, port), timeout=wait_seconds) as line:
        line.sendall(packet("?"))
        answered = _wait_for(line, b"$", time.monotonic() + wait_seconds)
        if let_go or not answered:
            # Without an answer it stays in the queue until QEMU gets to this connection, and stops the guest for it.
            # With the process's number, which QEMU wants once any debugger has spoken of several.
            line.sendall(b"+" + packet("D;1"))
        if let_go and answered:
            _wait_for(line, b"$OK", time.monotonic() + wait_seconds)
        line.shutdown(socket.SHUT_WR)
        return answered


def packet(text: str) -> bytes:
    """As gdb's remote protocol frames it."""
    return f"${text}#{sum(text.encode()) % 256:02x}".encode()


def _wait_for(line: socket.socket, wanted: bytes, deadline: float) -> bool:
    seen = b""
    while wanted not in seen:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        line.settimeout(left)
        try:
            more = line.recv(4096)
        except TimeoutError:
            return False
        if not more:
            raise ConnectionResetError("it hung up")
        seen += more
    return True
