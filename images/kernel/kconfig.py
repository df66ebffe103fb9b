"""Kconfig requests: merge them in order, then see whether each one is in the final .config.

  kconfig.py merge --version 6.12.1 --config-dir DIR --output FILE [--user FILE] FRAGMENT...
  kconfig.py apply --demands FILE --config .config
  kconfig.py pin   --demands FILE --config .config [--initramfs DIR]
  kconfig.py check --demands FILE --config .config [--initramfs DIR] [--source /src --toolchain gcc-14]

A fragment NAME is DIR/NAME.config plus every DIR/NAME.CONDITION....config whose conditions all hold: ge-X.Y and lt-X.Y for
the kernel version, so that an option which came or went with a version never fails a build, and the name of an architecture
(KDOCK_ARCH, x86_64 unless given). A line
"include NAME" stands for another fragment.

pin puts fixed values in the place of defaults that would make every build another one; what the user demanded stays,
and is told if it cannot be reproduced. Relative paths in CONFIG_INITRAMFS_SOURCE mean files below the folder that
--initramfs names. Exit code 64: one of them is not there.
"""

import argparse
import difflib
import glob
import os
import re
import subprocess
import sys
from typing import NamedTuple


class Pin(NamedTuple):
    """A value to take instead of Kconfig's default."""

    instead_of: str
    value: str
    # Which demanded values differ from build to build, and why: the end of a sentence.
    spoilt: str
    why: str


INITRAMFS = "CONFIG_INITRAMFS_SOURCE"

# Applied to what is in the final .config; a symbol that is not there is none of this kernel's or depends on what is off.
PINS = {
    "CONFIG_MODULE_SIG_KEY": Pin(
        '"certs/signing_key.pem"',
        '"/build/.kdock/module-signing.pem"',
        r'"certs/signing_key\.pem"',
        "the kernel's Makefiles make a new key for every build folder",
    ),
    # The files of an initramfs belong to whoever builds: -1 means him, and makes them root's.
    "CONFIG_INITRAMFS_ROOT_UID": Pin("0", "-1", r"(?!-1$).*", "the files belong to the user that builds"),
    "CONFIG_INITRAMFS_ROOT_GID": Pin("0", "-1", r"(?!-1$).*", "the files belong to the group that builds"),
}

SET = re.compile(r'^(CONFIG_\w+)=(y|m|n|"(?:[^"\\]|\\.)*"|-?\d+|0[xX][0-9a-fA-F]+)$')
UNSET = re.compile(r"^# (CONFIG_\w+) is not set$")


def parse_line(line):
    """(name, value) of one .config line; None for comments and blank lines. n and "is not set" are the same."""
    line = line.strip()
    if match := UNSET.match(line):
        return match[1], "n"
    if match := SET.match(line):
        return match[1], match[2]
    if not line or line.startswith("#"):
        return None
    raise ValueError(line)


def read_config(path):
    values = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = parse_line(line)
            except ValueError as error:
                sys.exit(f"error: {path}:{number}: not a kconfig line: {error}")
            if entry:
                values[entry[0]] = entry[1]
    return values


def as_line(name, value):
    return f"# {name} is not set" if value == "n" else f"{name}={value}"


def version_tuple(text):
    return tuple(int(part) for part in re.match(r"\d+(?:\.\d+)*", text)[0].split("."))


def fragment_files(directory, name, version):
    yield os.path.join(directory, f"{name}.config")
    for path in sorted(glob.glob(os.path.join(directory, f"{name}.*.config"))):
        conditions = re.findall(r"(?:ge|lt)-[\d.]*\d|[^.]+", os.path.basename(path)[len(name) + 1 : -len(".config")])
        if all(holds(condition, version) for condition in conditions):
            yield path


def holds(condition, version):
    word, _, bound = condition.partition("-")
    if word == "ge":
        return version >= version_tuple(bound)
    if word == "lt":
        return version < version_tuple(bound)
    return condition == os.environ.get("KDOCK_ARCH", "x86_64")


def collect(directory, name, version, values):
    for path in fragment_files(directory, name, version):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("include "):
                    collect(directory, line.split()[1], version, values)
                elif entry := parse_line(line):
                    # Last one wins, and stands where it was last said.
                    values.pop(entry[0], None)
                    values[entry[0]] = entry[1]


def merge(args):
    values = {}
    for name in args.fragment:
        collect(args.config_dir, name, version_tuple(args.version), values)
    if args.user:
        for name, value in read_config(args.user).items():
            values.pop(name, None)
            values[name] = value
    with open(args.output, "w", encoding="utf-8") as file:
        file.writelines(as_line(name, value) + "\n" for name, value in values.items())


def apply(args):
    """Puts the demands in the place of what .config says of the same options, so that Kconfig has nothing to warn of."""
    demands = read_config(args.demands)
    with open(args.config, encoding="utf-8") as file:
        kept = [line for line in file if (parse_line(line) or ("",))[0] not in demands]
    with open(args.config, "w", encoding="utf-8") as file:
        file.writelines(kept)
        file.writelines(as_line(name, value) + "\n" for name, value in demands.items())


def pin(args):
    demands = read_config(args.demands)
    with open(args.config, encoding="utf-8") as file:
        lines = file.readlines()
    for index, line in enumerate(lines):
        name, value = parse_line(line) or ("", "")
        if name == INITRAMFS:
            lines[index] = as_line(name, placed(name, value, args.initramfs)) + "\n"
        fixed = PINS.get(name)
        if fixed and name not in demands and value == fixed.instead_of:
            lines[index] = as_line(name, fixed.value) + "\n"
        elif fixed and name in demands and re.fullmatch(fixed.spoilt, value):
            print(f"==> not reproducible: {name}={value}: {fixed.why}")
    with open(args.config, "w", encoding="utf-8") as file:
        file.writelines(lines)


def placed(name, value, folder):
    """The value with the project's files where they are in here; any other option's as it is."""
    if name != INITRAMFS or not folder:
        return value
    words = []
    for word in value.strip('"').split():
        path = word if word.startswith("/") else os.path.join(folder, os.path.normpath(word))
        if not word.startswith("/") and (os.path.normpath(word).startswith("..") or not os.path.lexists(path)):
            print(f"error: {INITRAMFS} names {word}, which is not among the project's files", file=sys.stderr)
            sys.exit(64)
        words.append(path)
    return '"' + " ".join(words) + '"'


def load_kconfig(source, toolchain, config):
    """The kernel's own Kconfig tree with the final .config loaded, for explaining; slow (seconds)."""
    import kconfiglib

    def make_value(name):
        out = subprocess.run(["make", "-s", "-C", source, name], capture_output=True, text=True, check=False)
        return out.stdout.strip().splitlines()[-1] if out.stdout.strip() else ""

    is_clang = toolchain.startswith("clang-")
    suffix = toolchain.partition("-")[2]
    triplet = os.environ.get("KDOCK_TRIPLET", "")
    prefix = f"{triplet}-" if triplet else ""
    compiler = toolchain if is_clang else prefix + toolchain
    os.environ.update(
        srctree=source,
        SRCARCH=os.environ.get("KDOCK_SOURCE_ARCH", "x86"),
        ARCH=os.environ.get("KDOCK_MAKE_ARCH", "x86_64"),
        CC=compiler,
        HOSTCC=toolchain,
        LD=f"ld.lld-{suffix}" if is_clang else f"{prefix}ld",
        NM=f"llvm-nm-{suffix}" if is_clang else f"{prefix}nm",
        OBJCOPY=f"llvm-objcopy-{suffix}" if is_clang else f"{prefix}objcopy",
        PAHOLE="pahole",
        RUSTC="rustc",
        BINDGEN="bindgen",
        CC_VERSION_TEXT=subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0],
        PAHOLE_VERSION="",
        RUSTC_VERSION_TEXT="",
        KERNELVERSION=make_value("kernelversion"),
        CLANG_FLAGS=f"--target={triplet}" if is_clang and triplet else "",
    )
    os.chdir(source)
    kconf = kconfiglib.Kconfig("Kconfig", warn=False)
    kconf.load_config(config)
    return kconf


def unmet(expr, kconfiglib):
    """The smallest false parts of a dependency expression, as (symbol, value) or plain text."""
    if kconfiglib.expr_value(expr):
        return []
    if isinstance(expr, tuple) and expr[0] == kconfiglib.AND:
        return unmet(expr[1], kconfiglib) + unmet(expr[2], kconfiglib)
    return [expr]


def explain(kconf, name, wanted, got):
    """Why a request did not stick: dotted lines a person can act on."""
    import kconfiglib

    symbol = kconf.syms.get(name[len("CONFIG_") :])
    if symbol is None or not symbol.nodes:
        near = difflib.get_close_matches(name, [f"CONFIG_{n}" for n, s in kconf.syms.items() if s.nodes], n=3)
        return ["this kernel has no such option" + (f"; did you mean {' or '.join(near)}?" if near else "")]
    lines = []
    seen = set()

    def chain(sym, depth):
        if sym in seen or depth > 4:
            return
        seen.add(sym)
        for part in unmet(sym.direct_dep, kconfiglib):
            lines.append("  " * depth + "depends on " + kconfiglib.expr_str(part, lambda sc: show(sc, kconfiglib)))
            for inner in kconfiglib.expr_items(part):
                if isinstance(inner, kconfiglib.Symbol) and inner.nodes and inner.str_value == "n":
                    chain(inner, depth + 1)

    chain(symbol, 0)
    if not lines and wanted == "n":
        for other in kconf.unique_defined_syms:
            for selected, condition in other.selects:
                if selected is symbol and kconfiglib.expr_value(other.direct_dep) and other.tri_value:
                    if kconfiglib.expr_value(condition):
                        lines.append(f"selected by CONFIG_{other.name}={other.str_value}")
    if not lines and symbol.choice:
        chosen = symbol.choice.selection
        lines.append(f"its choice was won by CONFIG_{chosen.name}" if chosen else "no member of its choice could be set")
    if not lines and not any(node.prompt for node in symbol.nodes):
        lines.append("it has no prompt: only other options can select it")
    if not lines:
        lines.append(f"Kconfig decided for {got}")
    if wanted != "n":
        selectors = [other.name for other in kconf.unique_defined_syms if any(s is symbol for s, _ in other.selects)]
        if 0 < len(selectors) <= 4:
            lines.append("selected by " + " or ".join(f"CONFIG_{other}" for other in selectors))
    return lines


def show(item, kconfiglib):
    if isinstance(item, kconfiglib.Symbol) and not item.is_constant:
        return f"CONFIG_{item.name} [={item.str_value}]"
    return kconfiglib.standard_sc_expr_str(item)


def check(args):
    config = os.path.abspath(args.config)
    final = read_config(config)
    missing = [
        (name, wanted, final.get(name, "n"))
        for name, wanted in read_config(args.demands).items()
        if final.get(name, "n") != placed(name, wanted, args.initramfs)
    ]
    if not missing:
        return
    # The user's own requests stand last, and are what they want to read first.
    missing.reverse()
    kconf = None
    try:
        if args.source:
            kconf = load_kconfig(args.source, args.toolchain, config)
    except Exception as error:  # an explanation is a courtesy: its failure must not hide the finding
        print(f"(no explanation: {error})", file=sys.stderr)
    print("error: the final .config is not what was asked for:", file=sys.stderr)
    for name, wanted, got in missing:
        print(f"  {as_line(name, wanted)}  (is {got})", file=sys.stderr)
        for line in explain(kconf, name, wanted, got) if kconf else []:
            print(f"    {line}", file=sys.stderr)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    merging = commands.add_parser("merge")
    merging.add_argument("--version", required=True)
    merging.add_argument("--config-dir", required=True)
    merging.add_argument("--output", required=True)
    merging.add_argument("--user")
    merging.add_argument("fragment", nargs="*")
    merging.set_defaults(run=merge)
    applying = commands.add_parser("apply")
    applying.add_argument("--demands", required=True)
    applying.add_argument("--config", required=True)
    applying.set_defaults(run=apply)
    pinning = commands.add_parser("pin")
    pinning.add_argument("--demands", required=True)
    pinning.add_argument("--config", required=True)
    pinning.add_argument("--initramfs", help="where the project's files for an initramfs are")
    pinning.set_defaults(run=pin)
    checking = commands.add_parser("check")
    checking.add_argument("--initramfs")
    checking.add_argument("--demands", required=True)
    checking.add_argument("--config", required=True)
    checking.add_argument("--source", help="the kernel tree, for saying why; without it only what")
    checking.add_argument("--toolchain")
    checking.set_defaults(run=check)
    args = parser.parse_args()
    args.run(args)


main()
