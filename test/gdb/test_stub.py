"""QEMU's gdbserver, without QEMU: a listener that answers, one that does not, and none."""

from __future__ import annotations

import socket
import threading
import unittest

from kdock.stub import address_of, holders, knock, packet, release

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"
LISTENING = "   0: 0100007F:8007 00000000:0000 0A 00000000:00000000\n"
HELD = "   1: 0100007F:8007 0100007F:C718 01 00000000:00000000\n"
OTHER_WAY = "   2: 0100007F:C718 0100007F:8007 01 00000000:00000000\n"
GONE = "   3: 0100007F:8007 0100007F:C71A 06 00000000:00000000\n"
MAPPED = "   0: 0000000000000000FFFF00000200A8C0:04D2 0000000000000000FFFF00000300A8C0:1F90 01\n"


class Table(unittest.TestCase):
    def test_who_is_connected(self) -> None:
        self.assertEqual(holders(HEAD + LISTENING + HELD + OTHER_WAY + GONE, 0x8007), ["127.0.0.1:50968"])

    def test_nobody(self) -> None:
        self.assertEqual(holders(HEAD + LISTENING + GONE, 0x8007), [])
        self.assertEqual(holders("", 1234), [])

    def test_ipv4_within_ipv6(self) -> None:
        self.assertEqual(holders(HEAD + MAPPED, 1234), ["192.168.0.3:8080"])

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
    """A listener with one customer, as QEMU's is; `mute`: somebody else is that customer."""

    def __init__(self, mute: bool) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = b""
        self._free = threading.Event()
        if not mute:
            self._free.set()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._free.wait()
        line, _ = self.listener.accept()
        with line:
            while more := line.recv(4096):
                self.heard += more
                if more.endswith(packet("?")):
                    line.sendall(b"+$T05thread:p01.01;#06")
                if more.endswith(packet("D;1")):
                    line.sendall(b"+$OK#9a")

    def all_heard(self) -> bytes:
        """What was said, once the other side has hung up and QEMU has got to it."""
        self._free.set()
        self._thread.join(10)
        self.listener.close()
        return self.heard


class Talk(unittest.TestCase):
    def test_a_free_stub_is_only_knocked_at(self) -> None:
        stub = Stub(mute=False)
        self.assertTrue(knock("127.0.0.1", stub.port))
        # A VM that was started paused must not start for being asked.
        self.assertNotIn(packet("D;1"), stub.all_heard())

    def test_a_held_stub_finds_a_detach_when_it_gets_to_us(self) -> None:
        stub = Stub(mute=True)
        self.assertFalse(knock("127.0.0.1", stub.port, wait_seconds=0.2))
        self.assertTrue(stub.all_heard().endswith(packet("D;1")))

    def test_letting_go(self) -> None:
        stub = Stub(mute=False)
        self.assertTrue(release("127.0.0.1", stub.port))
        self.assertTrue(stub.all_heard().endswith(packet("D;1")))

    def test_nobody_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with self.assertRaises(OSError):
            knock("127.0.0.1", port)

    def test_packets(self) -> None:
        self.assertEqual(packet("?"), b"$?#3f")


if __name__ == "__main__":
    unittest.main()
