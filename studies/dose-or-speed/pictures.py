"""Pictures of the study: lifetimes of the misaligned as lapses are switched off, and of the weak by dose and speed."""

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from common.folder import load
from common.number_table import NumberTable
from firmfate.analysis import Lifetimes
from firmfate.plots import style

estimands = load("dose-or-speed", "estimands")


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return one figure of two panels."""
    return {"dose-or-speed": _figure(runs["lapse"], runs["speed"])}


@style.styled
def _figure(lapse: xr.Dataset, speed: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(8.6, 3.7, 1, 2, sharey=True)
    lines = Lifetimes(lapse).estimate.sel(misalignment=1.0), Lifetimes(speed).estimate
    shares = lapse["lapse_share"].values
    for share, colour in zip(shares, style.curve_colours(len(shares)), strict=True):
        panels[0].plot(lapse["execution"], lines[0].sel(lapse_share=share), color=colour, marker="o", markersize=3,
                       label=f"{share:g}")  # fmt: skip
    panels[0].legend(title="lapse share", loc="upper right")
    panels[0].set(xlabel="execution", ylabel="mean lifetime within 20 years (years)", xlim=(0, 1.02), ylim=(0, 18))
    panels[0].set_title("Full misalignment: lapses switched off")
    times = speed["adopt_time"].values
    for time, colour in zip(times, style.curve_colours(len(times)), strict=True):
        panels[1].plot(speed["misalignment"], lines[1].sel(adopt_time=time), color=colour, marker="o", markersize=3,
                       label=f"{time / estimands.WEAK:g} weeks")  # fmt: skip
    panels[1].legend(title="time constant of adoption", loc="lower left", ncols=2)
    panels[1].set(xlabel="settled practice (dose)", xlim=(0, 1.02))
    panels[1].set_title("Weak firms (0.05): dose and speed apart")
    for panel, ds in zip(panels, (lapse, speed), strict=True):
        error = float(Lifetimes(ds).se.max())
        style.note(
            panel, f"n = {int(ds['firms'].values.flat[0]):,} firms a point; standard error at most {error:.1g} years"
        )
    return figure
