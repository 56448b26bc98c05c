"""Counts of a process whose mean lifetimes are known exactly: constant hazards that execution lowers or raises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from firmfate.counts import BIN_WEEKS

WEEKS, BATCHES, FIRMS = 208, 32, 3200
EXECUTION = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
MISALIGNMENT = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def hazard(execution: float | np.ndarray, misalignment: float | np.ndarray, effect: float = 1.0) -> np.ndarray:
    """Hazard a week: execution lowers it below misalignment 0.4 and raises it above."""
    return np.asarray(0.008 * np.exp(effect * 1.5 * execution * (misalignment - 0.4)))


def true_lifetime(execution: float, misalignment: float) -> float:
    """Mean of min(lifetime in integer weeks, WEEKS), in years."""
    survival = np.exp(-hazard(execution, misalignment))
    return float((survival ** np.arange(WEEKS)).sum() / 52)


def true_turning_point() -> float:
    """Zero of the effect between grid points, by linear interpolation as the estimator's."""
    effect = np.array([true_lifetime(1.0, m) - true_lifetime(0.0, m) for m in MISALIGNMENT])
    after = int(np.flatnonzero(effect < 0)[0])
    share = effect[after - 1] / (effect[after - 1] - effect[after])
    return float(MISALIGNMENT[after - 1] + share * (MISALIGNMENT[after] - MISALIGNMENT[after - 1]))


def counts(
    *, seed: int = 0, effect: float = 1.0, common: bool = True, weekly: Callable[..., np.ndarray] = hazard
) -> xr.Dataset:
    """Return counts of firms with exponential lifetimes, by default under common random numbers."""
    rng = np.random.Generator(np.random.Philox(seed))
    rate = weekly(EXECUTION[:, None], MISALIGNMENT[None, :], effect)[..., None]
    uniform = rng.random(FIRMS) if common else rng.random((*rate.shape[:2], FIRMS))
    week = np.ceil(-np.log(uniform) / rate).astype(int)
    cells = np.broadcast_to(np.arange(25).reshape(5, 5, 1), week.shape)
    batch = np.broadcast_to(np.arange(FIRMS) % BATCHES, week.shape)
    ended = np.zeros((25, BATCHES, 1, WEEKS), dtype=np.int64)
    seen = week <= WEEKS
    np.add.at(ended, (cells[seen], batch[seen], 0, week[seen] - 1), 1)
    lived = np.minimum(week, WEEKS).reshape(5, 5, FIRMS // BATCHES, BATCHES).sum(axis=2)
    axes = ("execution", "misalignment")
    return xr.Dataset(
        {
            "events": ((*axes, "cause", "week"), ended.sum(axis=1).reshape(5, 5, 1, WEEKS)),
            "firms": (axes, np.full((5, 5), FIRMS)),
            "batch_firms": ((*axes, "batch"), np.full((5, 5, BATCHES), FIRMS // BATCHES)),
            "batch_events": (
                (*axes, "batch", "cause", "bin"), ended.reshape(5, 5, BATCHES, 1, -1, BIN_WEEKS).sum(axis=-1)
            ),
            "batch_lifetime": ((*axes, "batch", "horizon"), lived[..., None]),
        },
        coords={
            "execution": EXECUTION, "misalignment": MISALIGNMENT, "cause": ["exit"], "week": np.arange(1, WEEKS + 1),
            "bin": np.arange(BIN_WEEKS, WEEKS + 1, BIN_WEEKS), "horizon": [WEEKS],
        },
        attrs={"steps_per_week": 1},
    )  # fmt: skip
