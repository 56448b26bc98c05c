"""Cumulative incidence by cause, stacked up to the share of firms that have had an event."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from firmfate.analysis.formatting import spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import shown
from firmfate.survival import cumulative_incidence

MOST_PANELS = 4


@style.styled
def incidence(ds: xr.Dataset, *, axes: NDArray[Any] | None = None, titles: list[str] | None = None) -> NDArray[Any]:
    """Draw the share of firms that exit by each cause, stacked, a panel for each cell.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts; of more than four cells the corners, or some from the shortest to the longest mean lifetime, are drawn.
    axes : array of Axes, optional
        One for each cell; a new figure if not given.
    titles : list of str, optional
        Of the panels.

    Returns
    -------
    array of Axes
        In each panel one area a cause, the first at the bottom. The error given is that of the last age: the largest
        standard error of any cause.

    Examples
    --------
    >>> from firmfate.plots import incidence
    >>> from firmfate.survival import example
    >>> incidence(example()).size
    4
    """
    chosen = shown(ds, most=MOST_PANELS)
    count = len(chosen.cells)
    if axes is None:
        _, axes = style.canvas(2.15 * count + 1.9, 3.2, 1, count, sharey=True)
    panels: list[Axes] = list(style.given(axes, (count,)))
    causes = [str(cause) for cause in ds["cause"].values]
    happens = ds["events"].sum([dim for dim in ds["events"].dims if dim != "cause"]).values > 0
    for panel, cell, name in zip(panels, chosen.cells, titles or chosen.names, strict=True):
        _panel(panel, cell, causes, happens)
        panel.set_title(name.replace(", ", ",\n"))
    panels[0].set_ylabel("share of firms that have exited")
    handles, labels = panels[0].get_legend_handles_labels()
    panels[-1].legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7.5)
    return np.ravel(axes)


def _panel(ax: Axes, cell: xr.Dataset, causes: list[str], happens: NDArray[np.bool_]) -> None:
    found = cumulative_incidence(cell)
    found = found.isel(week=style.band_points(found.sizes["week"]))
    years = found["week"].values / WEEKS_PER_YEAR
    floor = np.zeros(years.size)
    for position in np.flatnonzero(happens):
        top = floor + found["estimate"].isel(cause=int(position)).values
        colour = style.CAUSES[position % len(style.CAUSES)]
        ax.fill_between(years, floor, top, color=colour, alpha=0.85, linewidth=0, label=spaced(causes[position]))
        floor = top
    ax.set_ylim(0, 1)
    style.age_axis(ax, years[-1])
    error = float(np.nanmax(np.nan_to_num(found["se"].isel(week=-1).values)))
    style.note(ax, f"n = {int(cell['firms']):,}; se ≤ {error:.1g}")
