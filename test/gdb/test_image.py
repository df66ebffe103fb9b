"""Reading ELF files, and checking the running kernel."""

from __future__ import annotations

import os
import struct
import tempfile
import unittest

from kdock.buildid import check
from kdock.image import Image, NotElf, build_id_note, names_of_map, read_notes

BUILD_ID = bytes(range(1, 21))
NOTES = struct.pack("<LLL4s", 4, 20, 3, b"GNU\0") + BUILD_ID + struct.pack("<LLL8s", 6, 4, 0x100, b"Linux\0\0\0") + bytes(4)
BANNER = b"Linux version 6.12.0 (kdock@kdock)\n\0"
TEXT_AT, NOTES_AT, DATA_AT = 0xFFFFFFFF81000000, 0xFFFFFFFF81A00000, 0xFFFFFFFF81B00000


def elf(notes: bytes = NOTES) -> bytes:
    """A vmlinux with three functions and a banner."""
    strings = b"\0tcp_v4_rcv\0tcp_ack.part.0\0entry\0linux_banner\0"
    symbols = [
        (strings.index(b"tcp_v4_rcv"), 0x12, 1, TEXT_AT, 16),
        (strings.index(b"tcp_ack"), 0x02, 1, TEXT_AT + 16, 16),
        (strings.index(b"entry"), 0x10, 1, TEXT_AT + 32, 0),
        (strings.index(b"linux_banner"), 0x11, 3, DATA_AT, len(BANNER)),
    ]
    table = bytes(24) + b"".join(struct.pack("<LBBHQQ", name, info, 0, section, at, size) for name, info, section, at, size in symbols)
    names = b"\0.text\0.notes\0.data\0.symtab\0.strtab\0.debug_str\0.shstrtab\0"
    bodies = (
        (b".text", 1, 6, TEXT_AT, bytes(range(64)), 0),
        (b".notes", 7, 2, NOTES_AT, notes, 0),
        (b".data", 1, 3, DATA_AT, BANNER, 0),
        (b".symtab", 2, 0, 0, table, 5),
        (b".strtab", 3, 0, 0, strings, 0),
        (b".debug_str", 1, 0x30, 0, b"tcp_checksum_complete\0sk_buff\0", 0),
        (b".shstrtab", 3, 0, 0, names, 0),
    )
    content, rows = b"", [bytes(64)]
    for name, kind, flags, address, body, link in bodies:
        rows.append(struct.pack("<LLQQQQLLQQ", names.index(name), kind, flags, address, 64 + len(content), len(body), link, 0, 1, 0))
        content += body
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHLQQQLHHHHHH", 2, 62, 1, 0, 0, 64 + len(content), 0, 64, 56, 0, 64, len(rows), len(rows) - 1
    )
    return head + content + b"".join(rows)


class Files(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "vmlinux")

    def image(self, content: bytes | None = None) -> Image:
        with open(self.path, "wb") as file:
            file.write(elf() if content is None else content)
        return Image(self.path)

    def test_functions_and_addresses(self) -> None:
        image = self.image()
        self.assertEqual(sorted(image.functions), ["entry", "tcp_ack.part.0", "tcp_v4_rcv"])
        inside = image.function_at(TEXT_AT + 5)
        self.assertEqual(inside and inside.name, "tcp_v4_rcv")
        self.assertIsNone(image.function_at(TEXT_AT + 63))
        self.assertEqual(image.address_of("linux_banner"), DATA_AT)
        self.assertIsNone(image.address_of("nothing"))

    def test_mapping_symbols_are_not_functions(self) -> None:
        # arm64 and riscv have them inside functions; the kernel ignores them in sizes.
        content = elf().replace(b"\0entry\0", b"\0$d.17\0")
        self.assertEqual(len(content), len(elf()))
        image = self.image(content)
        self.assertEqual(sorted(image.functions), ["tcp_ack.part.0", "tcp_v4_rcv"])
        self.assertEqual(image.extent_of(image.functions["tcp_ack.part.0"][0]), 48)
        self.assertEqual([each.name for each in image.copies["tcp_ack"]], ["tcp_ack.part.0"])

    def test_bytes_by_address(self) -> None:
        self.assertEqual(self.image().read(TEXT_AT + 2, 3), b"\2\3\4")
        self.assertEqual(self.image().read(TEXT_AT + 62, 10), b"\x3e\x3f")
        self.assertEqual(self.image().read(0x1234, 4), b"")

    def test_names_in_debug_information(self) -> None:
        self.assertEqual(self.image().debug_names, {"tcp_checksum_complete", "sk_buff"})

    def test_notes(self) -> None:
        note = build_id_note(self.image().notes[1])
        self.assertEqual(note and (note.description, note.at), (BUILD_ID, 16))
        self.assertEqual(read_notes(NOTES[:20]), [])

    def test_rejects_other_files(self) -> None:
        for content in (b"", b"MZ", b"\x7fELF\x02\x01\x01", elf()[:-70]):
            with self.subTest(content[:8]), self.assertRaises(NotElf):
                self.image(content)

    def test_check_by_build_id(self) -> None:
        image = self.image()
        self.assertEqual(check(image, image.read).kind, "same")
        other = check(image, lambda address, size: b"x" * size)
        self.assertEqual(other.kind, "other")
        self.assertIn(BUILD_ID.hex(), other.reason)

    def test_check_is_unknown_before_the_kernel_is_mapped(self) -> None:
        image = self.image()
        self.assertEqual(check(image, lambda address, size: None).kind, "unknown")
        # QEMU returns zeros for addresses without memory.
        self.assertEqual(check(image, lambda address, size: bytes(size)).kind, "unknown")

    def test_check_by_banner_without_a_build_id(self) -> None:
        image = self.image(elf(notes=b""))
        self.assertEqual(check(image, image.read).kind, "same")
        older = check(image, lambda address, size: b"Linux version 5.10.0 (a@b)\n".ljust(size, b"\0")[:size])
        self.assertEqual(older.kind, "other")
        self.assertIn("5.10.0", older.reason)

    def test_without_addresses(self) -> None:
        flat = self.image().without_addresses()
        self.assertEqual(len(flat or b""), len(elf()))
        self.assertIsNone(self.image(flat).without_addresses())
        self.assertEqual(sorted(self.image(flat).functions), sorted(self.image().functions))

    def test_system_map(self) -> None:
        self.assertEqual(names_of_map("ffff T a\nffff t b\nffff D c\n"), {"a", "b"})


if __name__ == "__main__":
    unittest.main()
