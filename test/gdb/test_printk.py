"""Formatting as the kernel's printk does."""

from __future__ import annotations

import unittest

from kdock.printk import formatted

TEXTS = {1: "eth0", 2: "sysrq"}


def format_text(text: str, *values: int) -> str:
    left = list(values)
    return formatted(text, lambda: left.pop(0), lambda address: TEXTS[address], lambda address: f"place+{address:#x}")


class Printk(unittest.TestCase):
    def test_formats(self) -> None:
        for text, values, expected in (
            ("sysrq triggered crash\n", (), "sysrq triggered crash\n"),
            ("Attempted to kill init! exitcode=0x%08x\n", (0xB,), "Attempted to kill init! exitcode=0x0000000b\n"),
            ("%s: %d%% of %s", (1, 5, 2), "eth0: 5% of sysrq"),
            ("%d %i %u", (0xFFFFFFFF, 0x1FFFFFFFE, 0xFFFFFFFF), "-1 -2 4294967295"),
            ("%ld %llx %#lx %zu", (2**64 - 3, 2**40, 255, 7), "-3 10000000000 0xff 7"),
            ("%5d|%-5d|%05d|%#06x|%c", (1, 2, 3, 4, 65), "    1|2    |00003|0x0004|A"),
            ("%.3s|%*d|%-6s|", (2, 4, 9, 1), "sys|   9|eth0  |"),
            ("corrupted in: %pB", (4096,), "corrupted in: place+0x1000"),
            ("at %p, of %px", (16, 17), "at 0x10, of 0x11"),
            ("%hhu %hd", (257, 0xFFFF), "1 -1"),
        ):
            with self.subTest(text):
                self.assertEqual(format_text(text, *values), expected)


if __name__ == "__main__":
    unittest.main()
