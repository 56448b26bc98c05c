"""From one row a firm to counts: what observed and simulated firms have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import COUNTS, attributes
from firmfate.errors import EstimateError
from firmfate.survival.labels import LARGEST_INTEGER, check_integer, integers

Integers = NDArray[np.int64]


class Rows(NamedTuple):
    """One row for each firm, or for each group of equal firms; each (row,)."""

    cell: Integers  # position in the flattened cells
    cause: Integers  # 0 = censored, 1.. = causes
    week: Integers  # 1..horizon
    batch: Integers
    number: Integers | None = None  # of firms; None: one each
    entry: Integers | None = None  # week at whose end the firm comes under observation; None: 0
    step: Integers | None = None  # of the event or censoring, where steps are no weeks


class Cells(NamedTuple):
    """The cells that rows fall into."""

    dims: list[str]
    coords: dict[str, Any]
    shape: tuple[int, ...]


class Grid(NamedTuple):
    """How finely time and batches are counted, checked."""

    horizon: int
    batches: int
    bin_weeks: int
    horizons: Integers  # of ``batch_lifetime``, ascending; the last is the horizon


def grid_of(horizon: Any, batches: Any, bin_weeks: Any, horizons: Sequence[int]) -> Grid:
    """Check what a caller gave, and return it.

    Raises
    ------
    EstimateError
        Where something is no integer, or out of range.
    """
    last = check_integer(horizon, LARGEST_INTEGER, f"horizon = {horizon}: an integer number of weeks, at least 1")
    bin_weeks, batches = (
        check_integer(size, LARGEST_INTEGER, f"{option} = {size}: an integer, at least 1")
        for option, size in (("bin_weeks", bin_weeks), ("batches", batches))
    )
    taus = integers(horizons)
    if taus is None or taus.ndim != 1 or (taus < 1).any() or (taus > last).any():
        raise EstimateError(f"horizons = {horizons}: a list of integer weeks from 1 to the horizon, {last}")
    return Grid(last, batches, bin_weeks, np.union1d(taus, last))


def tabulate(rows: Rows, cells: Cells, names: Sequence[Any], grid: Grid, *, steps_per_week: float = 1) -> xr.Dataset:
    """Count rows of firms by cell, cause and week, and by batch and bin.

    Parameters
    ----------
    rows : Rows
    cells : Cells
    names : sequence
        Names of the causes 1, 2, ..
    grid : Grid
    steps_per_week : float
        Of ``rows.step``; ``batch_lifetime`` counts steps.

    Returns
    -------
    xarray.Dataset
        ``events``, ``firms``, ``batch_firms``, ``batch_events``; ``censored`` and ``entered`` with those of batches,
        where firms are censored before the horizon or enter late; otherwise ``batch_lifetime``.
    """
    dims, shape, last = cells.dims, cells.shape, grid.horizon
    size, ways = int(np.prod(shape, dtype=np.int64)), len(names) + 1
    bins = np.append(np.arange(grid.bin_weeks, last, grid.bin_weeks), last)
    bin_of = np.searchsorted(bins, np.arange(last + 1))
    weekly = _tally((rows.cell, rows.cause, rows.week - 1), rows.number, (size, ways, last)).reshape(*shape, ways, last)
    binned = _tally(
        (rows.cell, rows.batch, rows.cause, bin_of[rows.week]), rows.number, (size, grid.batches, ways, len(bins))
    ).reshape(*shape, grid.batches, ways, len(bins))
    counted = {
        "events": ((*dims, "cause", "week"), weekly[..., 1:, :]),
        "firms": (tuple(dims), weekly.sum(axis=(-2, -1))),
        "batch_firms": ((*dims, "batch"), binned.sum(axis=(-2, -1))),
        "batch_events": ((*dims, "batch", "cause", "bin"), binned[..., 1:, :]),
    }
    late = None if rows.entry is None else np.flatnonzero(rows.entry > 0)
    early = weekly[..., 0, :-1].any()
    coords = {
        **cells.coords,
        "cause": list(names),
        "week": np.arange(1, last + 1),
        "batch": np.arange(grid.batches),
        "bin": bins,
    }
    if early:
        counted["censored"] = ((*dims, "week"), weekly[..., 0, :])
        counted["batch_censored"] = ((*dims, "batch", "bin"), binned[..., 0, :])
    if late is not None and late.size:
        cell, entry, batch = rows.cell[late], rows.entry[late], rows.batch[late]  # type: ignore[index]
        number = None if rows.number is None else rows.number[late]
        entered = _tally((cell, entry - 1), number, (size, last))
        in_bins = _tally((cell, batch, bin_of[entry]), number, (size, grid.batches, len(bins)))
        counted["entered"] = ((*dims, "week"), entered.reshape(*shape, last))
        counted["batch_entered"] = ((*dims, "batch", "bin"), in_bins.reshape(*shape, grid.batches, len(bins)))
    elif not early:
        counted["batch_lifetime"] = ((*dims, "batch", "horizon"), _lifetimes(rows, shape, grid, steps_per_week))
        coords["horizon"] = grid.horizons
    ds = xr.Dataset(counted, coords=coords, attrs={"steps_per_week": steps_per_week})
    for name in map(str, ds.data_vars):
        ds[name].attrs = attributes(name)
    return ds


def _lifetimes(rows: Rows, shape: tuple[int, ...], grid: Grid, steps_per_week: float) -> Integers:
    """Sums of min(lifetime, horizon) in steps, (cells..., batch, horizon)."""
    step = rows.week if rows.step is None else rows.step
    size = int(np.prod(shape, dtype=np.int64))
    sums = []
    for tau in grid.horizons:
        steps = np.minimum(step, round(tau * steps_per_week))
        weights = steps if rows.number is None else rows.number * steps
        sums.append(_tally((rows.cell, rows.batch), weights, (size, grid.batches)))
    return np.stack(sums, axis=-1).reshape(*shape, grid.batches, len(sums))


def _tally(where: tuple[Integers, ...], number: Integers | None, shape: tuple[int, ...]) -> Integers:
    """Add up ``number`` (1 each, where None) in the places of an array of this shape; exact up to 2^53."""
    flat = np.ravel_multi_index(where, shape)
    sums = np.bincount(flat, weights=number, minlength=int(np.prod(shape, dtype=np.int64)))
    return np.rint(sums).astype(np.int64).reshape(shape)


def names_of_counts(names: Sequence[str]) -> list[str]:
    """Return those of some names that counts use themselves."""
    taken = {"week", "cause", "batch", "bin", "horizon", "cell", *COUNTS}
    return [name for name in names if name in taken]
