"""Survival curves with bands, and the firms still at risk beneath them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import shown
from firmfate.survival import kaplan_meier, risk_table

ROW_POINTS = 11.0


@style.styled
def survival_curves(ds: xr.Dataset, *, ax: Axes | None = None, level: float = 0.95, title: str = "") -> Axes:
    """Draw survival S(t) of every cell, its limits as a band, and a risk table.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts; of more than seven cells the corners, or some from the shortest to the longest mean lifetime,
        are drawn, and the figure states it.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    level : float
        Confidence level of the bands, pointwise.
    title : str
        What all curves share, if not given.

    Returns
    -------
    Axes
        One line a cell; ``axes.figure.savefig`` keeps it.

    Examples
    --------
    >>> from firmfate.plots import survival_curves
    >>> from firmfate.survival import example
    >>> [line.get_label() for line in survival_curves(example()).lines][:2]
    ['execution 0, misalignment 0', 'execution 0, misalignment 1']
    """
    chosen = shown(ds)
    ax = style.axes_on(ax, 6.4, 3.9 + 0.16 * len(chosen.cells))
    colours = style.curve_colours(len(chosen.cells))
    heights = []
    for name, cell, colour in zip(chosen.names, chosen.cells, colours, strict=True):
        found = kaplan_meier(cell, level=level)
        years = found["week"].values / WEEKS_PER_YEAR
        few = style.band_points(years.size)
        ax.fill_between(years[few], found["lower"][few], found["upper"][few], color=colour, alpha=0.2, linewidth=0)
        ax.plot(years, found["estimate"], drawstyle="steps-post", color=colour, label=name)
        heights.append(float(np.nan_to_num(found["estimate"].values[-1])))
    horizon = ds.sizes["week"] / WEEKS_PER_YEAR
    ax.set(ylim=(0, 1), ylabel="share of firms alive")
    style.age_axis(ax, horizon)
    if len(chosen.cells) > 1:
        style.end_labels(ax, horizon, heights, chosen.names, colours)
    ax.set_title(title or chosen.title)
    _risk_rows(ax, chosen.cells, chosen.names, colours)
    words = f"Beneath: firms alive and at risk. {chosen.note}; bands: {level:.0%} limits, pointwise"
    style.note(ax, words, points=44 + ROW_POINTS * len(chosen.cells))
    return ax


def _risk_rows(ax: Axes, cells: list[xr.Dataset], names: list[str], colours: list[str]) -> None:
    """Write a row of numbers at risk a curve, below the ticks of the axis, and behind it the curve's name."""
    ages = (ax.get_xticks() * WEEKS_PER_YEAR).round().astype(int)
    for row, (cell, name, colour) in enumerate(zip(cells, names, colours, strict=True)):
        if len(cells) > 1:
            ax.annotate(
                name, (1, 0), xycoords="axes fraction", xytext=(20, -38 - ROW_POINTS * row),
                textcoords="offset points", va="top", fontsize=7.5, color=colour, annotation_clip=False,
            )  # fmt: skip
        at_risk = risk_table(cell, weeks=[int(age) for age in ages])["at_risk"].values
        for age, count in zip(ages, at_risk, strict=True):
            ax.annotate(
                f"{count:,.0f}" if np.isfinite(count) else "–",
                (age / WEEKS_PER_YEAR, 0), xycoords=("data", "axes fraction"), xytext=(0, -38 - ROW_POINTS * row),
                textcoords="offset points", ha="center", va="top", fontsize=7.5, color=colour, annotation_clip=False,
                gid=f"at-risk-{row}",
            )  # fmt: skip
