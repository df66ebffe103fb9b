"""Runs in a builder image, which has kconfiglib: test/vm/config.test.ts."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.environ["KDOCK_LIB"])
import kconfig_minimal
import kconfig_tree
import kconfig_why

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["srctree"] = HERE


def loaded(text=""):
    kconf = kconfig_tree.Kconfig(os.path.join(HERE, "Kconfig"), warn=False)
    with tempfile.NamedTemporaryFile("w", suffix=".config") as file:
        file.write(text)
        file.flush()
        kconf.load_config(file.name)
    return kconf


def explained(name, wanted, text=""):
    kconf = loaded(text)
    sym = kconfig_tree.find(kconf, name)
    return kconfig_tree.explain(kconf, name, wanted, sym.str_value if sym else "n")


class Explain(unittest.TestCase):
    def test_the_chain_goes_down_to_what_can_be_set(self):
        lines = explained("CONFIG_TOP", "y")
        self.assertEqual(
            lines[:3],
            ["depends on CONFIG_MIDDLE [=n]", "  depends on CONFIG_BASE [=n]", "depends on !CONFIG_OBSTACLE [=y]"],
        )
        self.assertEqual(lines[-1], "to get it: kdock config set BASE=y MIDDLE=y OBSTACLE=n TOP=y")

    def test_explanations_are_not_repeated(self):
        kconf = loaded()
        seen = set()
        kconfig_tree.explain(kconf, "CONFIG_TOP", "y", "n", seen)
        again = kconfig_tree.explain(kconf, "CONFIG_TOP", "y", "n", seen)
        self.assertNotIn("  depends on CONFIG_BASE [=n]", again)

    def test_m_needs_modules(self):
        self.assertEqual(explained("CONFIG_TOP", "m", "CONFIG_BASE=y\n"), ["m needs CONFIG_MODULES [=n]"])

    def test_a_bool_cannot_be_a_module(self):
        self.assertRegex(explained("CONFIG_BASE", "m")[0], "it is a bool: y or n, it cannot be a module")

    def test_a_prompt_for_experts(self):
        self.assertEqual(explained("CONFIG_GREEN", "y")[0], "depends on CONFIG_EXPERT [=n]")

    def test_keywords_unknown_to_kconfiglib_keep_line_numbers(self):
        place = kconfig_tree.where(kconfig_tree.find(loaded(), "CONFIG_LATTER"))
        path, line = place.rsplit(":", 1)
        with open(os.path.join(HERE, path), encoding="utf-8") as file:
            self.assertEqual(file.read().split("\n")[int(line) - 1], "config LATTER")

    def test_a_dependency_with_a_condition(self):
        condition = "CONFIG_BASE [=n] || (CONFIG_OBSTACLE [=y] = n && CONFIG_MODULES [=n] != n)"
        self.assertEqual(explained("CONFIG_SOMETIMES", "y")[0], f"depends on {condition}")
        free = loaded("CONFIG_MODULES=y\n# CONFIG_OBSTACLE is not set\nCONFIG_SOMETIMES=y\n")
        self.assertEqual(kconfig_tree.find(free, "CONFIG_SOMETIMES").str_value, "y")

    def test_symbols_of_other_architectures_are_n_and_numbers_are_constants(self):
        lines = explained("CONFIG_ELSEWHERE", "y")
        self.assertEqual(lines[:2], ["depends on CONFIG_OTHER_ARCH [=n]", "depends on CONFIG_SIZE [=16] > 20"])

    def test_no_prompt(self):
        lines = explained("CONFIG_LIBRARY", "y")
        self.assertIn("it has no prompt: only other options can select it", lines)
        self.assertIn("selected by CONFIG_USER_ONE", lines)
        self.assertEqual(lines[-1], "to get it: kdock config set USER_ONE=y")

    def test_off_although_selected(self):
        self.assertEqual(explained("CONFIG_FORCED", "n"), ["selected by CONFIG_ALWAYS [=y]"])

    def test_a_range_and_types(self):
        self.assertRegex(explained("CONFIG_SIZE", "99")[0], "its range is 12 to 25")
        self.assertRegex(explained("CONFIG_SIZE", '"x"')[0], "it is an int")
        self.assertRegex(explained("CONFIG_NAME", "5")[0], "it is a string")
        self.assertRegex(explained("CONFIG_BASE", "5")[0], "it is a bool: y or n")

    def test_a_choice_names_its_winner(self):
        self.assertEqual(explained("CONFIG_RED", "y", "CONFIG_BLUE=y\n")[0], 'its choice ("Colour") was won by CONFIG_BLUE')

    def test_a_similar_name_is_suggested(self):
        self.assertRegex(explained("CONFIG_MIDDEL", "y")[0], "no such option; did you mean CONFIG_MIDDLE")

    def test_an_option_of_another_architecture(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/arch/arm64")
            with open(f"{folder}/arch/arm64/Kconfig", "w") as file:
                file.write('config ARM64_THING\n\tbool "x"\n')
            os.environ["srctree"] = folder
            try:
                line = kconfig_tree.unknown(loaded(), "CONFIG_ARM64_THING")
            finally:
                os.environ["srctree"] = HERE
        self.assertEqual(line, "this option is defined for arm64 only (arch/arm64/Kconfig:1)")


class Why(unittest.TestCase):
    def about(self, name, text="", origins=None, asked=None):
        return kconfig_why.why(loaded(text), name, origins or {}, asked or {})

    def test_who_asked(self):
        about = self.about("CONFIG_BASE", "CONFIG_BASE=y\n", {"CONFIG_BASE": "kernel.set"}, {"CONFIG_BASE": "y"})
        self.assertEqual(about["reason"], "kernel.set asks for it")
        self.assertEqual(self.about("CONFIG_BASE", "CONFIG_BASE=y\n", {}, {"CONFIG_BASE": "y"})["reason"], "the preset asks for it")

    def test_searching_a_suggestion_restores_the_choice(self):
        for text in ("", "CONFIG_RED=y\n"):
            about = self.about("CONFIG_SKY", text)
            self.assertEqual(about["suggestion"], {"CONFIG_BLUE": "y", "CONFIG_SKY": "y"})
            self.assertEqual(about["depends"], [{"text": "CONFIG_BLUE [=n]", "value": "n"}])
            self.assertTrue(any("✗ CONFIG_BLUE [=n]" in line for line in about["lines"]), about["lines"])

    def test_other_reasons(self):
        self.assertEqual(self.about("CONFIG_FORCED")["reason"], "selected by CONFIG_ALWAYS [=y]")
        self.assertRegex(self.about("CONFIG_OBSTACLE")["reason"], "that is its default")
        self.assertEqual(self.about("CONFIG_TOP")["reason"], "its dependencies are not met")
        self.assertEqual(self.about("CONFIG_LIBRARY")["reason"], "nothing selects it, and it has no prompt")

    def test_lines(self):
        text = "\n".join(self.about("CONFIG_TOP")["lines"])
        self.assertIn("✗ CONFIG_MIDDLE [=n]  Middle, ", text)
        self.assertIn("    ✗ CONFIG_BASE [=n]", text)
        self.assertIn("to get y: kdock config set BASE=y MIDDLE=y OBSTACLE=n TOP=y", text)
        self.assertIn("range: 12 to 25", "\n".join(self.about("CONFIG_SIZE")["lines"]))
        self.assertIn('one of the choice "Colour"', "\n".join(self.about("CONFIG_RED")["lines"]))
        either = "\n".join(self.about("CONFIG_EITHER")["lines"])
        self.assertIn("✗ one of:\n      ✗ CONFIG_MODULES [=n]", either)

    def test_trial_values_are_restored(self):
        kconf = loaded()
        kconfig_why.why(kconf, "CONFIG_TOP", {}, {})
        self.assertEqual(kconf.syms["BASE"].str_value, "n")


class Minimal(unittest.TestCase):
    def fewest(self, start, **wanted):
        kconf = loaded(start)
        made = {sym.name: sym.config_string for sym in kconf.unique_defined_syms}
        final = loaded(start)
        for name, value in wanted.items():
            final.syms[name].set_value(value)
        values = {sym.name: sym.str_value for sym in final.unique_defined_syms}
        changed = [f"CONFIG_{sym.name}" for sym in final.unique_defined_syms if sym.config_string != made[sym.name]]
        able = [name for name in changed if kconfig_minimal.can_ask(kconf, name)]
        requests = {name: values[name[7:]] for name in able}
        full = {f"CONFIG_{name}": value for name, value in values.items()}
        return kconfig_minimal.fewest(kconf, kconfig_minimal.in_order(kconf, requests), full, changed)

    def test_implied_options_are_left_out(self):
        self.assertEqual(self.fewest("", BASE="y"), {"CONFIG_BASE": "y"})
        self.assertEqual(self.fewest("", BASE="y", FOLLOWS="n"), {"CONFIG_BASE": "y", "CONFIG_FOLLOWS": "n"})
        self.assertEqual(self.fewest("", USER_ONE="y"), {"CONFIG_USER_ONE": "y"})

    def test_a_choice_has_its_winner_only(self):
        self.assertEqual(self.fewest("CONFIG_RED=y\n", BLUE="y"), {"CONFIG_BLUE": "y"})

    def test_options_of_the_start_can_be_reset(self):
        self.assertEqual(self.fewest("CONFIG_BASE=y\nCONFIG_FOLLOWS=y\n", FOLLOWS="n"), {"CONFIG_FOLLOWS": "n"})

    def test_texts_and_numbers(self):
        self.assertEqual(self.fewest("", SIZE="20", NAME="x"), {"CONFIG_SIZE": "20", "CONFIG_NAME": "x"})


if __name__ == "__main__":
    unittest.main()
