"""Patches an ELF dump for crash 8.0.6, which reads every exception stack of a kernel that has not panicked, and fails
for a stack that no IDT gate uses: those of exceptions that the kernel was configured without (#MC, #VC). Their pointers
are set to 0, which crash skips.

    python3 …/kdock/mend.py CORE VMLINUX
"""

from __future__ import annotations

import struct
import sys

from drgn import Program
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.mm import follow_phys
from drgn.helpers.linux.percpu import per_cpu


def main(core: str, vmlinux: str) -> None:
    """Does nothing if all stacks are used."""
    prog = Program()
    prog.set_core_dump(core)
    prog.load_debug_info([vmlinux])
    used = {gate.bits.ist.value_() for gate in prog["idt_table"]}
    idle = [
        stack.address_
        for cpu in for_each_possible_cpu(prog)
        for number, stack in enumerate(per_cpu(prog["cpu_tss_rw"], cpu).x86_tss.ist, 1)
        if number not in used and stack.value_() != 0
    ]
    with open(core, "r+b") as file:
        header = file.read(64)
        if idle and not header.startswith(b"\x7fELF"):
            print("kdock: crash cannot read a compressed dump of this kernel unless it has panicked", file=sys.stderr)
            return
        segments = _segments(header, file)
        for pointer in idle:
            physical = follow_phys(prog["init_mm"].address_of_(), pointer).value_()
            for address, offset, size in segments:
                if address <= physical < address + size:
                    file.seek(offset + physical - address)
                    file.write(bytes(8))


def _segments(header: bytes, file) -> list[tuple[int, int, int]]:
    table, size, count = struct.unpack_from("<Q14xHH", header, 32)
    found = []
    for index in range(count):
        file.seek(table + index * size)
        kind, _, offset, _, address, length, _, _ = struct.unpack("<LLQQQQQQ", file.read(56))
        if kind == 1:
            found.append((address, offset, length))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
