"""Parsing of places, other names of functions, and suggestions."""

from __future__ import annotations

import time
import unittest

from kdock.names import BadSpec, Spec, aliases, base_name, clones, nearest, parse_spec, successor
from kdock.renames import RENAMES


class Specs(unittest.TestCase):
    def test_valid_places(self) -> None:
        for text, spec in (
            ("tcp_v4_rcv", Spec(function="tcp_v4_rcv")),
            (" tcp_v4_rcv ", Spec(function="tcp_v4_rcv")),
            ("NF_HOOK.constprop.0", Spec(function="NF_HOOK.constprop.0")),
            ("net/ipv4/tcp_ipv4.c:2200", Spec(file="net/ipv4/tcp_ipv4.c", line=2200)),
            ("tcp_ipv4.c:tcp_v4_rcv", Spec(file="tcp_ipv4.c", function="tcp_v4_rcv")),
            ("entry_64.S:121", Spec(file="entry_64.S", line=121)),
            ("*0xffffffff81000000", Spec(expression="0xffffffff81000000")),
            ("tcp_v4_rcv+0x1b/0xe80", Spec(function="tcp_v4_rcv", offset=27)),
            ("tcp_v4_rcv+27", Spec(function="tcp_v4_rcv", offset=27)),
        ):
            with self.subTest(text):
                self.assertEqual(parse_spec(text), spec)

    def test_rejects_other_text(self) -> None:
        for text in ("", "*", "a b", "tcp_v4_rcv if 1", "-function x", "file.c:", "2200", "f()", "a;b", "tcp_ipv4.c"):
            with self.subTest(text), self.assertRaises(BadSpec):
                parse_spec(text)


class Aliases(unittest.TestCase):
    def test_renames_are_followed_in_both_directions(self) -> None:
        self.assertEqual([each.name for each in aliases("do_fork")][:2], ["_do_fork", "kernel_clone"])
        self.assertEqual([each.name for each in aliases("kernel_clone")][:2], ["_do_fork", "do_fork"])

    def test_the_note_has_the_version(self) -> None:
        self.assertEqual(aliases("_do_fork")[0].note, "_do_fork is called kernel_clone since Linux 5.10")
        self.assertEqual(aliases("kernel_clone")[0].note, "kernel_clone was called _do_fork before Linux 5.10")

    def test_system_call_names_before_4_17(self) -> None:
        for name in ("sys_openat", "SyS_openat"):
            with self.subTest(name):
                found = [each.name for each in aliases(name)]
                self.assertEqual(found[0], "__x64_sys_openat")
                self.assertIn("__ia32_sys_openat", found)
                self.assertIn("__se_sys_openat", found)
                self.assertIn("4.17", aliases(name)[0].note)

    def test_current_system_call_names_in_an_older_kernel(self) -> None:
        self.assertIn("sys_openat", [each.name for each in aliases("__x64_sys_openat")])

    def test_compat_calls_are_not_native_ones(self) -> None:
        self.assertEqual(aliases("compat_sys_ioctl")[0].name, "__ia32_compat_sys_ioctl")

    def test_allocators_behind_a_macro(self) -> None:
        self.assertEqual(aliases("kmalloc")[-1].name, "kmalloc_noprof")
        self.assertIn("kmalloc", [each.name for each in aliases("kmalloc_noprof")])

    def test_the_table_has_no_cycles_and_no_duplicates(self) -> None:
        pairs = [(entry.old, entry.new) for entry in RENAMES]
        self.assertEqual(len(pairs), len(set(pairs)))
        for entry in RENAMES:
            self.assertRegex(entry.since, r"^\d+\.\d+$")
            name, steps = entry.old, 0
            while (later := next((each.new for each in RENAMES if each.old == name), None)) and steps < 10:
                name, steps = later, steps + 1
            self.assertLess(steps, 10, f"{entry.old} is in a cycle")

    def test_successor(self) -> None:
        later = successor("do_sys_open")
        self.assertEqual(later and later.name, "do_sys_openat2")
        self.assertIsNone(successor("tcp_v4_rcv"))


class Clones(unittest.TestCase):
    def test_base_names(self) -> None:
        for name, base in (
            ("tcp_ack.part.0", "tcp_ack"),
            ("f.constprop.0.isra.1", "f"),
            ("f.isra.0.cold", "f"),
            ("f", "f"),
            ("f.partner", "f.partner"),
        ):
            with self.subTest(name):
                self.assertEqual(base_name(name), base)

    def test_clones_without_cold_parts(self) -> None:
        known = ["f.isra.0", "f.part.0", "f.cold", "f.isra.0.cold", "ff.isra.0", "f"]
        self.assertEqual(clones("f", known), ["f.isra.0", "f.part.0"])


class Nearest(unittest.TestCase):
    def test_the_nearest_name_is_first(self) -> None:
        known = ["tcp_v4_rcv", "tcp_v6_rcv", "udp_rcv", "start_kernel", "kernel_clone"]
        for wrong, right in (("tcp_v4_rvc", "tcp_v4_rcv"), ("TCP_V4_RCV", "tcp_v4_rcv"), ("kernel_clon", "kernel_clone")):
            with self.subTest(wrong):
                self.assertEqual(nearest(wrong, known)[0], right)

    def test_a_system_call_without_prefix_finds_its_function(self) -> None:
        self.assertEqual(nearest("openat", ["__ia32_sys_openat", "__x64_sys_openat", "openats"])[:2], ["__x64_sys_openat", "__ia32_sys_openat"])

    def test_no_suggestions_for_unrelated_text(self) -> None:
        self.assertEqual(nearest("qqqqqqqq", ["tcp_v4_rcv"]), [])
        self.assertEqual(nearest("", ["tcp_v4_rcv"]), [])

    def test_no_generated_names(self) -> None:
        self.assertEqual(nearest("tcp_rcv", ["__pfx_tcp_rcv", "tcp_rcv.cold", "tcp_rcv.isra.0"]), [])

    def test_is_fast_for_a_kernels_names(self) -> None:
        known = [f"{word}_{other}_{number}" for word in ("tcp", "udp", "ext4", "sched") for other in ("rcv", "open", "lock") for number in range(12_000)]
        begin = time.monotonic()
        nearest("tcp_rvc_1234", known)
        self.assertLess(time.monotonic() - begin, 15)


if __name__ == "__main__":
    unittest.main()
