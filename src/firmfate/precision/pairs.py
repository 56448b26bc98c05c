"""Pairs of cells that are compared, firm by firm under common random numbers: what they differ by, and its error."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.precision.rules import Floats
from firmfate.study.targets import Target
from firmfate.survival.jackknife import limits, standard_error

if TYPE_CHECKING:
    import xarray as xr


class Pairs:
    """Differences of a target, (places,), by the jackknife over common batches.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of all cells, over the axes of the grid; of a list over ``cell``, named.
    target : Target
        The second cell of a pair is at the last value of its axis, or named first: what is subtracted is the other.
    level : float
        Of one place.

    Attributes
    ----------
    estimate, se, shown : arrays
        Years of mean lifetime, or shares of firms alive; `shown` is half the width of Student's limits.
    most : float
        The largest difference that is possible.
    batches : int
    firms : array
        In the cell of each pair that has fewer.
    cells : (places, 2) array of int
        Positions of the cells, what is subtracted first.
    differ, never : arrays of bool
        Where there is an estimate: places in which firms were seen to differ, and those in which none was.
    labels : tuple of str
        Names of the places.
    """

    def __init__(self, ds: xr.Dataset, target: Target, level: float) -> None:
        dims, positions = _laid_out(ds, target)
        pairs = ds.isel(positions)
        firms = pairs["firms"].transpose(*dims).values.reshape(-1, 2)
        valid = (pairs["invalid"] == 0).transpose(*dims).values.reshape(-1, 2)
        counted = pairs["batch_firms"].transpose("batch", *dims).values
        used = counted.reshape(len(counted), -1).any(axis=1)
        summed, full, self.most = _summed(pairs, target, dims)
        summed, counted = (np.where(valid, one[used].reshape(-1, *firms.shape), 0) for one in (summed, counted))
        left = counted.sum(axis=0) - counted
        with np.errstate(invalid="ignore", divide="ignore"):
            means = summed.sum(axis=0) / counted.sum(axis=0) * (self.most / full)
            without = (summed.sum(axis=0) - summed) / left * (self.most / full)
        self.batches = len(counted)
        self.estimate: Floats = means[:, 1] - means[:, 0]
        self.se: Floats = standard_error(without[..., 1] - without[..., 0])
        lower, upper = limits(self.estimate, self.se, self.batches, level)
        self.shown: Floats = (upper - lower) / 2
        self.firms: Floats = firms.min(axis=1).astype(np.float64)
        self.cells: NDArray[np.intp] = numbered(ds).isel(positions).transpose(*dims).values.reshape(-1, 2)
        # Rounding leaves a trace of an error where no firm differs.
        same = (summed[..., 0] == summed[..., 1]).all(axis=0)
        if target.kind == "survival_difference":
            # As many deaths in both cells are other firms' perhaps; none, or everybody's, are not.
            total = summed.sum(axis=0)
            same &= (total == 0).all(axis=1) | (total == counted.sum(axis=0)).all(axis=1)
        defined = np.isfinite(self.estimate) & (self.firms > 0)
        self.differ: NDArray[np.bool_] = defined & ~same
        self.never: NDArray[np.bool_] = defined & same
        self.labels = tuple(_labels(ds, target))


def numbered(ds: xr.Dataset) -> xr.DataArray:
    """Return the position of every cell, (axes...), in the order in which a study has them."""
    firms = ds["firms"]
    return firms.copy(data=np.arange(firms.size).reshape(firms.shape))


def _laid_out(ds: xr.Dataset, target: Target) -> tuple[list[str], dict[str, list[int]]]:
    """Return the dims of places, that of the two cells last, and the positions of both cells along it."""
    named = target.pair(_names(ds))
    dim = "cell" if named else target.dim
    ends = [_names(ds).index(name) for name in reversed(named)] if named else [0, -1]
    return [*(str(other) for other in ds["firms"].dims if other != dim), dim], {dim: ends}


def _names(ds: xr.Dataset) -> list[str]:
    return [str(name) for name in ds["cell"].values] if "cell" in ds.coords else []


def _summed(pairs: xr.Dataset, target: Target, dims: list[str]) -> tuple[NDArray[np.int64], float, float]:
    """Return sums over the firms of each batch (batch, *dims), the largest value of one firm, and what that stands for.

    They are steps lived, of years within the horizon, or firms alive.
    """
    if target.kind != "survival_difference":
        lived = pairs["batch_lifetime"].sel(horizon=target.week).transpose("batch", *dims).values
        return lived, float(pairs.attrs["steps_per_week"]) * target.week, target.week / WEEKS_PER_YEAR
    ended = pairs["batch_events"].sum("cause").sel(bin=slice(None, target.week)).sum("bin")
    return (pairs["batch_firms"] - ended).transpose("batch", *dims).values, 1.0, 1.0


def _labels(ds: xr.Dataset, target: Target) -> Iterator[str]:
    """Yield the name of every place, from the values of its other axes; that of a pair of cells is the pair."""
    if target.pair(_names(ds)):
        yield target.between
        return
    for label in place_labels(ds.isel({target.dim: 0}, drop=True)):
        yield label or "the only place"


def place_labels(ds: xr.Dataset) -> Iterator[str]:
    """Yield the values of the axes at every place of ``firms``: ``speed 1, cost 2``; empty where there is no axis."""
    firms = ds["firms"]
    for place in itertools.product(*(firms[dim].values.tolist() for dim in firms.dims)):
        yield ", ".join(f"{dim} {value:g}" for dim, value in zip(firms.dims, place, strict=True))
