"""One firm after the other in compiled Numba: a scalar step, math.exp, with our random numbers or with np.random."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from benchmarks.kernel.cell import exit_step, haste, make_cell, stocks0
from benchmarks.kernel.peer import Cells, Firms, Simulate, empty
from benchmarks.kernel.step import Stocks, make_step

TURN = 2 * math.pi
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
M0, M1, W0, W1 = (np.uint64(c) for c in (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85))

choose = numba.njit(inline="always")(lambda condition, a, b: a if condition else b)
maximum = numba.njit(inline="always")(lambda a, b: a if a > b else b)
minimum = numba.njit(inline="always")(lambda a, b: a if a < b else b)
step = numba.njit(make_step(math.exp, maximum, minimum, choose), error_model="numpy")


@numba.njit
def philox(seed: Any, replicate: Any, count: Any, stream: Any) -> Any:
    """Return the four words of Philox4x32-10, key `seed`, counter (replicate low, replicate high, count, stream)."""
    x0, x1, x2, x3 = np.uint64(replicate) & LOW, np.uint64(replicate) >> HALF, np.uint64(count), np.uint64(stream)
    a, b = np.uint64(seed) & LOW, np.uint64(seed) >> HALF
    for _ in range(10):
        p0, p1 = M0 * x0, M1 * x2
        x0, x1, x2, x3 = (p1 >> HALF) ^ x1 ^ a, p1 & LOW, (p0 >> HALF) ^ x3 ^ b, p0 & LOW
        a, b = (a + W0) & LOW, (b + W1) & LOW
    return x0, x1, x2, x3


@numba.njit
def uniform(word: Any) -> Any:
    """Return (word + 1/2) 2^-32."""
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@numba.njit
def normal_pair(first: Any, second: Any) -> Any:
    """Return two normals: the angle within a half turn by the second word's upper 31 bits, the sign by its last."""
    r = math.sqrt(-2 * math.log(uniform(first)))
    if second & np.uint64(1):
        r = -r
    angle = TURN * (np.float64(np.int64(second | np.uint64(1))) * 2.0**-33 - 0.25)
    return r * math.cos(angle), r * math.sin(angle)


@numba.njit
def counted(seed: Any, replicate: Any, count: Any, stream: Any) -> Any:
    """Return three numbers by our layout: two normals, and a normal (stream 0) or a uniform (stream 1)."""
    w0, w1, w2, w3 = philox(seed, replicate, count, stream)
    first, second = normal_pair(w0, w1)
    return first, second, normal_pair(w2, w3)[0] if stream == 0 else uniform(w2)


@numba.njit
def drawn(seed: Any, replicate: Any, count: Any, stream: Any) -> Any:
    """Return three numbers of NumPy's legacy generator, Numba's np.random; what is asked for plays no part."""
    third = np.random.standard_normal() if stream == 0 else np.random.random()  # noqa: NPY002
    return np.random.standard_normal(), np.random.standard_normal(), third  # noqa: NPY002


@numba.njit
def reseed(seed: Any) -> None:
    """Seed Numba's np.random."""
    np.random.seed(seed)  # noqa: NPY002


def make_life(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled loop over the firms of a cell, its numbers from `draw(seed, replicate, step, stream)`."""
    compiled_exit = numba.njit(exit_step)

    @numba.njit(error_model="numpy")
    def lives(k, start, patience, seed, event, cause, alarm, green):  # type: ignore[no-untyped-def]
        p, steps = k.p, len(patience)
        for firm in range(len(event)):
            buffer, margin, leave = draw(seed, firm, 0, 1)
            own_cash = p.cash_buffer * math.exp(p.buffer_sd * buffer - p.buffer_sd**2 / 2)
            unit_base, exits = k.unit + p.margin_sd * margin, compiled_exit(k, leave)
            s = Stocks(*start[:15], own_cash, *start[16:])
            event[firm], alarm[firm], green[firm] = steps, 0, 0
            for now in range(1, steps + 1):
                e1, e2, e3 = draw(seed, firm, now - 1, 0)
                moved = step(k, s, unit_base, own_cash, e1, e2, e3, patience[now - 1])
                s = moved.stocks
                if moved.alarmed and alarm[firm] == 0:
                    alarm[firm], green[firm] = now, int(moved.green)
                ended = (
                    1
                    if moved.insolvent
                    else 2
                    if moved.collapsed
                    else 3
                    if moved.gridlocked
                    else 4
                    if now >= exits
                    else 0
                )
                if ended:
                    event[firm], cause[firm] = now, ended
                    break

    return lives


def make_simulate(draw: Callable[..., Any]) -> Simulate:
    """Return the peer that draws its numbers so."""
    lives = make_life(draw)

    def simulate(cells: Cells, firms: int, seed: int) -> Firms:
        results = empty(len(cells.execution), firms)
        reseed(seed & 0xFFFFFFFF)
        for i, (execution, misalignment) in enumerate(zip(cells.execution, cells.misalignment, strict=True)):
            k = make_cell(cells.parameters, execution, misalignment, cells.steps_per_week)
            lives(k, tuple(stocks0(k)), haste(k, cells.steps), np.uint64(seed), *(column[i] for column in results))
        return results

    return simulate


same_numbers = make_simulate(counted)
numpy_random = make_simulate(drawn)
