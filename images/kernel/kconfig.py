"""Kconfig requests: merge them in order, then see whether each one is in the final .config.

  kconfig.py merge --version 6.12.1 --config-dir DIR --output FILE [--preset FILE] [--user FILE] FRAGMENT...
  kconfig.py apply --demands FILE --config .config
  kconfig.py pin   --demands FILE --config .config [--initramfs DIR]
  kconfig.py limit --demands FILE --preset FILE [--user FILE] --config .config --alone .config
  kconfig.py check --demands FILE --config .config [--initramfs DIR] [--environment FILE]
  kconfig.py adopt --config .config --preset host|file
  kconfig.py ask   --request JSON --demands FILE --config .config --environment FILE --output JSON
  kconfig.py minimal --start FILE --demands FILE --made .config --wanted FILE --environment FILE --fragment FILE

A fragment NAME is DIR/NAME.config plus every DIR/NAME.CONDITION....config whose conditions all hold: ge-X.Y and lt-X.Y for
the kernel version, so that an option which came or went with a version never fails a build, and the name of an architecture
(KDOCK_ARCH, x86_64 unless given). A line
"include NAME" stands for another fragment.

limit takes out of the demands what only the preset wants and this kernel cannot have: neither --config nor --alone, which
the preset came to by itself, has it. It stays in the file as a comment, "# unavailable: CONFIG_PVH=y". Exit code 1: only
the .config that the preset comes to by itself could tell, and --alone was not given.

pin puts fixed values in the place of defaults that would make every build another one; what the user demanded stays,
and is told if it cannot be reproduced. Relative paths in CONFIG_INITRAMFS_SOURCE mean files below the folder that
--initramfs names. Exit code 64: one of them is not there.
"""

import argparse
import glob
import json
import os
import re
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
    # Files of an initramfs belong to the user who builds: -1 means that user, and makes them root's.
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
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
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
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
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
    if args.preset:
        write_requests(args.preset, values)
    if args.user:
        for name, value in read_config(args.user).items():
            values.pop(name, None)
            values[name] = value
    write_requests(args.output, values)


def write_requests(path, values):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(as_line(name, value) + "\n" for name, value in values.items())


def apply(args):
    """Puts the demands in the place of what .config says of the same options, so that Kconfig has nothing to warn of."""
    demands = read_config(args.demands)
    with open(args.config, encoding="utf-8", errors="surrogateescape") as file:
        kept = [line for line in file if (parse_line(line) or ("",))[0] not in demands]
    with open(args.config, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(kept)
        file.writelines(as_line(name, value) + "\n" for name, value in demands.items())


def limit(args):
    demands, preset, final = read_config(args.demands), read_config(args.preset), read_config(args.config)
    user = read_config(args.user) if args.user else {}
    unmet = {name for name in preset if name not in user and final.get(name, "n") != preset[name]}
    if unmet and not args.alone:
        sys.exit(1)
    alone = read_config(args.alone) if unmet else {}
    lost = {name for name in unmet if alone.get(name, "n") != preset[name]}
    if not lost:
        return
    with open(args.demands, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(as_line(name, value) + "\n" for name, value in demands.items() if name not in lost)
        file.writelines(f"# unavailable: {name}={preset[name]}\n" for name in preset if name in lost)


def pin(args):
    demands = read_config(args.demands)
    with open(args.config, encoding="utf-8", errors="surrogateescape") as file:
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
    with open(args.config, "w", encoding="utf-8", errors="surrogateescape") as file:
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


def unsatisfied(args):
    """(name, wanted, got) of each demand that the final .config does not fulfil; the user's own first."""
    final = read_config(args.config)
    missing = [
        (name, wanted, final.get(name, "n"))
        for name, wanted in read_config(args.demands).items()
        if final.get(name, "n") != placed(name, wanted, args.initramfs)
    ]
    # They stand last in the demands.
    missing.reverse()
    return missing


def check(args):
    missing = unsatisfied(args)
    if not missing:
        return
    kconf = None
    try:
        if args.environment:
            import kconfig_tree

            kconf = kconfig_tree.load(args.environment, os.path.abspath(args.config))
    except Exception as error:  # an explanation is a courtesy: its failure must not hide the finding
        print(f"(no explanation: {error})", file=sys.stderr)
    print("error: the final .config is not what was asked for:", file=sys.stderr)
    told = set()
    for name, wanted, got in missing:
        print(f"  {as_line(name, wanted)}  (is {got})", file=sys.stderr)
        for line in kconfig_tree.explain(kconf, name, wanted, got, told) if kconf else []:
            print(f"    {line}", file=sys.stderr)
    sys.exit(1)


def ask(args):
    """Answers kdock's questions about a configuration: JSON in, JSON out."""
    with open(args.request, encoding="utf-8", errors="surrogateescape") as file:
        request = json.load(file)
    final = read_config(args.config)
    missing = unsatisfied(args)
    unclear = [name for name in request.get("options", []) if name not in final]
    answer = {"unmet": [], "unknown": {}, "why": []}
    if missing or unclear or request.get("why"):
        import kconfig_tree
        import kconfig_why

        kconf = kconfig_tree.load(args.environment, os.path.abspath(args.config))
        told = set()
        for name, wanted, got in missing:
            known = kconfig_tree.find(kconf, name) is not None
            lines = kconfig_tree.explain(kconf, name, wanted, got, told)
            answer["unmet"].append({"name": name, "wanted": wanted, "got": got, "known": known, "lines": lines})
        for name in unclear:
            if kconfig_tree.find(kconf, name) is None:
                answer["unknown"][name] = kconfig_tree.unknown(kconf, name)
        asked = read_config(args.demands)
        answer["why"] = [kconfig_why.why(kconf, name, request.get("origins", {}), asked) for name in request.get("why", [])]
    with open(args.output, "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(answer, file)


# What a distribution's configuration names that is no file here, and what it becomes: its own keys for modules, and
# firmware that is to be compiled in.
FOREIGN = {
    "CONFIG_SYSTEM_TRUSTED_KEYS": ('""', r'""|"certs/signing_key\.pem"'),
    "CONFIG_SYSTEM_REVOCATION_KEYS": ('""', r'""'),
    "CONFIG_MODULE_SIG_KEY": ('"certs/signing_key.pem"', r'""|"certs/signing_key\.pem"|"/build/.*"'),
    "CONFIG_SYSTEM_BLACKLIST_HASH_LIST": ('""', r'""'),
    "CONFIG_EXTRA_FIRMWARE": ('""', r'""'),
}
# Only of a running machine: a project's own .config may mean a file of the project.
FOREIGN_ON_HOST = {"CONFIG_INITRAMFS_SOURCE": ('""', r'""')}


def adopt(args):
    """Takes out of a given .config what only the machine that it comes from has, and says so."""
    foreign = {**FOREIGN, **FOREIGN_ON_HOST} if args.preset == "host" else FOREIGN
    with open(args.config, encoding="utf-8", errors="surrogateescape") as file:
        lines = file.readlines()
    for index, line in enumerate(lines):
        name, value = parse_line(line) or ("", "")
        instead, fine = foreign.get(name, ("", ".*"))
        if re.fullmatch(fine, value):
            continue
        lines[index] = as_line(name, instead) + "\n"
        print(f"@kdock notice the given configuration: {name}={value} names what is not here; it is {instead} now")
    with open(args.config, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(lines)


def minimal(args):
    import kconfig_minimal

    kconfig_minimal.run(args)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    merging = commands.add_parser("merge")
    merging.add_argument("--version", required=True)
    merging.add_argument("--config-dir", required=True)
    merging.add_argument("--output", required=True)
    merging.add_argument("--preset", help="where the fragments' requests go without the user's")
    merging.add_argument("--user")
    merging.add_argument("fragment", nargs="*")
    merging.set_defaults(run=merge)
    applying = commands.add_parser("apply")
    applying.add_argument("--demands", required=True)
    applying.add_argument("--config", required=True)
    applying.set_defaults(run=apply)
    limiting = commands.add_parser("limit")
    for option in ("--demands", "--preset", "--config"):
        limiting.add_argument(option, required=True)
    limiting.add_argument("--user")
    limiting.add_argument("--alone")
    limiting.set_defaults(run=limit)
    pinning = commands.add_parser("pin")
    pinning.add_argument("--demands", required=True)
    pinning.add_argument("--config", required=True)
    pinning.add_argument("--initramfs", help="where the project's files for an initramfs are")
    pinning.set_defaults(run=pin)
    checking = commands.add_parser("check")
    checking.add_argument("--initramfs")
    checking.add_argument("--demands", required=True)
    checking.add_argument("--config", required=True)
    checking.add_argument("--environment", help="what make gives Kconfig, for saying why; without it only what")
    checking.set_defaults(run=check)
    asking = commands.add_parser("ask")
    for option in ("--request", "--demands", "--config", "--environment", "--output"):
        asking.add_argument(option, required=True)
    asking.add_argument("--initramfs")
    asking.set_defaults(run=ask)
    adopting = commands.add_parser("adopt")
    adopting.add_argument("--config", required=True)
    adopting.add_argument("--preset", required=True)
    adopting.set_defaults(run=adopt)
    reducing = commands.add_parser("minimal")
    for option in ("--start", "--demands", "--made", "--wanted", "--environment", "--fragment"):
        reducing.add_argument(option, required=True)
    reducing.add_argument("--again", action="store_true", help="add to the fragment that is there what still differs")
    reducing.set_defaults(run=minimal)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
