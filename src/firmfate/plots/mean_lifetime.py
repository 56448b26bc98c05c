"""Mean lifetime up to every horizon: the honest summary where survival curves cross."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import shown
from firmfate.survival import rmst_curve as estimated_curve


@style.styled
def rmst_curve(ds: xr.Dataset, *, ax: Axes | None = None, level: float = 0.95, title: str = "") -> Axes:
    """Draw the restricted mean survival time at every horizon, against a firm that never dies.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts; of more than seven cells the corners, or some from the shortest to the longest mean lifetime, are drawn.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    level : float
        Confidence level of the bands.
    title : str
        What all curves share, if not given.

    Returns
    -------
    Axes
        One line a cell, and the diagonal.

    Examples
    --------
    >>> from firmfate.plots import rmst_curve
    >>> from firmfate.survival import example
    >>> rmst_curve(example()).get_ylabel()
    'mean lifetime up to the horizon, years'
    """
    chosen = shown(ds)
    ax = style.axes_on(ax, 6.4, 3.9)
    colours = style.curve_colours(len(chosen.cells))
    heights = []
    for name, cell, colour in zip(chosen.names, chosen.cells, colours, strict=True):
        found = estimated_curve(cell, level=level) / WEEKS_PER_YEAR
        years = found["week"].values / WEEKS_PER_YEAR
        few = style.band_points(years.size)
        ax.fill_between(years[few], found["lower"][few], found["upper"][few], color=colour, alpha=0.2, linewidth=0)
        ax.plot(years, found["estimate"], color=colour, label=name)
        heights.append(float(found["estimate"].values[-1]))
    horizon = ds.sizes["week"] / WEEKS_PER_YEAR
    ax.plot(
        [0, horizon],
        [0, horizon],
        color=style.MUTED,
        linewidth=0.8,
        linestyle=(0, (4, 3)),
        label="a firm that never dies",
    )
    ax.set(ylim=(0, horizon), ylabel="mean lifetime up to the horizon, years")
    style.age_axis(ax, horizon, label="horizon in years")
    style.end_labels(ax, horizon, [*heights, horizon], [*chosen.names, "no deaths"], [*colours, style.MUTED])
    ax.set_title(title or chosen.title)
    style.note(ax, f"{chosen.note}; bands: {level:.0%} limits, pointwise")
    return ax
