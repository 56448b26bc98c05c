"""Pictures of the study: the phase map with its turning line, and m* by horizon, buffer and correction time."""

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from common.number_table import NumberTable
from firmfate.analysis import turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import phase_map, style


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return the phase map at 20 years and at shorter horizons, and the turning points."""
    *shorter, _ = map(int, runs["study"]["horizon"].values)
    maps = {f"phase-map-{tau // WEEKS_PER_YEAR}": phase_map(runs["study"], tau=tau)[0, 0].figure for tau in shorter}
    longest = phase_map(runs["study"])[0, 0].figure
    return {"phase-map": longest, **maps, "turning-point": _turning(runs["buffers"])}


@style.styled
def _turning(ds: xr.Dataset) -> Figure:
    buffers = ds["cash_buffer"].values
    figure, axes = style.canvas(8.6, 3.2, 1, len(buffers), sharey=True)
    horizons = ds["horizon"].values
    years = horizons / WEEKS_PER_YEAR
    found = {int(tau): turning_point(ds, tau=int(tau)) for tau in horizons}
    for ax, buffer in zip(axes[0], buffers, strict=True):
        correct = ds["correct_time"].values
        for time, colour in zip(correct, style.curve_colours(len(correct)), strict=True):
            here = [found[int(tau)].sel(cash_buffer=buffer, correct_time=time) for tau in horizons]
            y = [float(point["estimate"]) for point in here]
            sides = [[abs(float(point["estimate"] - point[end])) for point in here] for end in ("lower", "upper")]
            ax.errorbar(
                years, y, yerr=sides, color=colour, marker="o", markersize=3.5, elinewidth=1,
                label=f"correction {time:g} weeks",
            )  # fmt: skip
        ax.set_title(f"cash buffer {buffer:g} weeks")
        style.age_axis(ax, float(years[-1]), label="horizon in years")
        ax.set(xlim=(0, float(years[-1]) + 1), ylim=(0.1, 0.75))
    axes[0, 0].set_ylabel("misalignment m* where execution turns")
    axes[0, -1].legend(loc="upper left")
    firms = int(ds["firms"].values.flat[0])
    # Beneath all panels: a note of the first alone would push it apart from the others.
    figure.supxlabel(f"n = {firms:,} firms a cell; bars: 95 % limits from batches", fontsize=7.5, color=style.MUTED,
                     x=0.06, ha="left")  # fmt: skip
    return figure
