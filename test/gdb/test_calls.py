"""Arguments of panic(), and of vpanic()'s va_list, on each architecture."""

from __future__ import annotations

import itertools
import struct
import unittest

from kdock.calls import CONVENTIONS, arguments

MEMORY_AT = 0x1000


def reader(**places: bytes):
    memory = bytearray(0x400)
    for place, content in places.items():
        at = int(place[1:], 16)
        memory[at : at + len(content)] = content
    return lambda address, size: int.from_bytes(memory[address - MEMORY_AT :][:size], "little")


class Calls(unittest.TestCase):
    def test_registers_then_stack(self) -> None:
        word = reader(_100=struct.pack("<3Q", 70, 80, 90))
        for name, count, rest in (("i386:x86-64", 6, [80, 90]), ("aarch64", 8, [70, 80, 90]), ("riscv:rv64", 8, [70, 80, 90])):
            convention = CONVENTIONS[name]
            values = dict(zip(convention.registers, itertools.count(1))) | {convention.stack: MEMORY_AT + 0x100}
            with self.subTest(name):
                found = list(itertools.islice(arguments(convention, values.__getitem__, word), count + len(rest)))
                self.assertEqual(found, [*range(1, count + 1), *rest])

    def test_va_lists(self) -> None:
        for name, content in (
            # Offset 32 of 48 in the saved registers; then the stack.
            ("i386:x86-64", {"_0": struct.pack("<IIQQ", 32, 48, 0x1200, 0x1100), "_120": struct.pack("<2Q", 1, 2), "_200": struct.pack("<2Q", 3, 4)}),
            # Two registers remain, 16 bytes before the end of the saved ones.
            ("aarch64", {"_0": struct.pack("<3Qii", 0x1200, 0x1110, 0, -16, 0), "_100": struct.pack("<2Q", 1, 2), "_200": struct.pack("<2Q", 3, 4)}),
            ("aarch64", {"_0": struct.pack("<3Qii", 0x1200, 0x1110, 0, 0, 0), "_200": struct.pack("<4Q", 1, 2, 3, 4)}),
            ("riscv:rv64", {"_0": struct.pack("<4Q", 1, 2, 3, 4)}),
        ):
            with self.subTest(name):
                found = CONVENTIONS[name].unpack(MEMORY_AT, reader(**content))
                self.assertEqual(list(itertools.islice(found, 4)), [1, 2, 3, 4])


if __name__ == "__main__":
    unittest.main()
