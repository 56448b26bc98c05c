"""How dangerous each age is: the hazard a year, with limits."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import shown
from firmfate.survival import hazard as estimated_hazard


@style.styled
def hazard(
    ds: xr.Dataset, *, bin_weeks: int = 26, ax: Axes | None = None, level: float = 0.95, title: str = ""
) -> Axes:
    """Draw the hazard, events a year of firms at risk, in bins of weeks.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts; of more than seven cells the corners, or some from the shortest to the longest mean lifetime, are drawn.
    bin_weeks : int
        Weeks in a bin.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    level : float
        Confidence level of the bands.
    title : str
        What all curves share, if not given.

    Returns
    -------
    Axes
        One line a cell, at the middle of the bins.

    Examples
    --------
    >>> from firmfate.plots import hazard
    >>> from firmfate.survival import example
    >>> len(hazard(example()).lines)
    6
    """
    chosen = shown(ds)
    ax = style.axes_on(ax, 6.4, 3.6)
    bin_weeks = min(bin_weeks, ds.sizes["week"])
    for name, cell, colour in zip(chosen.names, chosen.cells, style.curve_colours(len(chosen.cells)), strict=True):
        found = estimated_hazard(cell, bin_weeks=bin_weeks, level=level) * WEEKS_PER_YEAR
        ends = found["bin"].values
        middle = (np.concatenate([[0], ends[:-1]]) + ends) / 2 / WEEKS_PER_YEAR
        ax.fill_between(middle, found["lower"], found["upper"], color=colour, alpha=0.2, linewidth=0)
        ax.plot(middle, found["estimate"], color=colour, label=name)
    ax.set(ylim=(0, None), ylabel="hazard (events a year at risk)")
    style.age_axis(ax, ds.sizes["week"] / WEEKS_PER_YEAR)
    ax.set_title(title or chosen.title)
    if len(chosen.cells) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    style.note(ax, f"{chosen.note}; bins of {bin_weeks} weeks; bands: {level:.0%} limits, pointwise")
    return ax
