"""Vectorised NumPy: all firms of a cell a step at a time, the dead masked to the end, or squeezed out as they die."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.kernel.cell import exit_step, haste, make_cell, stocks0
from benchmarks.kernel.peer import Cells, Firms, empty
from benchmarks.kernel.step import Stocks, make_step

step = make_step(np.exp, np.maximum, np.minimum, np.where)
SQUEEZE = 0.95
"""Share of firms still alive below which the dead are squeezed out."""


def run_cell(k: Any, steps: int, rng: np.random.Generator, out: Firms, squeeze: bool) -> None:
    """Simulate one cell, into arrays of (firms,)."""
    firms, p = len(out.event), k.p
    buffer, margin = rng.standard_normal((2, firms))
    own_cash, unit_base = (
        p.cash_buffer * np.exp(p.buffer_sd * buffer - p.buffer_sd**2 / 2),
        k.unit + p.margin_sd * margin,
    )
    exits = np.array([exit_step(k, u) for u in rng.random(firms)]) if p.background_exit > 0 else np.full(firms, np.inf)
    s = Stocks(*(np.full(firms, value) for value in stocks0(k)))._replace(cash=own_cash)
    index, alive, alarm, green = (
        np.arange(firms),
        np.ones(firms, bool),
        np.zeros(firms, np.int32),
        np.zeros(firms, np.uint8),
    )
    out.event[:] = steps
    for now, patience in enumerate(haste(k, steps), start=1):
        moved = step(k, s, unit_base, own_cash, *rng.standard_normal((3, len(index))), patience)
        s = moved.stocks
        rings = alive & moved.alarmed & (alarm == 0)
        if rings.any():
            alarm[rings], green[rings] = now, moved.green[rings]
        cause = np.select([moved.insolvent, moved.collapsed, moved.gridlocked, now >= exits], [1, 2, 3, 4])
        ended = alive & (cause > 0)
        if ended.any():
            who = index[ended]
            out.event[who], out.cause[who] = now, cause[ended]
            alive &= ~ended
            if not alive.any():
                break
            if squeeze and alive.mean() < SQUEEZE:
                out.alarm[index], out.green[index] = alarm, green
                s = Stocks(*(column[alive] for column in s))
                unit_base, own_cash, exits = unit_base[alive], own_cash[alive], exits[alive]
                index, alarm, green, alive = index[alive], alarm[alive], green[alive], alive[alive]
    out.alarm[index], out.green[index] = alarm, green


def simulate(cells: Cells, firms: int, seed: int, squeeze: bool) -> Firms:
    """Simulate all cells, one after the other; numbers that stop meaning anything in dead firms are no news."""
    results, rng = empty(len(cells.execution), firms), np.random.Generator(np.random.SFC64(seed))
    with np.errstate(all="ignore"):
        for i, (execution, misalignment) in enumerate(zip(cells.execution, cells.misalignment, strict=True)):
            k = make_cell(cells.parameters, execution, misalignment, cells.steps_per_week)
            run_cell(k, cells.steps, rng, Firms(*(column[i] for column in results)), squeeze)
    return results


def masked(cells: Cells, firms: int, seed: int) -> Firms:
    """Simulate, carrying the dead along."""
    return simulate(cells, firms, seed, squeeze=False)


def compacted(cells: Cells, firms: int, seed: int) -> Firms:
    """Simulate, squeezing the dead out."""
    return simulate(cells, firms, seed, squeeze=True)
