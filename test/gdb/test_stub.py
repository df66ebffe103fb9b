"""The client of QEMU's gdbserver against a free stub, a busy one, and none."""

from __future__ import annotations

import socket
import threading
import unittest

from kdock.stub import address_of, clients, packet, probe, release

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"
LISTENING = "   0: 0100007F:8007 00000000:0000 0A 00000000:00000000\n"
ESTABLISHED = "   1: 0100007F:8007 0100007F:C718 01 00000000:00000000\n"
REVERSE = "   2: 0100007F:C718 0100007F:8007 01 00000000:00000000\n"
TIME_WAIT = "   3: 0100007F:8007 0100007F:C71A 06 00000000:00000000\n"
MAPPED = "   0: 0000000000000000FFFF00000200A8C0:04D2 0000000000000000FFFF00000300A8C0:1F90 01\n"


class Table(unittest.TestCase):
    def test_a_client(self) -> None:
        self.assertEqual(clients(HEAD + LISTENING + ESTABLISHED + REVERSE + TIME_WAIT, 0x8007), ["127.0.0.1:50968"])

    def test_no_clients(self) -> None:
        self.assertEqual(clients(HEAD + LISTENING + TIME_WAIT, 0x8007), [])
        self.assertEqual(clients("", 1234), [])

    def test_ipv4_within_ipv6(self) -> None:
        self.assertEqual(clients(HEAD + MAPPED, 1234), ["192.168.0.3:8080"])

    def test_addresses(self) -> None:
        for text, address in (
            ("127.0.0.1:1234", ("127.0.0.1", 1234)),
            (":1234", ("127.0.0.1", 1234)),
            ("[::1]:1234", ("::1", 1234)),
            ("/dev/ttyS0", None),
        ):
            with self.subTest(text):
                self.assertEqual(address_of(text), address)


class Stub:
    """A listener that serves one client, like QEMU's; `busy`: another client is being served."""

    def __init__(self, busy: bool) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = b""
        self._free = threading.Event()
        if not busy:
            self._free.set()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._free.wait()
        line, _ = self.listener.accept()
        with line:
            while more := line.recv(4096):
                self.received += more
                if more.endswith(packet("?")):
                    line.sendall(b"+$T05thread:p01.01;#06")
                if more.endswith(packet("D;1")):
                    line.sendall(b"+$OK#9a")

    def all_received(self) -> bytes:
        """Everything that the client has sent, after the stub became free and the client closed the connection."""
        self._free.set()
        self._thread.join(10)
        self.listener.close()
        return self.received


class Query(unittest.TestCase):
    def test_probe_does_not_detach_from_a_free_stub(self) -> None:
        stub = Stub(busy=False)
        self.assertTrue(probe("127.0.0.1", stub.port))
        # A VM that was started paused must stay paused.
        self.assertNotIn(packet("D;1"), stub.all_received())

    def test_probe_leaves_a_detach_for_a_busy_stub(self) -> None:
        stub = Stub(busy=True)
        self.assertFalse(probe("127.0.0.1", stub.port, wait_seconds=0.2))
        self.assertTrue(stub.all_received().endswith(packet("D;1")))

    def test_release_detaches(self) -> None:
        stub = Stub(busy=False)
        self.assertTrue(release("127.0.0.1", stub.port))
        self.assertTrue(stub.all_received().endswith(packet("D;1")))

    def test_no_gdbserver(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with self.assertRaises(OSError):
            probe("127.0.0.1", port)

    def test_packets(self) -> None:
        self.assertEqual(packet("?"), b"$?#3f")


if __name__ == "__main__":
    unittest.main()
