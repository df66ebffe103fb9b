"""Where the arguments of a function are when it is entered, by architecture: the C calling conventions for whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: A register's value by its name, and so many bytes at an address as a number.
Register = Callable[[str], int]
Word = Callable[[int, int], int]


@dataclass(frozen=True)
class Convention:
    """What one architecture's compilers have agreed on."""

    #: Of the first arguments, in order.
    registers: tuple[str, ...]
    stack: str
    #: What lies on the stack before the arguments that found no register: where a call returns to, on x86.
    skip: int
    #: The arguments behind a va_list, from what a function gets that is handed one.
    unpack: Callable[[int, Word], Iterator[int]]


def _x86_list(pointer: int, word: Word) -> Iterator[int]:
    """First the registers that a prologue has saved, then the stack."""
    offset = word(pointer, 4)
    overflow, saved = word(pointer + 8, 8), word(pointer + 16, 8)
    for at in range(offset, 48, 8):
        yield word(saved + at, 8)
    yield from _words(overflow, word)


def _arm64_list(pointer: int, word: Word) -> Iterator[int]:
    """The same, with the registers counted from their end."""
    stack, top = word(pointer, 8), word(pointer + 8, 8)
    offset = word(pointer + 24, 4)
    for at in range(offset - (1 << 32) if offset >> 31 else 0, 0, 8):
        yield word(top + at, 8)
    yield from _words(stack, word)


def _words(address: int, word: Word) -> Iterator[int]:
    while True:
        yield word(address, 8)
        address += 8


#: By the name that gdb has for the architecture.
CONVENTIONS = {
    "i386:x86-64": Convention(("rdi", "rsi", "rdx", "rcx", "r8", "r9"), "rsp", 8, _x86_list),
    "aarch64": Convention(tuple(f"x{number}" for number in range(8)), "sp", 0, _arm64_list),
    # There a va_list is nothing but the place of the next argument.
    "riscv:rv64": Convention(tuple(f"a{number}" for number in range(8)), "sp", 0, _words),
}


def arguments(convention: Convention, register: Register, word: Word) -> Iterator[int]:
    """All that a function may have been given, without end: who asks knows how many there are."""
    yield from map(register, convention.registers)
    yield from _words(register(convention.stack) + convention.skip, word)
