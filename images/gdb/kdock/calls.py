"""The C calling conventions for integer arguments, by architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Returns a register's value by name; and the integer of a size in bytes at an address.
Register = Callable[[str], int]
Word = Callable[[int, int], int]


@dataclass(frozen=True)
class Convention:
    """The calling convention of one architecture."""

    #: Registers of the first arguments, in order.
    registers: tuple[str, ...]
    stack: str
    #: Bytes on the stack before the stack arguments: the return address on x86.
    skip: int
    #: The arguments of a va_list, from the pointer to it.
    unpack: Callable[[int, Word], Iterator[int]]


def _x86_list(pointer: int, word: Word) -> Iterator[int]:
    """First the registers that the prologue has saved, then the stack."""
    offset = word(pointer, 4)
    overflow, saved = word(pointer + 8, 8), word(pointer + 16, 8)
    for at in range(offset, 48, 8):
        yield word(saved + at, 8)
    yield from _words(overflow, word)


def _arm64_list(pointer: int, word: Word) -> Iterator[int]:
    """Like x86, with a negative offset from the end of the saved registers."""
    stack, top = word(pointer, 8), word(pointer + 8, 8)
    offset = word(pointer + 24, 4)
    for at in range(offset - (1 << 32) if offset >> 31 else 0, 0, 8):
        yield word(top + at, 8)
    yield from _words(stack, word)


def _words(address: int, word: Word) -> Iterator[int]:
    while True:
        yield word(address, 8)
        address += 8


#: By gdb's name of the architecture.
CONVENTIONS = {
    "i386:x86-64": Convention(("rdi", "rsi", "rdx", "rcx", "r8", "r9"), "rsp", 8, _x86_list),
    "aarch64": Convention(tuple(f"x{number}" for number in range(8)), "sp", 0, _arm64_list),
    # A va_list is the address of the next argument.
    "riscv:rv64": Convention(tuple(f"a{number}" for number in range(8)), "sp", 0, _words),
}


def arguments(convention: Convention, register: Register, word: Word) -> Iterator[int]:
    """The arguments at a function's entry, without end: the caller takes as many as the function has."""
    yield from map(register, convention.registers)
    yield from _words(register(convention.stack) + convention.skip, word)
