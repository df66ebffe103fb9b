"""Escaping of control characters."""

from __future__ import annotations

import unittest

from kdock.visible import visible


class Visible(unittest.TestCase):
    def test_escapes_control_characters(self) -> None:
        for text, expected in (
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("a\rb\x7f", "a\\x0db\\x7f"),
            ("\x9b2J", "\\u009b2J"),
            ("a\u202eb\u2066c\u2028", "a\\u202eb\\u2066c\\u2028"),
            ("\ud83d", "\\ud83d"),
        ):
            self.assertEqual(visible(text), expected)

    def test_keeps_other_text(self) -> None:
        self.assertEqual(visible("a\tb\nGrüße 🐧\n"), "a\tb\nGrüße 🐧\n")


if __name__ == "__main__":
    unittest.main()
