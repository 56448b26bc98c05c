"""JAX on the CPU in float64: a compiled scan over two years of steps at a time, the dead squeezed out between scans.

Squeezed arrays are padded to a few sizes, so that only those are ever compiled.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from benchmarks.kernel.cell import Cell, haste, make_cell, stocks0
from benchmarks.kernel.parameters import DEFAULTS
from benchmarks.kernel.peer import Cells, Firms, NotHere, empty
from benchmarks.kernel.step import Stocks, make_step

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
try:
    import jax
    import jax.numpy as jnp
    from jax import lax
except ImportError as error:
    raise NotHere(f"JAX is not installed ({error})") from error

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

CHUNK = 104
"""Steps of one scan."""
step = make_step(jnp.exp, jnp.maximum, jnp.minimum, jnp.where)


def one(k: Cell, horizon: Any, carry: Any, inputs: Any) -> Any:
    """Move all firms by one step and note what happened to those still alive."""
    s, unit_base, own_cash, event, cause, alarm, green = carry
    now, patience, normals = inputs
    moved = step(k, s, unit_base, own_cash, normals[0], normals[1], normals[2], patience)
    alive = (cause == 0) & (now <= horizon)
    rings = alive & moved.alarmed & (alarm == 0)
    ended = jnp.where(moved.insolvent, 1, jnp.where(moved.collapsed, 2, jnp.where(moved.gridlocked, 3, 0))).astype(
        jnp.int8
    )
    event, cause = jnp.where(alive, now, event), jnp.where(alive, ended, cause)
    alarm, green = jnp.where(rings, now, alarm), jnp.where(rings, moved.green, green)
    return (moved.stocks, unit_base, own_cash, event, cause, alarm, green), None


@jax.jit
def chunk(k: Cell, patience: Any, horizon: Any, carry: Any, first: Any, key: Any) -> Any:
    """Return the carry after CHUNK steps from step `first`; compiled once for each array size, whatever the cell."""
    normals = jax.random.normal(key, (CHUNK, 3, carry[1].shape[0]), jnp.float64)
    steps = first + jnp.arange(CHUNK, dtype=jnp.int32)
    return lax.scan(
        partial(one, k, horizon), carry, (steps, lax.dynamic_slice(patience, (first - 1,), (CHUNK,)), normals)
    )[0]


def padded(state: Any) -> Any:
    """Return arrays of the next size of 64, 128, 256, ... at or above theirs; what is added is never read."""
    size = max(64, 1 << (len(state[1]) - 1).bit_length())
    return jax.tree.map(lambda column: jnp.asarray(np.resize(column, size)), state)


def taken(state: Any, index: np.ndarray) -> Any:
    """Return the firms of `index` alone."""
    return jax.tree.map(lambda column: column[index], state)


def simulate(cells: Cells, firms: int, seed: int) -> Firms:
    """Simulate all cells, one after the other."""
    if cells.parameters[list(DEFAULTS).index("background_exit")] > 0:
        raise NotHere("the JAX peer knows no background exit")
    results = empty(len(cells.execution), firms)
    rng, key = np.random.default_rng(seed), jax.random.key(seed)
    for i, (execution, misalignment) in enumerate(zip(cells.execution, cells.misalignment, strict=True)):
        k = make_cell(cells.parameters, execution, misalignment, cells.steps_per_week)
        p, patience = k.p, np.pad(haste(k, cells.steps), (0, CHUNK), mode="edge")
        buffer, margin = rng.standard_normal((2, firms))
        own_cash = p.cash_buffer * np.exp(p.buffer_sd * buffer - p.buffer_sd**2 / 2)
        s = Stocks(*(np.full(firms, value) for value in stocks0(k)))._replace(cash=own_cash)
        state = (
            s,
            k.unit + p.margin_sd * margin,
            own_cash,
            np.zeros(firms, np.int32),
            np.zeros(firms, np.int8),
            np.zeros(firms, np.int32),
            np.zeros(firms),
        )
        index = np.arange(firms)
        for first in range(1, cells.steps + 1, CHUNK):
            key, now = jax.random.split(key)
            carry = chunk(k, patience, jnp.int32(cells.steps), padded(state), jnp.int32(first), now)
            carry = jax.tree.map(np.asarray, carry)
            for column, values in zip(results, carry[3:], strict=True):
                column[i, index] = values[: len(index)]
            alive = np.flatnonzero(carry[4][: len(index)] == 0)
            if not len(alive):
                break
            state, index = taken(carry, alive), index[alive]
    return results
