"""The cells of any design with the longest and the shortest mean lifetime."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labelled, labels_of
from firmfate.analysis.formatting import Estimate
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.errors import EstimateError
from firmfate.survival.core.limits import normal_quantile


class ExtremeCell(NamedTuple):
    """The cell with the longest or the shortest mean lifetime.

    Attributes
    ----------
    where : dict
        Axis -> value.
    rmst, se : float
        Mean lifetime and its standard error, years.
    place : dict
        Dim -> position.

    Examples
    --------
    See `extreme_cells`.
    """

    where: dict[str, float | str]
    rmst: float
    se: float
    place: dict[str, int]

    @property
    def value(self) -> Estimate:
        """The mean lifetime, years."""
        return Estimate(self.rmst, self.se)


def difference_of_extremes(lifetimes: Lifetimes, longest: ExtremeCell, shortest: ExtremeCell) -> tuple[Estimate, bool]:
    """Return by how many years the extremes differ, and whether the difference is significant at 5 %.

    Both were chosen among all cells, so the level is Bonferroni's for all pairs. Where there are too few batches, the
    variances of the two cells are added, which is too much where cells share random numbers.
    """
    cells = int(lifetimes.estimate.notnull().sum())
    level = 1 - 0.05 / (cells * (cells - 1) / 2)
    apart = lifetimes.apply(lambda years: years.isel(longest.place) - years.isel(shortest.place), level=level)
    difference = Estimate.of(apart)
    if np.isfinite(difference.se):
        return difference, difference.lower > 0
    return difference, difference.estimate > normal_quantile(level) * float(np.hypot(longest.se, shortest.se))


def extreme_cells(ds: xr.Dataset, *, tau: int | None = None) -> tuple[ExtremeCell, ExtremeCell]:
    """Return the cells with the longest and the shortest mean lifetime, the same cell twice where there is one.

    Raises
    ------
    EstimateError
        Where no cell has an estimate.

    Examples
    --------
    >>> from firmfate.analysis import extreme_cells
    >>> from firmfate.survival import example
    >>> longest, shortest = extreme_cells(example())
    >>> shortest.where, round(shortest.rmst, 2)
    ({'execution': 1.0, 'misalignment': 1.0}, 0.89)
    """
    return extremes_of(Lifetimes(labelled(ds), tau=tau))


def extremes_of(lifetimes: Lifetimes) -> tuple[ExtremeCell, ExtremeCell]:
    """Return `extreme_cells` of lifetimes at hand."""
    years = lifetimes.estimate.values
    if not np.isfinite(years).any():
        raise EstimateError("no cell has an estimate: each holds no firm, or firms whose arithmetic failed")
    return _cell(lifetimes, int(np.nanargmax(years))), _cell(lifetimes, int(np.nanargmin(years)))


def _cell(lifetimes: Lifetimes, flat: int) -> ExtremeCell:
    place = np.unravel_index(flat, lifetimes.estimate.shape) if lifetimes.estimate.ndim else ()
    index = {str(dim): int(i) for dim, i in zip(lifetimes.estimate.dims, place, strict=True)}
    rmst, se = float(lifetimes.estimate.isel(index)), float(lifetimes.se.isel(index))
    return ExtremeCell(labels_of(lifetimes.ds, index), rmst, se, index)
