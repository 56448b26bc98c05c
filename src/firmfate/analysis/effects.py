"""The effect of each axis of a grid on the mean lifetime, and the extreme cells of any design."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labels_of
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
    """

    where: dict[str, float]
    rmst: float
    se: float
    place: dict[str, int]

    @property
    def value(self) -> Estimate:
        """The mean lifetime, years."""
        return Estimate(self.rmst, self.se)


def axis_effects(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate how much longer firms live at the last value of each axis than at its first, averaged over other axes.

    Where cells have no estimate, the average is over those values of the other axes that have one at both.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a grid.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Over ``axis`` (the grid's axes of two or more numbers): ``estimate`` (years), ``se`` (batches), ``lower``,
        ``upper``, and the coordinates ``low`` and ``high``. Empty where the design is no grid.

    Examples
    --------
    >>> from firmfate.analysis import axis_effects
    >>> from firmfate.survival import example
    >>> axis_effects(example()).estimate.round(2).values
    array([-0.35, -0.38])
    """
    axes = [str(dim) for dim in ds["firms"].dims if dim != "cell" and ds.sizes[dim] > 1 and dim in ds.coords]
    lifetimes = Lifetimes(ds, tau=tau)

    def effects(years: xr.DataArray) -> xr.DataArray:
        others = {axis: [dim for dim in years.dims if dim != axis] for axis in axes}
        steps = [years.isel({axis: -1}, drop=True) - years.isel({axis: 0}, drop=True) for axis in axes]
        means = [float(step.mean(others[axis])) for axis, step in zip(axes, steps, strict=True)]
        return xr.DataArray(means, dims="axis")

    found = lifetimes.apply(effects, level=level) if axes else xr.Dataset({"estimate": ("axis", np.empty(0))})
    return found.assign_coords(
        axis=("axis", axes),
        low=("axis", [float(ds[axis].values[0]) for axis in axes]),
        high=("axis", [float(ds[axis].values[-1]) for axis in axes]),
    )


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
    """Return the cells in which firms live longest and shortest, the same cell twice where there is one.

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
    lifetimes = Lifetimes(ds, tau=tau)
    years = lifetimes.estimate.values
    if not np.isfinite(years).any():
        raise EstimateError("no cell has an estimate: each holds no firm, or firms whose arithmetic failed")
    return _cell(ds, lifetimes, int(np.nanargmax(years))), _cell(ds, lifetimes, int(np.nanargmin(years)))


def _cell(ds: xr.Dataset, lifetimes: Lifetimes, flat: int) -> ExtremeCell:
    place = np.unravel_index(flat, lifetimes.estimate.shape) if lifetimes.estimate.ndim else ()
    index = {str(dim): int(i) for dim, i in zip(lifetimes.estimate.dims, place, strict=True)}
    rmst, se = float(lifetimes.estimate.isel(index)), float(lifetimes.se.isel(index))
    return ExtremeCell(labels_of(ds, index), rmst, se, index)
