"""Functions of registers and draws, compiled so that tests can call them on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from firmfate.kernel.compiler import vector_lanes
from firmfate.kernel.draws import drawer, head_rows, round_keys
from firmfate.kernel.lanes import Rows, from_lane, store_int
from firmfate.kernel.registers import DOUBLE, WORD, Register

LANES = sorted({1, 4, vector_lanes()})
"""A scalar, half a register of AVX-512, and a register of this processor."""


def applied(
    function: Callable[..., Sequence[Register] | Register], lanes: int, *inputs: np.ndarray
) -> list[np.ndarray]:
    """Return what a function of registers makes of arrays of float64 or uint64, all of one length."""
    kinds = [WORD if values.dtype == np.uint64 else DOUBLE for values in inputs]
    length = -(-len(inputs[0]) // lanes) * lanes
    padded = [np.concatenate([values, np.repeat(values[-1:], length - len(values))]) for values in inputs]
    table = np.array([values.view(np.float64) for values in padded])
    found: list[Any] = []

    @intrinsic
    def work(typing_context, source, target, at):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            read, write = (Rows(context, builder, signature.args[i], arguments[i], stride=length) for i in range(2))
            given = [Register.load(builder, read.at(arguments[2], row), lanes, kind) for row, kind in enumerate(kinds)]
            made = function(*given)
            registers = [made] if isinstance(made, Register) else list(made)
            found[:] = [register.kind for register in registers]
            for row, register in enumerate(registers):
                register.store(write.at(arguments[2], row))
            return context.get_dummy_value()

        return types.void(source, target, types.intp), generate

    @njit
    def loop(source, target, count):  # type: ignore[no-untyped-def]
        for at in range(0, count, lanes):
            work(from_lane(source, 0), from_lane(target, 0), at)

    target = np.zeros(8 * length)
    loop(table.ravel(), target, length)
    rows = target.reshape(8, length)[: len(found), : len(inputs[0])]
    return [row.view(np.uint64) if kind == WORD else row for row, kind in zip(rows, found, strict=True)]


def drawn(
    kinds: tuple[str, ...], stream: int, key: int, replicates: np.ndarray, step: int, *, lanes: int, together: int = 1
) -> np.ndarray:
    """Return the random numbers of a step as the engine draws them, (kinds, replicates)."""
    heads, width = head_rows(kinds), lanes * together
    begin, draw = drawer(kinds, stream, stride=width, lanes=lanes, together=together)

    @njit
    def loop(replicates, step, keys, out):  # type: ignore[no-untyped-def]
        memory = np.zeros((3 + heads + len(kinds)) * width)
        table = from_lane(keys, 0)
        for first in range(0, len(replicates), width):
            for lane in range(width):
                replicate = replicates[min(first + lane, len(replicates) - 1)]
                store_int(memory, lane, np.int64(replicate & np.uint64(0xFFFFFFFF)))
                store_int(memory, width + lane, np.int64(replicate >> np.uint64(32)))
                store_int(memory, 2 * width + lane, np.int64(step))
                begin(memory, lane, 3 * width + lane, table)
            draw(memory, 2 * width, 3 * width, (3 + heads) * width, table)
            for lane in range(min(width, len(replicates) - first)):
                for row in range(len(kinds)):
                    out[row, first + lane] = memory[(3 + heads + row) * width + lane]

    out = np.empty((len(kinds), len(replicates)))
    loop(replicates.astype(np.uint64), step, np.array(round_keys(key), np.uint64).view(np.float64), out)
    return out


__all__ = ["LANES", "applied", "drawn"]
