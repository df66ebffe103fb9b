"""Why a stop was not hit."""

from __future__ import annotations

import unittest
from dataclasses import replace

from kdock.explain import Facts, why

CALLED = Facts(name="tcp_v4_rcv", function=True, locations=1, inlined=0, seconds=30.0)


class Why(unittest.TestCase):
    def test_each_reason(self) -> None:
        for change, text in (
            ({}, "nothing called tcp_v4_rcv in 30 s"),
            ({"ended_early": True}, "nothing called tcp_v4_rcv before the trap ended"),
            ({"function": False, "name": "a.c:1"}, "the guest did not reach a.c:1 in 30 s"),
            ({"locations": 4, "inlined": 4}, "any of its 4 inlined copies"),
            ({"inlined": 1}, "its one inlined copy"),
            ({"locations": 4, "inlined": 3}, "nothing called tcp_v4_rcv"),
            ({"reached": 3, "condition": "skb->len > 1"}, "was reached 3 times, but 'skb->len > 1' was never true"),
            ({"reached": 1, "condition": "x", "condition_error": "no memory"}, "was reached once, but the condition 'x' could not be evaluated: no memory"),
            ({"init_freed": True}, "boot code (__init)"),
            ({"module": "nf_nat"}, "modprobe nf_nat"),
            ({"patched": (0x10,)}, "other instructions at 0x10"),
            ({"successor": "a is called b since Linux 5.6"}, "nothing called tcp_v4_rcv in 30 s; a is called b since Linux 5.6"),
        ):
            with self.subTest(change):
                self.assertIn(text, why(replace(CALLED, **change)))

    def test_the_strongest_reason_wins(self) -> None:
        self.assertIn("modprobe", why(replace(CALLED, module="m", reached=2, condition="x", init_freed=True)))

    def test_patched_code_is_a_reason_only_if_all_locations_are_patched(self) -> None:
        self.assertIn("nothing called", why(replace(CALLED, locations=2, patched=(1,))))


if __name__ == "__main__":
    unittest.main()
