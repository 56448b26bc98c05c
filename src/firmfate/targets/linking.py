"""From one WebAssembly object to a module: what a linker would do where nothing is to be linked.

LLVM has laid out functions and data of an object already, as if it stood alone, which it does. It takes memory and
stack from outside; here the module gets its own.

References
----------
WebAssembly Core Specification, 5.5 Modules; tool-conventions, Linking.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

CUSTOM, TYPE, IMPORT, FUNCTION, MEMORY, GLOBAL, EXPORT, CODE, DATA, DATA_COUNT = 0, 1, 2, 3, 5, 6, 7, 10, 11, 12
ORDER = (TYPE, FUNCTION, MEMORY, GLOBAL, EXPORT, DATA_COUNT, CODE, DATA)
PAGE, ALIGNED = 2**16, 16
I32, CONSTANT, I32_CONST, END = b"\x7f", b"\x00", b"\x41", b"\x0b"


class Import(NamedTuple):
    """What an object takes from outside."""

    name: str
    kind: int


class Reader:
    """Reads numbers and names of a binary, from a place on."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """Return the next unsigned number, in LEB128."""
        found = shift = 0
        while True:
            byte = self.take(1)[0]
            found |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return found

    def name(self) -> str:
        """Return the next name."""
        return self.take(self.number()).decode()


def number(value: int) -> bytes:
    """Return a number from 0 on, in unsigned LEB128."""
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def signed(value: int) -> bytes:
    """Return a number from 0 on, in signed LEB128."""
    found = number(value)
    return found if found[-1] < 64 else found[:-1] + bytes([found[-1] | 128, 0])


def named(name: str) -> bytes:
    """Return a name."""
    return number(len(name.encode())) + name.encode()


def sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of a binary's sections."""
    reader = Reader(binary, 8)
    while reader.at < len(binary):
        kind = reader.take(1)[0]
        yield kind, reader.take(reader.number())


def imports(section: bytes) -> Iterator[Import]:
    """Yield what an object takes from outside: functions by a type; memories and tables by limits; globals."""
    reader = Reader(section)
    for _ in range(reader.number()):
        reader.name()
        name, kind = reader.name(), reader.take(1)[0]
        if kind == 0:
            reader.number()
        elif kind == 3:
            reader.take(2)
        else:
            reader.take(kind == 1)
            limits = reader.take(1)[0]
            for _ in range(1 + (limits & 1)):
                reader.number()
        yield Import(name, kind)


def end_of_data(section: bytes) -> int:
    """Return where the data of an object end in memory."""
    reader, end = Reader(section), 0
    for _ in range(reader.number()):
        assert reader.number() == 0, "data at a known place"
        assert reader.take(1) == I32_CONST
        place = reader.number()
        assert reader.take(1) == END
        size = reader.number()
        reader.take(size)
        end = max(end, place + size)
    return end


def linked(binary: bytes, *, functions: Sequence[str], about: Mapping[str, bytes]) -> bytes:
    """Return a module that exports its first functions, its memory, and where that is free.

    Parameters
    ----------
    binary : bytes
        An object whose functions call each other alone, and need no stack in memory.
    functions : sequence of str
        Names of the object's first functions.
    about : mapping
        Name -> content of sections that engines pass over.

    Returns
    -------
    bytes
    """
    found = dict(sections(binary))
    for taken in imports(found.get(IMPORT, number(0))):
        if taken.name != "__linear_memory":
            raise RuntimeError(f"internal error: the WebAssembly object takes '{taken.name}' from outside")
    free = -(-end_of_data(found.get(DATA, number(0))) // ALIGNED) * ALIGNED + ALIGNED
    found[MEMORY] = number(1) + b"\x00" + number(1 + free // PAGE)
    found[GLOBAL] = number(1) + I32 + CONSTANT + I32_CONST + signed(free) + END
    exports = [named(name) + b"\x00" + number(i) for i, name in enumerate(functions)]
    exports += [named("memory") + b"\x02" + number(0), named("__heap_base") + b"\x03" + number(0)]
    found[EXPORT] = number(len(exports)) + b"".join(exports)
    parts = [(kind, found[kind]) for kind in ORDER if kind in found]
    parts += [(CUSTOM, named(name) + content) for name, content in about.items()]
    return binary[:8] + b"".join(bytes([kind]) + number(len(content)) + content for kind, content in parts)
