"""From what differs to why, and what to do about it: one sentence each."""

from __future__ import annotations

import re

from .model import Finding, clip

#: In the order of what explains most. {0} is what was seen.
SENTENCES = {
    "config": "The configurations differ ({0}). Look there first: at what was asked for and at the toolchain.",
    "toolchain": "The files are for different machines or of different kinds: the two builds did not use the same toolchain.",
    "signing-key": "The build makes a signing key of its own ({0}): switch CONFIG_MODULE_SIG off or give it a key that stays.",
    "signature": "Only the module signature differs, so the signing keys do: switch CONFIG_MODULE_SIG off or keep the key.",
    "randstruct": "Structures are laid out at random ({0}): switch CONFIG_RANDSTRUCT off or keep its seed with the source.",
    "latent-entropy": "The latent_entropy compiler plugin puts random numbers into the code: switch CONFIG_GCC_PLUGIN_LATENT_ENTROPY off.",
    "date-macro": "{0}: the compiler puts the time of the build in. Remove the macro.",
    "build-number": "The build number counts builds ({0}): set KBUILD_BUILD_VERSION=1.",
    "host": "The name of the building machine is in it ({0}): set KBUILD_BUILD_HOST, or leave the name out.",
    "user": "The name of the building user is in it ({0}): set KBUILD_BUILD_USER, or leave the name out.",
    "kheaders": "The kernel carries an archive of its headers, made by tar and xz: switch CONFIG_IKHEADERS off or set KBUILD_BUILD_TIMESTAMP.",
    "initramfs": "The initramfs inside the kernel differs: set KBUILD_BUILD_TIMESTAMP and give its files fixed times and owners.",
    "temporary": "The name of a temporary file is in it ({0}): build to a fixed name.",
    "uuid": "A random identifier is in it ({0}): derive it from the content or fix it.",
    "date": "A date or time of the build is in it ({0}): take it from SOURCE_DATE_EPOCH or KBUILD_BUILD_TIMESTAMP, or leave it out.",
    "epoch": "A time in seconds since 1970 is in it ({0}): take it from SOURCE_DATE_EPOCH or leave it out.",
    "path": "The path of a build or source folder is in it ({0}): build in fixed folders or map them with -ffile-prefix-map.",
    "locale": "The order or the spelling follows the locale ({0}): set LC_ALL=C where it is made.",
    "gzip-header": "Only the gzip header differs, which holds the time and name of the packed file: pack with gzip -n.",
    "compression": "Only the compression differs ({0}), not what is inside: fix the packer's version, level and number of threads (xz -T1).",
    "btf": "Only BTF differs: pahole before 1.29 orders types by thread. Take a newer pahole, or make PAHOLE_FLAGS without -j, or CONFIG_DEBUG_INFO_BTF=n.",
    "mtime": "Times of files are in the archive (first: {0}): set them to SOURCE_DATE_EPOCH before packing.",
    "mode": "Access modes differ (first: {0}), as the umask does: set the modes before packing.",
    "owner": "Owners differ (first: {0}), as the building user does: pack with a fixed owner, 0:0.",
    "inode": "Inode numbers are in the archive (first: {0}): number the members when packing (cpio --reproducible).",
    "order": "The same {0} in another order: something reads a folder or ends in parallel and does not sort. Sort it, with LC_ALL=C.",
    "random": "Random numbers or hashes are in it ({0}): fix the seed, or what is hashed.",
    "spelling": "The same text is spelled in another way ({0}), as another locale does: set LC_ALL=C where it is made.",
    "debug-info": "Only debug information differs ({0}): look for paths, for another compiler, and for generated sources.",
    "padding": "Only what follows the last member differs: fix how the archive is filled up.",
    "build-id": "Only the build id differs: it is a hash, so look at what was stripped from the file after linking, or at --build-id=uuid.",
    "follows-vmlinux": "It contains the packed vmlinux, which differs as well: what explains vmlinux explains this.",
}

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Oca|Şub|Nis|Haz|Tem|Ağu|Eyl|Eki|Kas|Ara"
DATE = re.compile(
    rf"\b(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:[0-2]\d|3[01])|\b(?:[0-2]\d|3[01])[./](?:0[1-9]|1[0-2])[./](?:19|20)\d\d"
    rf"|\b(?:{MONTHS})\w*\s+[0-3 ]?\d\b|\b[0-3]?\d\s+(?:{MONTHS})\b|\b(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\b"
    r"|\b(?:19|20)\d{6}(?:T\d{4,6}Z?)?\b"
)
EPOCH = re.compile(r"\b1[0-9]{9}\b|\b2[0-4][0-9]{8}\b")
NUMBER = re.compile(r"#(\d+)(?=\b)")
AT = re.compile(r"([\w.+-]+)@([\w.-]+)")
DEFINED = re.compile(r"\b(?:LINUX_COMPILE|UTS|BUILD)_(BY|HOST|USER)\b\W+([\w.-]+)")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
TEMPORARY = re.compile(r"/tmp/\S+|\bcc[A-Za-z0-9]{6}\.(?:o|s|c)\b|\.ltrans\d")
PATH = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+[\w.+-]*")
HEX = re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12,}\b|\b0x[0-9a-f]{8,16}\b")
CONTAINER = re.compile(r"\b[0-9a-f]{12}\b")
#: What kdock's hostile build calls its user and group.
STRANGERS = re.compile(r"\b(?:mallory|outsiders)\b")


def judge(finding: Finding) -> str | None:
    """The sentences for at most two causes; None when no rule fits."""
    causes = dict(finding.causes)
    for first, second in finding.pairs:
        for key, detail in _of_pair(first, second).items():
            causes.setdefault(key, detail)
    if "date" in causes or "build-number" in causes:
        causes.pop("epoch", None)
    known = [key for key in SENTENCES if key in causes]
    # What only repeats a better reason.
    for weak in ("follows-vmlinux", "build-id", "debug-info", "order", "random", "spelling"):
        if weak in known and len(known) > 1:
            known.remove(weak)
    return " ".join(SENTENCES[key].format(causes[key]) for key in known[:2]) or None


def _of_pair(first: str, second: str) -> dict[str, str]:
    """Which rules two texts fit that stand in the same place."""
    found: dict[str, str] = {}
    shown = f"{clip(first, 60)!r} ≠ {clip(second, 60)!r}"
    for key, pattern in (("uuid", UUID), ("temporary", TEMPORARY), ("date", DATE), ("epoch", EPOCH), ("path", PATH)):
        seen = _seen(pattern, first, second)
        if seen:
            found[key] = seen
    numbers = NUMBER.findall(first), NUMBER.findall(second)
    if numbers[0] and numbers[1] and numbers[0] != numbers[1]:
        found["build-number"] = f"#{numbers[0][0]} ≠ #{numbers[1][0]}"
    names = AT.search(first), AT.search(second)
    if names[0] and names[1]:
        for key, group in (("user", 1), ("host", 2)):
            if names[0][group] != names[1][group]:
                found[key] = f"{names[0][group]} ≠ {names[1][group]}"
    defined = DEFINED.search(first), DEFINED.search(second)
    if defined[0] and defined[1] and defined[0][2] != defined[1][2]:
        found["host" if defined[0][1] == "HOST" else "user"] = f"{defined[0][2]} ≠ {defined[1][2]}"
    if not found and (STRANGERS.search(first) or STRANGERS.search(second)):
        found["user"] = shown
    if not found and CONTAINER.fullmatch(first.strip()) and CONTAINER.fullmatch(second.strip()):
        found["host"] = shown
    if not found and _seen(HEX, first, second):
        found["random"] = shown
    if not found and first and second and first != second and _plain(first) == _plain(second):
        found["spelling"] = shown
    return found


def _seen(pattern: re.Pattern[str], first: str, second: str) -> str | None:
    """What the pattern finds in one text and not in the other."""
    one, two = pattern.findall(first), pattern.findall(second)
    if one == two:
        return None
    left = next((hit for hit in one if hit not in two), None)
    right = next((hit for hit in two if hit not in one), None)
    return " ≠ ".join(clip(hit, 60) for hit in (left, right) if hit) or None


def _plain(text: str) -> str:
    """Without capitals, the dots of i and decimal commas, which locales see in different ways."""
    return text.replace("İ", "i").replace("ı", "i").replace(",", ".").casefold()
