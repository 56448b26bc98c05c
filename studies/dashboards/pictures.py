"""Pictures of the study: dashboards at the alarm, and the last three years of firms that died."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.folder import load
from common.number_table import NumberTable
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import dashboards, style

estimands = load("dashboards", "estimands")

CELLS = ("strong misaligned", "weak misaligned", "strong aligned")


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return dashboards at the alarm, of weak and strong firms, and the paths before the end."""
    some = runs["alarms"].sel(execution=[0.05, 1.0]).transpose("misalignment", "execution", ...)
    alarms = dashboards(some)
    for panel, label in zip(alarms, ("KPIs of five", "weeks", "share of deaths"), strict=True):
        panel.set_ylabel(label)
    return {"alarms": alarms[0].figure, "before-the-end": _paths(runs["lives"])}


@style.styled
def _paths(ds: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(9.4, 3.4, 1, 3, sharex=True)
    counts = []
    for name, colour in zip(CELLS, (*style.CATEGORIES[1::-1], style.GREEN), strict=True):
        firms = estimands.lived_long(ds, name)
        counts.append(f"{firms.sizes['firm']}")
        for panel, quantity in zip(panels, ("green", "health"), strict=False):
            _mean(panel, firms[quantity], name, colour)
    strong = estimands.lived_long(ds, "strong misaligned")
    for division, colour in zip(strong["division"].values, style.CATEGORIES, strict=False):
        _mean(panels[2], 100 * strong["kpi"].sel(division=division), str(division), colour)
    panels[2].axhline(0, color=style.INK, linewidth=0.8)
    panels[1].axhline(0.7, color=style.INK, linewidth=0.8, linestyle=":")
    for panel, title, limits in zip(
        panels, ("Green KPIs of five", "Health (dots: alarm)", "Strong misaligned: KPIs"),
        ((0, 5.1), (0, 1), (-60, 110)), strict=True,
    ):  # fmt: skip
        panel.set_title(title)
        panel.set(ylim=limits, xlabel="years before the end")
        panel.set_xlim(-3, 0)
        panel.set_xticks([-3, -2, -1, 0])
    for panel, label in zip(panels, ("KPIs", "health", "better than at the start, %"), strict=True):
        panel.set_ylabel(label)
    panels[0].legend(loc="lower left", fontsize=7.5)
    panels[2].legend(loc="upper right", fontsize=7.5, ncols=2)
    notes = f"n = {', '.join(counts)} firms", "that died at 3 years or later", "bands: 95 % limits of the mean"
    for panel, words in zip(panels, notes, strict=True):
        style.note(panel, words)
    return figure


def _mean(ax: Axes, values: xr.DataArray, name: str, colour: str) -> None:
    mean = values.mean("firm").values
    half = 2 * values.std("firm", ddof=1).values / np.sqrt(values.sizes["firm"])
    years = -values["before"].values / WEEKS_PER_YEAR
    ax.fill_between(years, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
    ax.plot(years, mean, color=colour, label=name)
