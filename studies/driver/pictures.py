"""Pictures of the study: slack and correction, detection against alignment, and the sceptic's coupling."""

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from common.folder import load
from common.number_table import NumberTable
from firmfate.analysis import Lifetimes
from firmfate.plots import style

estimands = load("driver", "estimands")


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return one figure of three panels."""
    return {"driver": _figure(runs["slack"], runs["detection"], runs["sceptic"])}


@style.styled
def _figure(slack: xr.Dataset, detection: xr.Dataset, sceptic: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(10.2, 3.6, 1, 3)
    lived = Lifetimes(slack)
    times = slack["correct_time"].values
    for time, colour in zip(times, style.curve_colours(len(times)), strict=True):
        for misalignment, line in ((0.5, "-"), (1.0, (0, (3, 2)))):
            here = {"execution": 1.0, "misalignment": misalignment, "correct_time": time}
            panels[0].plot(slack["cash_buffer"], lived.estimate.sel(here), color=colour, linestyle=line, marker="o",
                           markersize=3, label=f"correction {time:g} weeks" if line == "-" else None)  # fmt: skip
    panels[0].set(
        xlabel="cash buffer, weeks", ylabel="mean lifetime within 20 years (years)", xlim=(0, 31), ylim=(0, 25)
    )
    panels[0].set_title("Strong; M 0.5 (solid), 1 (dashed)")
    panels[0].legend(loc="upper left", fontsize=7.5)
    lived = Lifetimes(detection)
    usual = {"observe_time": 26.0}
    full = {"misalignment": 1.0, **usual}
    for better, name, colour in (
        ({"misalignment": 0.9, **usual}, "misalignment less by 0.1", style.BLUE),
        ({"misalignment": 1.0, "observe_time": 13.0}, "seen in 13 weeks, not 26", style.VERMILION),
    ):
        found = estimands.gain(lived, better, full)
        _errors(panels[1], detection["execution"].values, found, name, colour)
    panels[1].set(xlabel="execution", ylabel="years gained", xlim=(0, 1.03), ylim=(0, None))
    panels[1].set_title("At misalignment 1: one step of each")
    panels[1].legend(loc="upper left", fontsize=7.5)
    lived = Lifetimes(sceptic)
    effect = estimands.gain(lived, {"execution": 1.0}, {"execution": 0.05}).sel(correct_time=52)
    couplings = sceptic["steering_coupling"].values
    for coupling, colour in zip(couplings, style.curve_colours(len(couplings)), strict=True):
        here = effect.sel(steering_coupling=coupling)
        _errors(panels[2], sceptic["misalignment"].values, here, f"coupling {coupling:g}", colour)
    panels[2].axhline(0, color=style.INK, linewidth=0.8)
    panels[2].set(xlabel="misalignment", ylabel="strong less weak, years", xlim=(0, 1.03))
    panels[2].set_title("The sceptic: correction 52 weeks")
    panels[2].legend(loc="lower left", fontsize=7.5)
    for panel, ds in zip(panels, (slack, detection, sceptic), strict=True):
        bars = f"se at most {float(Lifetimes(slack).se.max()):.1g} years" if ds is slack else "bars: 95 % limits"
        style.note(panel, f"n = {int(ds['firms'].values.flat[0]):,} firms a cell; {bars}")
    return figure


def _errors(ax, x, found: xr.Dataset, name: str, colour: str) -> None:
    y = found["estimate"].values
    sides = [y - found["lower"].fillna(found["estimate"]).values, found["upper"].fillna(found["estimate"]).values - y]
    ax.errorbar(x, y, yerr=sides, color=colour, marker="o", markersize=3, elinewidth=1, label=name)
