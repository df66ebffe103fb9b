"""Reading and storing dumps."""

from __future__ import annotations

import io
import struct
import unittest

from kdock.dump import FLAT_END, FLAT_HEADER, FLAT_MAGIC, NoDump, describe, missing_utsname, store

VMCOREINFO = b"OSRELEASE=6.12.117\nBUILD-ID=00112233\nPAGESIZE=4096\n"


def elf_core(notes: bytes, kind: int = 4) -> bytes:
    """A core with one segment, PT_NOTE."""
    header = b"\x7fELF\x02\x01".ljust(16, b"\0") + struct.pack("<HHLQQQLHHHHHH", kind, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<LLQQQQQQ", 4, 0, 120, 0, 0, len(notes), len(notes), 0) + notes


def note(owner: bytes, description: bytes) -> bytes:
    """A padded note."""
    name = owner + b"\0"
    return struct.pack("<LLL", len(name), len(description), 0) + name.ljust(-len(name) % 4 + len(name), b"\0") + description.ljust(
        -len(description) % 4 + len(description), b"\0"
    )


def kdump() -> bytes:
    """The headers of a kdump file with blocks of 4096 bytes."""
    first = b"KDUMP   ".ljust(428, b"\0") + struct.pack("<L", 4096)
    second = bytes(32) + struct.pack("<QQ", 8192, len(VMCOREINFO))
    return first.ljust(4096, b"\0") + second.ljust(4096, b"\0") + VMCOREINFO


def reader(content: bytes):
    """Like os.pread."""
    return lambda offset, size: content[offset : offset + size]


class Describe(unittest.TestCase):
    def test_elf(self) -> None:
        found = describe(reader(elf_core(note(b"CORE", b"x" * 5) + note(b"QEMU", b"y") + note(b"VMCOREINFO", VMCOREINFO))))
        self.assertEqual((found.release, found.build_id), ("6.12.117", "00112233"))

    def test_kdump(self) -> None:
        found = describe(reader(kdump()))
        self.assertEqual((found.release, found.build_id), ("6.12.117", "00112233"))

    def test_empty_without_vmcoreinfo(self) -> None:
        found = describe(reader(elf_core(note(b"QEMU", b"y"))))
        self.assertEqual((found.release, found.build_id), ("", ""))

    def test_rejects_other_files(self) -> None:
        for content in (b"", b"hello", b"\x7fELF", elf_core(b"", kind=2), elf_core(b"")[:80], kdump()[:300], b"\x7fELF\x01\x01".ljust(64)):
            with self.subTest(content[:8]), self.assertRaises(NoDump):
                describe(reader(content))


class MissingUtsname(unittest.TestCase):
    def test_fills_in_an_empty_utsname(self) -> None:
        read = reader(kdump())
        names = missing_utsname(read, describe(read)) or b""
        self.assertEqual(len(names), 6 * 65)
        self.assertEqual([names[at : at + 65].rstrip(b"\0") for at in (0, 130, 260)], [b"Linux", b"6.12.117", b"x86_64"])

    def test_keeps_an_existing_utsname(self) -> None:
        whole = kdump()[:12] + b"Linux" + kdump()[17:]
        self.assertIsNone(missing_utsname(reader(whole), describe(reader(whole))))
        core = elf_core(note(b"VMCOREINFO", VMCOREINFO))
        self.assertIsNone(missing_utsname(reader(core), describe(reader(core))))


class Store(unittest.TestCase):
    def test_plain(self) -> None:
        content = b"\x7fELF" + bytes(200_000) + b"memory" + bytes(100_000)
        target = io.BytesIO()
        self.assertEqual(store(io.BytesIO(content), target), len(content))
        self.assertEqual(target.getvalue().rstrip(b"\0"), content.rstrip(b"\0"))

    def test_shorter_than_the_magic(self) -> None:
        target = io.BytesIO()
        self.assertEqual(store(io.BytesIO(b"hello"), target), 5)
        self.assertEqual(target.getvalue(), b"hello")

    def test_pieces_are_written_at_their_offsets(self) -> None:
        pieces = struct.pack(">QQ", 8, 3) + b"def" + struct.pack(">QQ", 0, 8) + b"KDUMP   "
        content = FLAT_MAGIC.ljust(FLAT_HEADER, b"\0") + pieces + struct.pack(">QQ", FLAT_END, FLAT_END)
        target = io.BytesIO()
        self.assertEqual(store(io.BytesIO(content), target), len(content))
        self.assertEqual(target.getvalue(), b"KDUMP   def")

    def test_rejects_truncated_pieces(self) -> None:
        content = FLAT_MAGIC.ljust(FLAT_HEADER, b"\0") + struct.pack(">QQ", 0, 8) + b"KDU"
        for size in (len(content), FLAT_HEADER, 100):
            with self.subTest(size), self.assertRaises(NoDump):
                store(io.BytesIO(content[:size]), io.BytesIO())


if __name__ == "__main__":
    unittest.main()
