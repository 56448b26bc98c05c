"""Pictures of the study: the law of the car by its two groups, and firms on the same axes."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from common import car_law
from common.folder import load
from common.number_table import NumberTable
from firmfate.plots import style

estimands = load("car", "estimands")


def pictures(runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, Figure]:
    """Return one figure of two panels."""
    return {"law": _figure(estimands.law_of(runs["law"]), runs["repairs"])}


@style.styled
def _figure(cars: xr.Dataset, repairs: xr.Dataset) -> Figure:
    figure, (panels,) = style.canvas(8.8, 3.9, 1, 2, sharey=True)
    x = np.linspace(-1, 6, 701)
    colours, norm = "viridis", LogNorm(0.1, 1000)
    for g in (0.1, 1, 10, 100):
        panels[0].plot(x, car_law.crash_before_notice(x, g), color=_colour(g, colours, norm), linewidth=1.2)
    panels[0].plot(x, car_law.ballistic(x), color=style.INK, linestyle="--", linewidth=1.2, label="exp(-1/X): no noise")
    points = panels[0].scatter(cars["x"], cars["share"], c=cars["g"], cmap=colours, norm=norm, s=13, zorder=3,
                               edgecolors=style.INK, linewidths=0.3)  # fmt: skip
    # Above the bar: beside it, the label would read as that of the next panel's axis.
    figure.colorbar(points, ax=panels[0], pad=0.02, aspect=28).ax.set_title("G", fontsize=8)
    panels[0].set(xlim=(-1, 6), ylim=(-0.02, 1.02), xlabel="X: drive to the edge until noticed, in distances",
                  ylabel="P(crash before notice), P(death before repair)")  # fmt: skip
    panels[0].set_title("Cars: points simulated, lines exact")
    panels[0].legend(loc="lower right")
    found = estimands.shares_of_firms(repairs)
    for time, colour in zip(*_by(repairs["correct_time"].values), strict=True):
        here = found.where((found["correct_time"] == time) & (found["x"] > 0), drop=True)
        panels[1].scatter(here["x"], here["share"], s=13, color=colour, label=f"correction {time:g} weeks", zorder=3)
    panels[1].plot(x, car_law.ballistic(x), color=style.INK, linestyle="--", linewidth=1.2, label="exp(-1/X)")
    panels[1].set(xlim=(0, 3), xlabel="X: time of repair over time of fall")
    panels[1].set_title("Firms: the same question")
    panels[1].legend(loc="lower right")
    out = int((cars["x"] > 6).sum() + (cars["x"] < -1).sum())
    error = 0.5 / float(cars["cars"][0]) ** 0.5
    style.note(panels[0], f"n = {int(cars['cars'][0]):,} cars a cell, se at most {error:.1g}; {out} cells lie outside")
    lives = int(found["lives"])
    out = int((found["x"] > 3).sum())
    style.note(panels[1], f"n = {lives} firms a cell, se at most {0.5 / lives**0.5:.2f}; {out} cells lie outside, at 1")
    return figure


def _colour(g: float, colours: str, norm: LogNorm) -> tuple[float, ...]:
    import matplotlib

    return tuple(matplotlib.colormaps[colours](norm(g)))


def _by(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    return values, style.curve_colours(len(values))
