"""Green dashboards and warning time: what firms that died saw when their alarm rang, and how long they had left."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from firmfate.analysis import alarm_shares, green_dashboards, warning_time
from firmfate.analysis.formatting import spaced
from firmfate.analysis.green_kpis import marks_of
from firmfate.plots import style
from firmfate.plots.cells import Along, along

FEWEST_FIRMS = 20
"""Points with fewer firms behind them are left out."""


@style.styled
def dashboards(ds: xr.Dataset, *, axes: NDArray[Any] | None = None, level: float = 0.95) -> NDArray[Any]:
    """Draw green KPIs at the alarm and weeks left, over alarmed firms that died; and how many died without an alarm.

    Alarms in a firm's first 13 weeks are drawn apart, hollow: such firms were born ill.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with alarms; of any design.
    axes : array of Axes, optional
        Where to draw, one for each panel; those of a new figure if not given.
    level : float
        Confidence level of the bars.

    Returns
    -------
    array of Axes
        Green KPIs (where the model has a dashboard), warning time, share of deaths without an alarm.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.plots import dashboards
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=640, grid={"misalignment": [0, 1]})
    >>> with firmfate.run(study, into="runs/cars", progress=False) as ds:
    ...     [ax.get_title(loc="left") for ax in dashboards(ds)]  # a car has no KPIs
    ['Weeks of warning', 'Deaths without an alarm']
    """
    laid = along(ds)
    parts: list[tuple[Any, str, dict[str, Any]]] = [
        (warning_time, "Weeks of warning", {"later": "o", "early": "s"}),
        (alarm_shares, "Deaths without an alarm", {"none": "o"}),
    ]
    if marks_of(ds):
        parts.insert(0, (green_dashboards, "Green KPIs at the alarm", {"later": "o", "early": "s"}))
    height = 3.1 if laid.ticks is None else 1.4 + 0.24 * len(laid.x)
    if axes is None:
        axes = style.canvas(2.95 * len(parts), height, 1, len(parts), sharey=laid.ticks is not None)[1][0]
    axes = style.given(axes, (len(parts),))
    for ax, (estimate, title, alarms) in zip(axes, parts, strict=True):
        drawn = _panel(ax, laid, estimate, alarms, level)
        ax.set_title(title)
        if laid.ticks is None:
            ax.set_xlabel(spaced(laid.axis))
            ax.set_ylim(0, 5.15 if estimate is green_dashboards else 1.0 if estimate is alarm_shares else None)
        style.note(ax, "\n".join(filter(None, (drawn, laid.some))))
    if laid.ticks is not None:
        axes[0].set_yticks(laid.x, laid.ticks, fontsize=7.5)
    elif len(laid.series) > 1:
        handles, labels = max((ax.get_legend_handles_labels() for ax in axes), key=lambda found: len(found[1]))
        if labels:
            axes[0].figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return axes


def _panel(ax: Axes, laid: Along, estimate: Any, alarms: dict[str, str], level: float) -> str:
    """Draw one quantity; return what stands behind it."""
    least, most, early_drawn = np.inf, 0.0, False
    for series, colour in zip(laid.series, style.curve_colours(len(laid.series)), strict=True):
        found = estimate(series.cells, level=level)
        for alarm, marker in alarms.items():
            here = found.sel(alarm_kind=alarm)
            enough = here["firms"].values >= FEWEST_FIRMS
            if not enough.any():
                continue
            early = alarm == "early"
            early_drawn |= early
            x = np.asarray(laid.x)[enough]
            middle = here["estimate"].values[enough]
            sides = np.abs(
                np.nan_to_num([middle - here["lower"].values[enough], here["upper"].values[enough] - middle])
            )
            if laid.ticks is not None:
                ax.errorbar(
                    middle,
                    x,
                    xerr=sides,
                    fmt=marker,
                    color=colour,
                    mfc="none" if early else colour,
                    markersize=4,
                    elinewidth=1,
                )
            else:
                ax.errorbar(
                    x, middle, yerr=sides, marker=marker, markersize=3, linewidth=1.2, elinewidth=0.9, color=colour,
                    mfc="none" if early else colour, linestyle=(0, (2, 2)) if early else "-",
                    label=series.name + (", early alarm" if early else ""),
                )  # fmt: skip
            firms = here["firms"].values[enough]
            least, most = min(least, float(firms.min())), max(most, float(firms.max()))
    if not most:
        return f"no cell has {FEWEST_FIRMS} such firms"
    early_words = "\nhollow: early alarms" if early_drawn else ""
    return f"n = {least:,.0f} to {most:,.0f} firms a point; {level:.0%} limits{early_words}"
