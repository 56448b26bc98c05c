"""Pictures of the study: years gained by every lever, pairs against their sums, and shared metrics by dose."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from common.folder import load
from common.number_table import NumberTable
from firmfate.analysis import Lifetimes
from firmfate.plots import style

estimands = load("way-out", "estimands")


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return one figure of three panels."""
    return {"way-out": _figure(runs["levers"], runs["doses"])}


@style.styled
def _figure(levers: xr.Dataset, doses: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(10.2, 3.9, 1, 3)
    lived = Lifetimes(levers)
    single = estimands.gains(lived).sel(misalignment=1.0)
    names = [*(words for words, _, _ in estimands.LEVERS.values()), "all six"]
    places = np.arange(len(names))[::-1]
    executions = levers["execution"].values[::-1]
    for shift, execution, colour in zip(
        (0.26, 0, -0.26), executions, (style.VERMILION, style.ORANGE, style.BLUE), strict=True
    ):
        here = single.sel(execution=execution)
        panels[0].barh(places + shift, here["estimate"], height=0.24, color=colour, label=f"execution {execution:g}",
                       xerr=(here["estimate"] - here["lower"]).fillna(0), error_kw={"elinewidth": 0.8})  # fmt: skip
    panels[0].set_yticks(places, names)
    panels[0].set(xlabel="years gained")
    panels[0].set_title("Each lever, misalignment 1")
    panels[0].legend(loc="center right", fontsize=7.5)
    panels[0].grid(visible=False, axis="y")

    both, excess = (found.sel(execution=1.0, misalignment=1.0) for found in estimands.pairs(lived))
    order = np.argsort(both["estimate"].values)
    at = np.arange(len(estimands.PAIRS))
    panels[1].barh(at, both["estimate"].values[order], height=0.7, color=style.SKY, label="both")
    alone = (both["estimate"] - excess["estimate"]).values[order]
    panels[1].scatter(alone, at, marker="|", s=60, color=style.INK, label="sum of each alone", zorder=3)
    short = [
        " + ".join(
            estimands.LEVERS[name][0].replace(" metrics", "").replace("customer's ", "") for name in estimands.PAIRS[i]
        )
        for i in order
    ]
    panels[1].set_yticks(at, short, fontsize=7)
    panels[1].set(xlabel="years gained")
    panels[1].set_title("Pairs, execution 1")
    panels[1].legend(loc="lower right", fontsize=7.5)
    panels[1].grid(visible=False, axis="y")

    life = Lifetimes(doses)
    for execution, colour in zip(executions, (style.VERMILION, style.ORANGE, style.BLUE), strict=True):
        panels[2].plot(doses["shared_metrics"], life.estimate.sel(execution=execution), color=colour, marker="o",
                       markersize=3, label=f"execution {execution:g}")  # fmt: skip
    panels[2].set(
        xlabel="share of shared metrics", ylabel="mean lifetime within 20 years (years)", ylim=(0, 20), xlim=(0, 1.03)
    )
    panels[2].set_title("Shared metrics by dose")
    panels[2].legend(loc="lower right", fontsize=7.5)
    style.note(panels[0], f"n = {int(levers['firms'].values.flat[0]):,} firms a cell; bars: 95 % limits")
    style.note(panels[1], f"misalignment 1; se at most {float(both['se'].max()):.1g} years")
    firms, error = int(doses["firms"].values.flat[0]), float(life.se.max())
    style.note(panels[2], f"misalignment 1; n = {firms:,}; se ≤ {error:.1g} years")
    return figure
