"""Counts of scattered cells whose mean lifetimes are known: constant hazards of four axes, one without effect."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.counts import BIN_WEEKS

WEEKS, BATCHES = 208, 32
AXES = ("buffer", "price", "overhead", "colour")


def log_hazard(x: np.ndarray) -> np.ndarray:
    """Return the logarithm of the hazard a week of points (n, 4) in the unit cube: a slope, a hump, an interaction."""
    u = 2 * x - 1
    return np.asarray(np.log(0.006) - 0.5 * u[:, 0] + 0.6 * u[:, 1] ** 2 + 0.3 * u[:, 2] * u[:, 0])


def true_lifetimes(x: np.ndarray) -> np.ndarray:
    """Return means of min(lifetime in integer weeks, WEEKS), years (n,)."""
    survival = np.exp(-np.exp(log_hazard(x)))
    return np.asarray((1 - survival**WEEKS) / (1 - survival) / 52)


def cube(points: int, seed: int) -> np.ndarray:
    """Return a Latin hypercube (points, 4)."""
    random = np.random.Generator(np.random.Philox(seed))
    slices = np.stack([random.permutation(points) for _ in AXES], axis=1)
    return np.asarray((slices + random.random(slices.shape)) / points)


def scattered(
    points: int = 80, *, seed: int = 0, firms: int = 640, shuffled: bool = False
) -> tuple[xr.Dataset, np.ndarray]:
    """Return counts, and the points; where shuffled, labels of cells have nothing to do with their hazards."""
    random = np.random.Generator(np.random.Philox(seed + 1000))
    x = cube(points, seed)
    rate = np.exp(log_hazard(x))[:, None]
    week = np.ceil(-np.log(random.random(firms)) / rate).astype(int)
    batch = np.broadcast_to(np.arange(firms) % BATCHES, week.shape)
    cell = np.broadcast_to(np.arange(points)[:, None], week.shape)
    ended = np.zeros((points, BATCHES, 1, WEEKS), dtype=np.int64)
    seen = week <= WEEKS
    np.add.at(ended, (cell[seen], batch[seen], 0, week[seen] - 1), 1)
    lived = np.minimum(week, WEEKS).reshape(points, firms // BATCHES, BATCHES).sum(axis=1)
    if shuffled:
        x = cube(points, seed + 1)
    binned = ended.reshape(points, BATCHES, 1, -1, BIN_WEEKS).sum(axis=-1)
    ds = xr.Dataset(
        {
            "events": (("cell", "cause", "week"), ended.sum(axis=1)),
            "firms": (("cell",), np.full(points, firms)),
            "batch_firms": (("cell", "batch"), np.full((points, BATCHES), firms // BATCHES)),
            "batch_events": (("cell", "batch", "cause", "bin"), binned),
            "batch_lifetime": (("cell", "batch", "horizon"), lived[..., None]),
            **{name: (("cell",), 10 * x[:, place], {"parameter": name}) for place, name in enumerate(AXES)},
        },
        coords={
            "cause": ["exit"], "week": np.arange(1, WEEKS + 1), "bin": np.arange(BIN_WEEKS, WEEKS + 1, BIN_WEEKS),
            "horizon": [WEEKS],
        },
        attrs={"steps_per_week": 1},
    )  # fmt: skip
    return ds, x
