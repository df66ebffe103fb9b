"""A client of QEMU's gdbserver: checks whether a debugger is attached, and resumes a guest that one left stopped.

The stub serves one debugger. A second connection stays in the listen queue without a response. Once the first debugger
disconnects, QEMU accepts it and stops the guest, even if its client has closed it meanwhile.
"""

from __future__ import annotations

import ipaddress
import socket
import time

#: Allows for a machine under load.
ANSWER_SECONDS = 3.0
ESTABLISHED = "01"


def clients(table: str, port: int) -> list[str]:
    """Addresses of the clients that are connected to a port, from the text of /proc/net/tcp or tcp6."""
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
    # Words of four bytes, each little-endian.
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return f"{mapped or address}:{int(port, 16)}"


def address_of(target: str) -> tuple[str, int] | None:
    """127.0.0.1:1234, [::1]:1234, :1234 → host and port; None for other targets."""
    host, _, tail = target.rpartition(":")
    return (host.strip("[]") or "127.0.0.1", int(tail)) if tail.isdigit() else None


def probe(host: str, port: int, wait_seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the stub is free; if so, the guest is stopped afterwards. Raises OSError without a gdbserver."""
    return _query(host, port, wait_seconds, detach=False)


def release(host: str, port: int, wait_seconds: float = ANSWER_SECONDS) -> bool:
    """Resumes the guest unless a debugger is connected; whether the stub answered. Raises OSError without a gdbserver."""
    return _query(host, port, wait_seconds, detach=True)


def _query(host: str, port: int, wait_seconds: float, detach: bool) -> bool:
    with socket.create_connection((host, port), timeout=wait_seconds) as line:
        line.sendall(packet("?"))
        answered = _wait_for(line, b"$", time.monotonic() + wait_seconds)
        if detach or not answered:
            # Without an answer, QEMU reads the detach when it accepts this connection later, and resumes the guest.
            # The process id is required once a debugger has enabled multiprocess.
            line.sendall(b"+" + packet("D;1"))
        if detach and answered:
            _wait_for(line, b"$OK", time.monotonic() + wait_seconds)
        line.shutdown(socket.SHUT_WR)
        return answered


def packet(text: str) -> bytes:
    """A packet of gdb's remote protocol."""
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
            raise ConnectionResetError("the gdbserver closed the connection")
        seen += more
    return True
