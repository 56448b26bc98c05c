"""The phase map: how long firms live over two axes, and where raising one of them helps or harms."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firmfate.analysis import phase_map as estimated_map
from firmfate.analysis.cell_labels import label, labelled
from firmfate.analysis.formatting import format_cell, spaced
from firmfate.analysis.phase import two_axes
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.plots import mesh, style
from firmfate.plots.spacing import evenly_spaced

MOST_ROWS = 4
ON_COLOUR = "#111111"
"""Marks on coloured cells, which stay as they are in a dark theme."""


@style.styled
def phase_map(
    ds: xr.Dataset,
    x: str = MISALIGNMENT,
    y: str = EXECUTION,
    *,
    axes: NDArray[Any] | None = None,
    tau: int | None = None,
    level: float = 0.95,
) -> NDArray[Any]:
    """Draw the mean lifetime over two axes of a grid, and beside it the sign of its derivative by the second, dRMST/dy.

    Dots mark cells whose slope cannot be distinguished from 0 (of more than 50 along an axis, evenly spaced ones); the
    line is where the derivative is 0, with its limits.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over these, and at most one other axis, of which up to four values are drawn.
    x, y : str
        Axes of the grid, as studies or datasets name them: ``misalignment.sales`` or ``misalignment_sales``.
    axes : (rows, 2) array of Axes, optional
        Where to draw; those of a new figure if not given.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level, pointwise.

    Returns
    -------
    (rows, 2) array of Axes
        A row for each value of the other axis; the first collection of each axes holds its values, (y, x).

    Raises
    ------
    EstimateError
        Where `x` or `y` is no axis of the grid, or there are more than three axes.

    Examples
    --------
    >>> from firmfate.plots import phase_map
    >>> from firmfate.survival import example
    >>> phase_map(example()).shape
    (1, 2)
    """
    ds = labelled(ds)
    found = estimated_map(ds, x, y, tau=tau, level=level)
    x, y = two_axes(ds, x, y)
    others = [str(dim) for dim in found["rmst"].dims if dim not in (x, y)]
    if len(others) > 1:
        raise EstimateError(f"a phase map has room for one axis beside {x} and {y}; select of {others}")
    rows: list[dict[str, int]] = [{}]
    if others:
        places = evenly_spaced(found.sizes[others[0]], MOST_ROWS)
        rows = [{others[0]: int(place)} for place in places]
    if axes is None:
        axes = style.canvas(10.0, 4.3 * len(rows), len(rows), 2, sharex=True, sharey=True)[1]
    axes = style.given(axes, (len(rows), 2))
    figure = axes[0, 0].figure
    # Where cells have no estimate, there may be no slope at all.
    steepest = _most(np.abs(found["slope"].values)) or 1.0
    shortest, longest = -_most(-found["rmst"].values), _most(found["rmst"].values)
    years = found.attrs["tau"] / WEEKS_PER_YEAR
    for row, panels in zip(rows, axes, strict=True):
        here = found.isel(row)
        where = f" · {format_cell({axis: label(found[axis].values[i]) for axis, i in row.items()})}" if row else ""
        _colours(figure, panels[0], here.rmst.transpose(y, x), style.LENGTHS, shortest, longest, "years")
        panels[0].set_title(f"Mean lifetime within {years:g} years{where}")
        slope, unit = here.slope.transpose(y, x), f"years per unit of {spaced(y)}"
        _colours(figure, panels[1], slope, style.SIGNS, -steepest, steepest, unit)
        panels[1].set_title(f"Does more {spaced(y)} help?{where}")
        _contour(panels[0], here, y, band="#ffffff")
        _contour(panels[1], here, y, band=ON_COLOUR)
        _undetermined(panels[1], here.sign.transpose(y, x))
        panels[0].set_ylabel(spaced(y))
    for panel in axes[-1]:
        panel.set_xlabel(spaced(x))
    error = _most(found["rmst_se"].values)
    many = style.counted(ds["firms"].values)
    style.note(axes[-1, 0], f"n = {many} firms a cell; standard error at most {error:.1g} years")
    batches = found.attrs["batches"]
    error = _most(found["slope_se"].values)
    dots = mesh.name_of_dots(found["sign"].shape)
    words = f"se at most {error:.1g} ({batches} batches); {dots}: {level:.0%} limits include 0"
    style.note(axes[-1, 1], words if batches else "too few firms for standard errors")
    return axes


def _most(values: NDArray[np.float64]) -> float:
    """Return the largest of the values that are known, 0 where none is."""
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else 0.0


def _colours(figure: Figure, ax: Axes, values: xr.DataArray, colours: str, low: float, high: float, unit: str) -> None:
    """Draw values (y, x) as colours, between the outer values of both axes."""
    y, x = map(str, values.dims)
    edges = _edges(values[x].values), _edges(values[y].values)
    drawn = mesh.coloured(ax, *edges, values, cmap=colours, vmin=low, vmax=high)
    bar = figure.colorbar(drawn, ax=ax, pad=0.02, aspect=28)
    bar.outline.set_visible(False)
    bar.set_label(unit, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    if colours == style.SIGNS:
        bar.ax.set_title("helps", fontsize=7.5, color=style.BLUE)
        bar.ax.annotate(
            "harms", (0, -0.02), xycoords="axes fraction", ha="left", va="top", fontsize=7.5, color=style.VERMILION
        )
    ax.grid(visible=False)
    for limits, axis in ((ax.set_xlim, x), (ax.set_ylim, y)):
        limits(float(values[axis].values[0]), float(values[axis].values[-1]))


def _undetermined(ax: Axes, sign: xr.DataArray) -> None:
    """Mark the cells (y, x) in which the limits of the slope include 0, or some of them where cells are many."""
    y, x = map(str, sign.dims)
    up, across = mesh.dots((sign == 0).values)
    ax.scatter(
        sign[x].values[across], sign[y].values[up], s=13, color="#ffffff",
        edgecolors=ON_COLOUR, linewidths=0.8, zorder=3, label="limits include 0",
    )  # fmt: skip


def _contour(ax: Axes, here: xr.Dataset, y: str, *, band: str) -> None:
    """Draw where the derivative by `y` is 0, with its limits as a band of this colour."""
    known = here.isel({y: np.flatnonzero(here["contour"].notnull().values)})
    if not known.sizes[y]:
        return
    height = known[y].values
    ax.fill_betweenx(height, known["contour_lower"], known["contour_upper"], color=band, alpha=0.45, linewidth=0)
    ax.plot(known["contour"], height, color="#ffffff", linewidth=3.2)
    ax.plot(known["contour"], height, color=ON_COLOUR, linewidth=1.5, label=f"effect of {spaced(y)} is 0")


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of cells half way between grid values; the axes cut the outer cells at the grid's ends."""
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[values[0] - (middle[0] - values[0])], middle, [values[-1] + (values[-1] - middle[-1])]])
