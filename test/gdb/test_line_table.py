"""Headers of line tables as gcc -gdwarf-4 and -gdwarf-5 write them, and compressed sections."""

from __future__ import annotations

import os
import struct
import tempfile
import unittest
import zlib

from kdock.compressed import Unreadable, decompressed
from kdock.image import Image
from kdock.line_table import Strings, is_path, source_files

NOTHING = Strings(b"", b"", {})
OPCODES = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])


def unit(version: int, head: bytes, wide: bool = False, order: str = "<") -> bytes:
    """A line table with a program of one byte."""
    before = struct.pack(order + "H", version) + (b"\x08\x00" if version == 5 else b"")
    fixed = (b"\x01\x01" if version >= 4 else b"\x01") + b"\x01\xfb\x0e\x0d" + OPCODES
    code = "Q" if wide else "L"
    body = before + struct.pack(order + code, len(fixed) + len(head)) + fixed + head + b"\x09"
    return (b"\xff" * 4 if wide else b"") + struct.pack(order + code, len(body)) + body


#: "main.c" in folder 2, a header in folder 1, and a file in the compilation directory.
OLD = b"include\0/src/drivers/net\0\0" + b"main.c\0\x02\0\0" + b"main.h\0\x01\0\0" + b"made.c\0\0\0\0" + b"\0"


def new(names: list[int], wide: bool = False) -> bytes:
    """Two folders and two files by offsets into .debug_line_str, with an MD5 digest per file as clang writes it."""
    at = [struct.pack("<Q" if wide else "<L", name) for name in names]
    folders = b"\x01\x01\x1f" + b"\x02" + at[0] + at[1]
    files = b"\x03\x01\x1f\x02\x0b\x05\x1e" + b"\x02" + at[2] + b"\x00" + bytes(16) + at[3] + b"\x01" + bytes(16)
    return folders + files


NAMES = b"/build\0/src/drivers/net\0made.c\0main.c\0"
OFFSETS = [NAMES.index(each + b"\0") for each in (b"/build", b"/src/drivers/net", b"made.c", b"main.c")]
FOUND = {"/build/made.c", "/src/drivers/net/main.c"}
#: "main.c" and two zeros: a frame with one uncompressed block.
ZSTD = bytes.fromhex("28b52ffd2008410000") + b"main.c\0\0"


class Tables(unittest.TestCase):
    def test_dwarf_2_to_4(self) -> None:
        for version in (2, 3, 4):
            for order in ("<", ">"):
                with self.subTest(version=version, order=order):
                    self.assertEqual(
                        source_files(unit(version, OLD, order=order), NOTHING, order),
                        {"/src/drivers/net/main.c", "include/main.h", "made.c"},
                    )

    def test_dwarf_5(self) -> None:
        for wide in (False, True):
            with self.subTest(wide=wide):
                table = unit(5, new(OFFSETS, wide), wide)
                self.assertEqual(source_files(table, Strings(NAMES, b"", {})), FOUND)

    def test_a_module_has_relocations_instead_of_offsets(self) -> None:
        table = unit(5, new([0, 0, 0, 0]))
        first = table.index(b"\x01\x01\x1f\x02") + 4
        second = table.index(b"\x05\x1e\x02") + 3
        places = [first, first + 4, second, second + 4 + 1 + 16]
        relocations = dict(zip(places, OFFSETS))
        self.assertEqual(source_files(table, Strings(NAMES, b"", relocations)), FOUND)

    def test_several_units(self) -> None:
        table = unit(4, OLD) + unit(5, new(OFFSETS))
        self.assertEqual(source_files(table, Strings(NAMES, b"", {})) & FOUND, FOUND)

    def test_an_invalid_unit_does_not_affect_others(self) -> None:
        whole = unit(4, OLD)
        for content in (b"", b"\0" * 8, whole[:20], whole[:-1], unit(9, OLD), unit(5, b"\xff" * 60), unit(4, b"x" * 40)):
            with self.subTest(content[:8]):
                self.assertEqual(source_files(content, NOTHING), set())
        self.assertIn("made.c", source_files(whole + unit(9, OLD) + whole[:20], NOTHING))

    def test_is_path(self) -> None:
        for known, asked, expected in (
            ("/src/drivers/net/main.c", "main.c", True),
            ("/src/drivers/net/main.c", "net/main.c", True),
            ("/src/drivers/net/main.c", "drivers/net/../net/main.c", True),
            ("/src/drivers/net/main.c", "/src/drivers/net/main.c", True),
            ("/src/drivers/net/main.c", "usb/main.c", False),
            ("/src/drivers/net/domain.c", "main.c", False),
            ("hello.c", "/module/hello/hello.c", True),
            ("hello.c", "module/hello/hello.c", False),
        ):
            with self.subTest(asked):
                self.assertEqual(is_path(known, asked), expected)


class Compressed(unittest.TestCase):
    def test_zlib_and_zstd(self) -> None:
        for kind, body, size in ((1, zlib.compress(b"main.c\0\0"), 8), (2, ZSTD, 8)):
            for order in ("<", ">"):
                with self.subTest(kind=kind, order=order):
                    wide = struct.pack(order + "LLQQ", kind, 0, size, 1) + body
                    narrow = struct.pack(order + "LLL", kind, size, 1) + body
                    self.assertEqual(decompressed(wide, order, True), b"main.c\0\0")
                    self.assertEqual(decompressed(narrow, order, False), b"main.c\0\0")

    def test_rejects_invalid_sections(self) -> None:
        body = zlib.compress(b"main.c")
        for raw in (
            b"",
            struct.pack("<LLQQ", 1, 0, 7, 1) + body,
            struct.pack("<LLQQ", 1, 0, 6, 1) + body[:-3],
            struct.pack("<LLQQ", 2, 0, 6, 1) + body,
            struct.pack("<LLQQ", 3, 0, 6, 1) + body,
            struct.pack("<LLQQ", 1, 0, 1 << 60, 1) + body,
        ):
            with self.subTest(raw), self.assertRaises(Unreadable):
                decompressed(raw, "<", True)

    def test_names_in_an_image(self) -> None:
        for flags, pack in ((0, bytes), (0x800, lambda raw: struct.pack("<LLQQ", 1, 0, len(raw), 1) + zlib.compress(raw))):
            with self.subTest(flags), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "x.ko")
                with open(path, "wb") as file:
                    file.write(elf(flags, pack(unit(4, OLD)), pack(b"tcp_ack\0sk_buff\0")))
                image = Image(path)
                self.assertEqual(image.source_names, {"main.c", "main.h", "made.c"})
                self.assertIn("/src/drivers/net/main.c", image.source_files)
                self.assertEqual(image.debug_names, {"tcp_ack", "sk_buff"})


def elf(flags: int, lines: bytes, text: bytes) -> bytes:
    """A file with two debug sections."""
    names = b"\0.debug_line\0.debug_str\0.shstrtab\0"
    content, rows = b"", [bytes(64)]
    for name, flag, body in ((b".debug_line", flags, lines), (b".debug_str", flags | 0x30, text), (b".shstrtab", 0, names)):
        rows.append(struct.pack("<LLQQQQLLQQ", names.index(name), 1, flag, 0, 64 + len(content), len(body), 0, 0, 1, 0))
        content += body
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHLQQQLHHHHHH", 1, 62, 1, 0, 0, 64 + len(content), 0, 64, 0, 0, 64, 4, 3)
    return head + content + b"".join(rows)


if __name__ == "__main__":
    unittest.main()
