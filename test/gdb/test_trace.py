"""Decoding of log lines, with a table of source lines."""

from __future__ import annotations

import unittest

from kdock.trace import Decoder, Line, Reference

KNOWN = {
    ("panic", 0xF9, None): [Line("panic", "kernel/panic.c", 407)],
    ("proc_reg_write", 0x53, None): [Line("pde_write", "fs/proc/inode.c", 330), Line("proc_reg_write", "fs/proc/inode.c", 342)],
    ("crash", 0x10, None): [Line("crash", "drivers/tty/sysrq.c", 154)],
    ("lkdtm_WARNING", 0x5, "lkdtm"): [Line("lkdtm_WARNING", "drivers/misc/lkdtm/bugs.c", 128)],
    ("start", 0, None): [Line("start", "init/main.c", 1)],
    ("vlan_init", 0x5, "8021q"): [Line("vlan_init", "net/8021q/vlan.c", 9)],
    ("probe", 0x5, None): [Line("probe", "a.c", 1, ("b.c:2",))],
    ("tcp_ack.isra.0", 0x5, None): [Line("tcp_ack", "net/ipv4/tcp_input.c", 7)],
    ("caller", 0x7, None): [Line("caller", "c.c", 5)],
}


def lookup(place: Reference) -> list[Line]:
    return KNOWN.get((place.name, place.offset - (not place.exact), place.module), [])


def decode(*lines: str) -> list[str]:
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
            (" unknown+0x54/0x90", [" unknown+0x54/0x90"]),
            (" start+0x0/0x90", [" start (init/main.c:1)"]),
            ("RIP: 0010:crash+0x10/0x20", ["RIP: 0010:crash (drivers/tty/sysrq.c:154)"]),
            (
                "WARNING: CPU: 0 PID: 1 at bugs.c:128 lkdtm_WARNING+0x5/0x10 [lkdtm]",
                ["WARNING: CPU: 0 PID: 1 at bugs.c:128 lkdtm_WARNING (drivers/misc/lkdtm/bugs.c:128) [lkdtm]"],
            ),
            ("held by sh/1, at: panic+0xfa/0x281", ["held by sh/1, at: panic (kernel/panic.c:407)"]),
        ):
            with self.subTest(line):
                self.assertEqual(decode(line), expected)

    def test_a_modules_entry_with_a_build_id(self) -> None:
        KNOWN[("direct_entry", 0x7F, "lkdtm")] = [Line("direct_entry", "core.c", 3)]
        self.assertEqual(decode(" direct_entry+0x80/0x90 [lkdtm 0123456789abcdef]"), [" direct_entry (core.c:3) [lkdtm]"])

    def test_prefixes_of_log_collectors(self) -> None:
        for head in (
            "Nov 24 10:00:00 my-host.lan kernel: ",
            "Nov 24 10:00:00 host kernel: [   12.345678] ",
            "2024-11-24T10:00:00.123456+01:00 host kernel: ",
            "2024-11-24 10:00:00.123 [   12.345678] ",
            "[Sun Nov 24 10:00:00 2024] ",
            "<4>[   12.345678] ",
            "[   12.345678][    C0] ",
            "4,1234,56789,-;",
            "4,1234,56789,-,caller=T1;",
            "kern  :warn  : [   12.345678] ",
            "> > [   12.345678] ",
            "2024-11-24T10:00:00Z [   12.345678]  ? ",
        ):
            with self.subTest(head):
                self.assertEqual(
                    decode(f"{head} proc_reg_write+0x54/0x90"),
                    [f"{head} pde_write (fs/proc/inode.c:330) (inlined)", f"{head} proc_reg_write (fs/proc/inode.c:342)"],
                )

    def test_module_names_that_begin_with_digits(self) -> None:
        for module in ("8021q", "8021q 0123456789abcdef0123456789abcdef01234567", "8021q(OE)"):
            with self.subTest(module):
                self.assertEqual(decode(f" vlan_init+0x6/0x10 [{module}]"), [" vlan_init (net/8021q/vlan.c:9) [8021q]"])

    def test_registers_of_other_architectures_and_kernels(self) -> None:
        for line, expected in (
            ("pc : crash+0x10/0x20", "pc : crash (drivers/tty/sysrq.c:154)"),
            ("lr : crash+0x11/0x20", "lr : crash (drivers/tty/sysrq.c:154)"),
            ("epc : crash+0x10/0x20 ra : caller+0x8/0x20", "epc : crash (drivers/tty/sysrq.c:154) ra : caller (c.c:5)"),
            ("PC is at crash+0x10/0x20", "PC is at crash (drivers/tty/sysrq.c:154)"),
            (" panic+0xfa/0x281 (P)", " panic (kernel/panic.c:407) (P)"),
            (
                "RIP: 0010:[<ffffffff814f5b9a>]  [<ffffffff814f5b9a>] crash+0x10/0x20",
                "RIP: 0010:[<ffffffff814f5b9a>]  [<ffffffff814f5b9a>] crash (drivers/tty/sysrq.c:154)",
            ),
            (" tcp_ack.isra.0+0x6/0x10", " tcp_ack.isra.0 (net/ipv4/tcp_input.c:7)"),
            (" probe+0x6/0x10", " probe (a.c:1 or b.c:2)"),
        ):
            with self.subTest(line):
                self.assertEqual(decode(line), [expected])

    def test_colours_are_removed(self) -> None:
        self.assertEqual(
            decode("\x1b[32m[   12.5] \x1b[0m\x1b[1mpanic+0xfa/0x281\x1b[0m", "\x1b[33mWARNING\x1b[0m"),
            ["[   12.5] panic (kernel/panic.c:407)", "WARNING"],
        )

    def test_long_lines_take_linear_time(self) -> None:
        for line in ("a" * 300000, "> " * 100000, "[1]" * 100000, "kernel: " * 50000, " " * 200000, "f+0x1/0x2 " * 20000, "a+0x" * 50000):
            with self.subTest(line[:10]):
                self.assertEqual(decode(line), [line])

    def test_instructions_follow_the_code_line(self) -> None:
        self.assertEqual(decode("RIP: 0010:crash+0x10/0x20", "Code: 90 90")[1:], ["Code: 90 90", "=> crash"])
        self.assertEqual(decode("Nov 24 10:00:00 h kernel: pc : crash+0x10/0x20", "Nov 24 10:00:00 h kernel: Code: 90")[2:], ["=> crash"])
        # Older kernels, and those of other architectures, print the registers first.
        self.assertEqual(decode("epc : crash+0x10/0x20", " ra : crash+0x11/0x20", "Code: 90 90")[2:], ["Code: 90 90", "=> crash"])
        # Not for a user-space address.
        self.assertEqual(decode("RIP: 0010:crash+0x10/0x20", "RIP: 0033:0x428b9d", "Code: 90 90")[2:], ["Code: 90 90"])
        # Only once.
        self.assertEqual(decode("RIP: 0010:crash+0x10/0x20", "Code: 90", "Code: 90")[1:], ["Code: 90", "=> crash", "Code: 90"])


if __name__ == "__main__":
    unittest.main()
