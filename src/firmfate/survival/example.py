"""A small dataset for examples and tests: 3 x 2 cells, 320 firms, two causes, 104 weeks, common random numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.variables import BIN_WEEKS, attributes

FIRMS, BATCHES, WEEKS = 320, 32, 104
EXECUTION = (0.0, 0.5, 1.0)
MISALIGNMENT = (0.0, 1.0)
CAUSES = ("insolvency", "exit")
HORIZONS = (52, 104)


def example() -> xr.Dataset:
    """Return counts of exponential lives whose hazard rises with execution where there is misalignment.

    The hazard per week is 0.003 + 0.002 (1 + 8 E M) for an end by "exit" and "insolvency"; each firm has the same
    two random numbers in all cells.

    Returns
    -------
    xarray.Dataset
        As ``result.nc`` holds it: ``events``, ``firms``, ``invalid``, ``batch_firms``, ``batch_events``,
        ``batch_lifetime``.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> dict(example().sizes)
    {'execution': 3, 'misalignment': 2, 'cause': 2, 'week': 104, 'batch': 32, 'bin': 8, 'horizon': 2}
    """
    luck = np.random.Generator(np.random.Philox(20261123)).random((2, FIRMS))
    execution = np.asarray(EXECUTION)[:, None, None]
    misalignment = np.asarray(MISALIGNMENT)[None, :, None]
    leaving, failing = 0.003, 0.002 * (1 + 8 * execution * misalignment)
    week = np.ceil(-np.log(luck[0]) / (leaving + failing)).astype(np.int_)
    cause = np.where(luck[1] * (leaving + failing) < failing, 0, 1)
    batch = np.broadcast_to(np.arange(FIRMS) % BATCHES, week.shape)
    cells = np.broadcast_to(np.arange(6).reshape(3, 2, 1), week.shape)

    ended = np.zeros((6, BATCHES, 2, WEEKS), dtype=np.uint32)
    observed = week <= WEEKS
    np.add.at(ended, (cells[observed], batch[observed], cause[observed], week[observed] - 1), 1)
    lived = np.stack([np.minimum(week, horizon) for horizon in HORIZONS], axis=-1)
    lifetime = lived.reshape(3, 2, FIRMS // BATCHES, BATCHES, len(HORIZONS)).sum(axis=2)
    in_cells = (3, 2)
    axes = ("execution", "misalignment")
    binned = ended.reshape(*in_cells, BATCHES, 2, WEEKS // BIN_WEEKS, BIN_WEEKS).sum(axis=-1, dtype=np.uint32)
    ds = xr.Dataset(
        {
            "events": ((*axes, "cause", "week"), ended.sum(axis=1, dtype=np.uint32).reshape(*in_cells, 2, WEEKS)),
            "firms": (axes, np.full(in_cells, FIRMS, dtype=np.uint64)),
            "invalid": (axes, np.zeros(in_cells, dtype=np.uint64)),
            "batch_firms": ((*axes, "batch"), np.full((*in_cells, BATCHES), FIRMS // BATCHES, dtype=np.uint32)),
            "batch_events": ((*axes, "batch", "cause", "bin"), binned),
            "batch_lifetime": ((*axes, "batch", "horizon"), lifetime.astype(np.uint64)),
        },
        coords={
            "execution": list(EXECUTION),
            "misalignment": list(MISALIGNMENT),
            "cause": list(CAUSES),
            "week": np.arange(1, WEEKS + 1),
            "batch": np.arange(BATCHES),
            "bin": np.arange(BIN_WEEKS, WEEKS + 1, BIN_WEEKS),
            "horizon": list(HORIZONS),
        },
        attrs={"steps_per_week": 1},
    )
    for name in ds.data_vars:
        ds[name].attrs = attributes(str(name))
    return ds
