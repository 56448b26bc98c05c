"""Targets that compare cells: differences along an axis, their signs, and where the effect of execution turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis import Lifetimes, turning_point
from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.precision.reached import Measured
from firmfate.precision.rules import MOST_GROWTH_OF_SIGNS, SAFETY, Floats, firms_needed, firms_or_more
from firmfate.precision.sequences import difference_half_width, sequence_quantile, student_for
from firmfate.study.targets import Target
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.jackknife import limits, standard_error

if TYPE_CHECKING:
    import xarray as xr

COUNTS = ("events", "firms", "invalid", "batch_firms", "batch_lifetime")
"""What is read of all cells at once."""

UNCLEAR = 4.0
"""Standard errors within which the sign of an effect counts as unclear."""


def measure_difference(ds: xr.Dataset, target: Target, level: float) -> Measured:
    """Return the mean lifetime at the last value of an axis less that at its first, at all values of other axes.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of all cells, over the axes of the grid.
    target : Target
    level : float
        Of one place.
    """
    at = _Along(ds, target, level)
    half = np.fmax(difference_half_width(at.se, at.firms, normal_quantile(level), at.most), at.shown)
    return Measured(
        target, level, half=half, firms=at.firms, counts=at.differ, never=at.never, narrow=half <= target.within,
        needed=np.maximum(firms_needed(at.firms, half, target.within), at.firms), cells=at.cells,
    )  # fmt: skip


def measure_sign(
    ds: xr.Dataset, target: Target, level: float, *, first: int, known: NDArray[np.int8] | None
) -> Measured:
    """Return the sign of that difference, where it is known.

    Parameters
    ----------
    ds, target, level
        As for `measure_difference`.
    first : int
        Firms a cell at the first look.
    known : (places,) array, optional
        Signs that were decided at earlier looks: limits hold at all looks at once, so a decision stays.
    """
    at = _Along(ds, target, level)
    z = student_for(sequence_quantile(at.firms, first, level), at.batches - 1)
    half = difference_half_width(at.se, at.firms, z, at.most)
    signs = np.where(at.differ & (np.abs(at.estimate) > half), np.sign(at.estimate), 0).astype(np.int8)
    if known is not None:
        signs = np.where(known != 0, known, signs)
    # Looks cost nothing but the gathering: small steps, so that few firms are simulated after a sign is known.
    distance = np.where(at.estimate == 0, np.nan, np.abs(at.estimate))
    needed = np.fmin(firms_needed(at.firms, half, distance), MOST_GROWTH_OF_SIGNS / SAFETY * at.firms)
    return Measured(
        target, level, half=half, firms=at.firms, counts=at.differ | (signs != 0), never=at.never & (signs == 0),
        narrow=signs != 0, needed=np.maximum(needed, at.firms), cells=at.cells, signs=signs, labels=at.labels,
    )  # fmt: skip


def measure_turning(ds: xr.Dataset, target: Target, level: float) -> Measured:
    """Return m*, one for every value of the other axes; it grows in the cells on either side of it."""
    at = poles(ds)
    if at is None:
        raise TypeError("m* without execution and misalignment as axes")
    found = turning_point(ds, level=level)
    estimate, se, width = (
        np.atleast_1d(one.values).ravel() for one in (found["estimate"], found["se"], found["upper"] - found["lower"])
    )
    # Without any variation there is no interval: the effect is exactly 0 in a cell, in every batch.
    defined = np.isfinite(estimate) & (se != 0)
    half = width / 2
    known = np.isfinite(half)
    cells = _around(ds, at, np.where(defined, estimate, np.nan))
    firms = ds["firms"].values.ravel()[cells].min(axis=1).astype(np.float64)
    # m* is there, but not in every batch's absence: its error is not known yet.
    needed = firms_or_more(firms, half, target.within, known)
    return Measured(
        target, level, half=half, firms=firms, counts=defined, never=np.zeros(defined.shape, bool),
        narrow=known & (half <= target.within), needed=needed, cells=cells,
    )  # fmt: skip


def _around(ds: xr.Dataset, at: Poles, turning: Floats) -> NDArray[np.intp]:
    """Return the cells in which the effect of execution may change its sign, (places, k), some of them repeatedly.

    They are those at the two misalignments next to m*, and those in which the effect is within 4 standard errors of 0:
    with more firms m* may be found between these.
    """
    effect = Lifetimes(ds).apply(at.effect)
    estimate, se = (effect[name].transpose(..., MISALIGNMENT).values for name in ("estimate", "se"))
    estimate, se = (one.reshape(-1, one.shape[-1]) for one in (estimate, se))
    values, m = ds[MISALIGNMENT].values.astype(np.float64), turning[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        near = np.abs(estimate) <= UNCLEAR * se
        below = np.where(values <= m, values, -np.inf).max(axis=1, keepdims=True)
        above = np.where(values >= m, values, np.inf).min(axis=1, keepdims=True)
    near |= (values == below) | (values == above)
    places = ds["firms"].copy(data=np.arange(ds["firms"].size).reshape(ds["firms"].shape))
    used = places.sel({EXECUTION: [at.weak, at.strong]}).transpose(..., MISALIGNMENT, EXECUTION)
    cells = used.values.reshape(*near.shape, 2)
    first = np.take_along_axis(cells, near.argmax(axis=1)[:, np.newaxis, np.newaxis], axis=1)
    found: NDArray[np.intp] = np.where(near[..., np.newaxis], cells, first).reshape(len(near), -1)
    return found


class _Along:
    """Differences in mean lifetime along an axis, (places,), in years, by the jackknife over common batches."""

    def __init__(self, ds: xr.Dataset, target: Target, level: float) -> None:
        dim, week = target.dim, target.week
        ends = ds.isel({dim: [0, -1]})
        dims = [*(other for other in ends["firms"].dims if other != dim), dim]
        valid = (ends["invalid"] == 0).transpose(*dims).values.reshape(-1, 2)
        firms = ends["firms"].transpose(*dims).values.reshape(-1, 2)
        lived = ends["batch_lifetime"].sel(horizon=week).transpose("batch", *dims).values
        counted = ends["batch_firms"].transpose("batch", *dims).values
        used = counted.reshape(len(counted), -1).any(axis=1)
        lived, counted = (np.where(valid, one[used].reshape(-1, *firms.shape), 0) for one in (lived, counted))
        left = counted.sum(axis=0) - counted
        years = float(ds.attrs["steps_per_week"]) * WEEKS_PER_YEAR
        with np.errstate(invalid="ignore", divide="ignore"):
            means = lived.sum(axis=0) / counted.sum(axis=0) / years
            without = (lived.sum(axis=0) - lived) / left / years
        self.batches = len(counted)
        self.estimate: Floats = means[:, 1] - means[:, 0]
        self.se: Floats = standard_error(without[..., 1] - without[..., 0])
        lower, upper = limits(self.estimate, self.se, self.batches, level)
        self.shown: Floats = (upper - lower) / 2
        self.most = week / WEEKS_PER_YEAR
        self.firms: Floats = firms.min(axis=1).astype(np.float64)
        places = np.arange(ds["firms"].size).reshape(ds["firms"].shape)
        self.cells: NDArray[np.intp] = (
            ds["firms"].copy(data=places).isel({dim: [0, -1]}).transpose(*dims).values.reshape(-1, 2)
        )
        # Rounding leaves a trace of an error where no firm differs.
        exact = (lived[..., 0] == lived[..., 1]).all(axis=0)
        defined = np.isfinite(self.estimate) & (self.firms > 0)
        self.differ: NDArray[np.bool_] = defined & ~exact
        self.never: NDArray[np.bool_] = defined & exact
        self.labels = tuple(_labels(ds.isel({dim: 0}, drop=True)))


def _labels(over: xr.Dataset) -> Iterator[str]:
    """Yield the name of every place, from the values of its axes."""
    dims = [str(dim) for dim in over["firms"].dims]
    for place in np.ndindex(over["firms"].shape):
        values = labels_of(over, dict(zip(dims, place, strict=True)))
        yield ", ".join(f"{name} {value:g}" for name, value in values.items()) or "the only place"
