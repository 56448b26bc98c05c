"""Mean lifetimes of cells along an axis, or cell by cell, with their limits."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from firmfate.analysis.formatting import spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import along
from firmfate.survival import rmst


@style.styled
def lifetimes(
    ds: xr.Dataset,
    x: str = "",
    by: str = "",
    *,
    ax: Axes | None = None,
    tau: int | None = None,
    level: float = 0.95,
) -> Axes:
    """Draw the mean lifetime within a horizon (RMST) along an axis of the study, or cell by cell.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of any design; of more than 30 scattered cells some are drawn, evenly spaced in the order of their mean
        lifetimes.
    x, by : str, optional
        Of a grid: the axis along which lifetimes are drawn, and the axis of which each line has a value. By default
        misalignment and execution, or the last axis and the one before. Further axes are at their middle value. Of more
        than 60 values of `x` some are drawn, evenly spaced.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level of the bars.

    Returns
    -------
    Axes
        One line a series with error bars.

    Raises
    ------
    EstimateError
        Where `x` or `by` is no axis of the grid, or both are the same.

    Examples
    --------
    >>> from firmfate.plots import lifetimes
    >>> from firmfate.survival import example
    >>> lifetimes(example()).get_xlabel()
    'misalignment'
    """
    laid = along(ds, x=x, by=by)
    horizon = (tau or ds.sizes["week"]) / WEEKS_PER_YEAR
    if laid.ticks is not None:
        return _by_cell(laid.series[0].cells, laid.ticks, ds["firms"].size, ax, tau, level, horizon)
    ax = style.axes_on(ax, 6.4, 3.6)
    for series, colour in zip(laid.series, style.curve_colours(len(laid.series)), strict=True):
        found = rmst(series.cells, tau=tau, level=level) / WEEKS_PER_YEAR
        ax.errorbar(
            laid.x, found["estimate"], yerr=_bars(found), color=colour, label=series.name, marker="o", markersize=3.5,
            elinewidth=1,
        )  # fmt: skip
    ax.set(xlabel=spaced(laid.axis), ylabel=f"mean lifetime within {horizon:g} years, in years")
    if len(laid.series) > 1:
        ax.legend(loc="best")
    ax.set_title(laid.fixed)
    words = f"n = {style.counted(ds['firms'].values)} firms a cell; bars: {level:.0%} limits"
    style.note(ax, "; ".join(filter(None, (words, laid.some))))
    return ax


def _by_cell(
    ds: xr.Dataset, names: list[str], of: int, ax: Axes | None, tau: int | None, level: float, horizon: float
) -> Axes:
    ax = style.axes_on(ax, 6.4, 1.3 + 0.26 * len(names))
    found = rmst(ds, tau=tau, level=level) / WEEKS_PER_YEAR
    order = np.argsort(found["estimate"].values)
    sorted_cells = found.isel(cell=order)
    rows = np.arange(len(names))
    ax.errorbar(
        sorted_cells["estimate"], rows, xerr=_bars(sorted_cells), fmt="o", color=style.BLUE, markersize=4, elinewidth=1
    )
    ax.set_yticks(rows, [names[place] for place in order], fontsize=7.5)
    ax.set(xlabel=f"mean lifetime within {horizon:g} years, in years")
    ax.grid(axis="y", visible=False)
    some = f"; {len(names)} of {of:,} cells, evenly spaced by mean lifetime" if of > len(names) else ""
    style.note(ax, f"n = {style.counted(ds['firms'].values)} firms a cell; bars: {level:.0%} limits{some}")
    return ax


def _bars(found: xr.Dataset) -> NDArray[np.float64]:
    """Return how far the limits lie below and above the estimates."""
    sides = [found["estimate"] - found["lower"], found["upper"] - found["estimate"]]
    bars: NDArray[np.float64] = np.clip(np.nan_to_num([side.values for side in sides]), 0, None)
    return bars
