"""Effects in any grid, and the extreme cells of any design: what a study says that has not both axes of the paradox."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from firmfate.findings.cells import labels_of
from firmfate.findings.lifetimes import Lifetimes
from firmfate.survival.core.limits import normal_quantile


class Cell(NamedTuple):
    """A cell, its mean lifetime and standard error in years."""

    where: dict[str, float]
    rmst: float
    se: float
    place: dict[str, int]


def axis_effects(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate how much longer firms live at the last value of each axis than at its first, averaged over other axes.

    Where cells have no estimate, the average is over those values of the other axes that have one at both ends.

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
    >>> from firmfate.findings import axis_effects
    >>> from firmfate.survival import example
    >>> axis_effects(example()).estimate.round(2).values
    array([-0.35, -0.38])
    """
    axes = [str(dim) for dim in ds["firms"].dims if dim != "cell" and ds.sizes[dim] > 1 and dim in ds.coords]
    lived = Lifetimes(ds, tau=tau)

    def effects(years: xr.DataArray) -> xr.DataArray:
        others = {axis: [dim for dim in years.dims if dim != axis] for axis in axes}
        steps = [years.isel({axis: -1}, drop=True) - years.isel({axis: 0}, drop=True) for axis in axes]
        means = [float(step.mean(others[axis])) for axis, step in zip(axes, steps, strict=True)]
        return xr.DataArray(means, dims="axis")

    found = lived.apply(effects, level=level) if axes else xr.Dataset({"estimate": ("axis", np.empty(0))})
    return found.assign_coords(
        axis=("axis", axes),
        low=("axis", [float(ds[axis].values[0]) for axis in axes]),
        high=("axis", [float(ds[axis].values[-1]) for axis in axes]),
    )


def extremes_apart(lived: Lifetimes, longest: Cell, shortest: Cell) -> tuple[tuple[float, float], bool]:
    """Return by how many years the extremes differ, its standard error, and whether they are told apart at 95 %.

    Both were chosen among all cells, so the level is Bonferroni's for all pairs. Where there are too few batches,
    errors of the two cells alone are added, which is too much where cells share their luck.
    """
    cells = int(lived.estimate.notnull().sum())
    level = 1 - 0.05 / (cells * (cells - 1) / 2)
    apart = lived.apply(lambda years: years.isel(longest.place) - years.isel(shortest.place), level=level)
    difference = (float(apart["estimate"]), float(apart["se"]))
    if np.isfinite(difference[1]):
        return difference, float(apart["lower"]) > 0
    return difference, difference[0] > normal_quantile(level) * float(np.hypot(longest.se, shortest.se))


def extreme_cells(ds: xr.Dataset, *, tau: int | None = None) -> tuple[Cell, Cell]:
    """Return the cells in which firms live longest and shortest, the same cell twice where there is one.

    Raises
    ------
    ValueError
        Where no cell has an estimate.

    Examples
    --------
    >>> from firmfate.findings import extreme_cells
    >>> from firmfate.survival import example
    >>> longest, shortest = extreme_cells(example())
    >>> shortest.where, round(shortest.rmst, 2)
    ({'execution': 1.0, 'misalignment': 1.0}, 0.89)
    """
    lived = Lifetimes(ds, tau=tau)
    years = lived.estimate.values
    return _cell(ds, lived, int(np.nanargmax(years))), _cell(ds, lived, int(np.nanargmin(years)))


def _cell(ds: xr.Dataset, lived: Lifetimes, flat: int) -> Cell:
    place = np.unravel_index(flat, lived.estimate.shape) if lived.estimate.ndim else ()
    index = {str(dim): int(i) for dim, i in zip(lived.estimate.dims, place, strict=True)}
    return Cell(labels_of(ds, index), float(lived.estimate.isel(index)), float(lived.se.isel(index)), index)
