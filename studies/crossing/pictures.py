"""Pictures of the study: survival of strong and weak firms, and their difference in the first years."""

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from common.folder import load
from common.number_table import NumberTable
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.survival import contrast, kaplan_meier

estimands = load("crossing", "estimands")

SHOWN = (0.2, 0.35, 0.5, 1.0)
YEARS = 10


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return one figure of two panels."""
    return {"crossing": _figure(runs["curves"].sel(misalignment=list(SHOWN)))}


@style.styled
def _figure(ds: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(8.6, 3.7, 1, 2)
    alive, gap = kaplan_meier(ds), contrast(ds, kaplan_meier, between=estimands.BETWEEN)
    years = alive["week"].values / WEEKS_PER_YEAR
    for misalignment, colour in zip(SHOWN, style.curve_colours(len(SHOWN)), strict=True):
        here = alive.sel(misalignment=misalignment)
        for execution, line in ((estimands.STRONG, "-"), (estimands.WEAK, (0, (3, 2)))):
            panels[0].plot(years, here["estimate"].sel(execution=execution), color=colour, linestyle=line,
                           label=f"misalignment {misalignment:g}" if line == "-" else None)  # fmt: skip
        found = gap.sel(misalignment=misalignment, week=slice(0, WEEKS_PER_YEAR * YEARS))
        early = found["week"].values / WEEKS_PER_YEAR
        panels[1].fill_between(early, 100 * found["lower"], 100 * found["upper"], color=colour, alpha=0.2, linewidth=0)
        panels[1].plot(early, 100 * found["estimate"], color=colour)
    style.age_axis(panels[0], 20)
    panels[0].set(ylim=(0, 1), ylabel="share of firms alive")
    panels[0].set_title("Strong (solid) and weak (dashed)")
    panels[0].legend(loc="center", bbox_to_anchor=(0.65, 0.25))
    style.age_axis(panels[1], YEARS)
    panels[1].axhline(0, color=style.INK, linewidth=0.8)
    panels[1].set(ylim=(-8, 8), ylabel="strong less weak, points")
    panels[1].set_title("The lead and the lag of the strong")
    firms = int(ds["firms"].values.flat[0])
    style.note(panels[0], f"n = {firms:,} firms a curve; limits are narrower than the lines")
    style.note(panels[1], "bands: 95 % limits from batches, pointwise")
    return figure
