"""What becomes of the lines of a kernel's log; where the places are is told by a table."""

from __future__ import annotations

import unittest

from kdock.trace import Decoder, Line, Reference

KNOWN = {
    ("panic", 0xF9, None): [Line("panic", "kernel/panic.c", 407)],
    ("proc_reg_write", 0x53, None): [Line("pde_write", "fs/proc/inode.c", 330), Line("proc_reg_write", "fs/proc/inode.c", 342)],
    ("crash", 0x10, None): [Line("crash", "drivers/tty/sysrq.c", 154)],
    ("lkdtm_WARNING", 0x5, "lkdtm"): [Line("lkdtm_WARNING", "drivers/misc/lkdtm/bugs.c", 128)],
    ("start", 0, None): [Line("start", "init/main.c", 1)],
}


def lookup(place: Reference) -> list[Line]:
    return KNOWN.get((place.name, place.offset - (not place.exact), place.module), [])


def said(*lines: str) -> list[str]:
    decoder = Decoder(lookup, lambda place: [f"=> {place.name}"])
    return [text for line in lines for text in decoder.decoded(line)]


class Decode(unittest.TestCase):
    def test_lines(self) -> None:
        for line, expected in (
            ("Call Trace:", ["Call Trace:"]),
            (" panic+0xfa/0x281", [" panic (kernel/panic.c:407)"]),
            (" ? panic+0xfa/0x281", [" ? panic (kernel/panic.c:407)"]),
            ("[   12.5][   T1]  panic+0xfa/0x281", ["[   12.5][   T1]  panic (kernel/panic.c:407)"]),
            ("[   12.5]  [<ffffffff815bf0fa>] panic+0xfa/0x281", ["[   12.5]  panic (kernel/panic.c:407)"]),
            (
                " proc_reg_write+0x54/0x90",
                [" pde_write (fs/proc/inode.c:330) (inlined)", " proc_reg_write (fs/proc/inode.c:342)"],
            ),
            (" nobody+0x54/0x90", [" nobody+0x54/0x90"]),
            (" start+0x0/0x90", [" start (init/main.c:1)"]),
            ("RIP: 0010:crash+0x10/0x20", ["RIP: 0010:crash (drivers/tty/sysrq.c:154)"]),
            (
                "WARNING: CPU: 0 PID: 1 at bugs.c:128 lkdtm_WARNING+0x5/0x10 [lkdtm]",
                ["WARNING: CPU: 0 PID: 1 at bugs.c:128 lkdtm_WARNING (drivers/misc/lkdtm/bugs.c:128) [lkdtm]"],
            ),
            ("held by sh/1, at: panic+0xfa/0x281", ["held by sh/1, at: panic (kernel/panic.c:407)"]),
        ):
            with self.subTest(line):
                self.assertEqual(said(line), expected)

    def test_a_modules_entry_with_a_build_id(self) -> None:
        KNOWN[("direct_entry", 0x7F, "lkdtm")] = [Line("direct_entry", "core.c", 3)]
        self.assertEqual(said(" direct_entry+0x80/0x90 [lkdtm 0123456789abcdef]"), [" direct_entry (core.c:3) [lkdtm]"])

    def test_instructions_follow_the_bytes_of_the_place_before(self) -> None:
        self.assertEqual(said("RIP: 0010:crash+0x10/0x20", "Code: 90 90")[1:], ["Code: 90 90", "=> crash"])
        self.assertEqual(said("RIP: 0033:0x428b9d", "Code: 90 90")[1:], ["Code: 90 90"])
        self.assertEqual(said("RIP: 0010:crash+0x10/0x20", "RSP: 0", "Code: 90 90")[2:], ["Code: 90 90"])


if __name__ == "__main__":
    unittest.main()
