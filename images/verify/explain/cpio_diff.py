"""Compares archives in cpio's newc format, which is what an initramfs is, member by member."""

from __future__ import annotations

from dataclasses import dataclass

from .bytes_diff import Buffer
from .model import Finding

FIELDS = ("ino", "mode", "uid", "gid", "nlink", "mtime", "size", "devmajor", "devminor", "rdevmajor", "rdevminor")
MAGICS = (b"070701", b"070702")
HEADER = 110
MAX_MEMBERS = 1_000_000


class NotCpio(Exception):
    """The data is no newc archive, or a broken one."""


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    name: str
    fields: dict[str, int]
    data: memoryview


def is_cpio(data: Buffer) -> bool:
    """By its first bytes."""
    return bytes(data[:6]) in MAGICS


def read_cpio(data: Buffer) -> list[Member]:
    """All members, also of archives that follow one another. Raises NotCpio."""
    view = memoryview(data)
    members: list[Member] = []
    at = 0
    while at + HEADER <= len(view) and len(members) < MAX_MEMBERS:
        head = bytes(view[at : at + HEADER])
        if head[:4] == b"\0\0\0\0":  # what fills up to the next archive
            at += 4
            continue
        if head[:6] not in MAGICS:
            if members:
                break
            raise NotCpio(f"no member's header at {at:#x}")
        try:
            numbers = [int(head[6 + 8 * index : 14 + 8 * index], 16) for index in range(13)]
        except ValueError as error:
            raise NotCpio(f"a broken header at {at:#x}") from error
        size, name_size = numbers[6], numbers[11]
        name_at, body_at = at + HEADER, at + (HEADER + name_size + 3) // 4 * 4
        if body_at + size > len(view):
            raise NotCpio(f"the member at {at:#x} is longer than the archive")
        name = bytes(view[name_at : name_at + max(0, name_size - 1)]).decode("utf-8", "replace")
        at = body_at + (size + 3) // 4 * 4
        if name != "TRAILER!!!":
            members.append(Member(name, dict(zip(FIELDS, numbers[:11], strict=True)), view[body_at : body_at + size]))
    return members


def compare_cpio(first: Buffer, second: Buffer) -> tuple[Finding, list[tuple[str, Buffer, Buffer]]]:
    """The finding, and the members whose contents differ, for who knows what they are. Raises NotCpio."""
    one, two = read_cpio(first), read_cpio(second)
    finding = Finding()
    contents: list[tuple[str, Buffer, Buffer]] = []
    after = {member.name: member for member in two}
    before = {member.name for member in one}
    for member in one:
        other = after.get(member.name)
        if other is None:
            finding.add("cpio-member", member.name, "only the first build has it")
            continue
        fields = [name for name in FIELDS if member.fields[name] != other.fields[name]]
        shown = [f"{name} {_shown(name, member)} ≠ {_shown(name, other)}" for name in fields]
        if bytes(member.data) != bytes(other.data):
            shown.append("content")
            contents.append((member.name, member.data, other.data))
        if shown:
            finding.add("cpio-member", member.name, ", ".join(shown))
        for name in fields:
            cause = {"mtime": "mtime", "mode": "mode", "uid": "owner", "gid": "owner", "ino": "inode"}.get(name)
            if cause and not (cause == "mode" and (member.fields[name] ^ other.fields[name]) & ~0o7777):
                finding.causes.setdefault(cause, member.name)
    for member in two:
        if member.name not in before:
            finding.add("cpio-member", member.name, "only the second build has it")
    names = [member.name for member in one], [member.name for member in two]
    if names[0] != names[1] and sorted(names[0]) == sorted(names[1]):
        place = next(index for index, pair in enumerate(zip(*names, strict=True)) if pair[0] != pair[1])
        finding.add("cpio-member", names[0][place], f"the same members in another order: here {names[1][place]} comes")
        finding.causes["order"] = "members"
        finding.causes.pop("inode", None)
    if not finding.where:
        finding.add("offset", "after the last member", f"{len(first)} bytes ≠ {len(second)} bytes in all, the members agree")
        finding.causes["padding"] = ""
    return finding, contents


def _shown(name: str, member: Member) -> str:
    value = member.fields[name]
    return oct(value) if name == "mode" else str(value)
