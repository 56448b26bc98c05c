"""One figure a function: a dataset in, matplotlib axes out. The only room that imports matplotlib.

Every figure states how many firms it is of, and its error. What a function returns, axes or an array of axes, a
notebook shows where it is the last line of a cell. No function touches pyplot or shows a window:
``axes.figure.savefig("picture.png")`` keeps a figure. Every function draws on axes that are given, `ax` or `axes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.lazy import importer

_WHERE = {
    "survival_curves": "curves",
    "incidence": "stacked_incidence",
    "hazard": "hazard_rate",
    "rmst_curve": "mean_lifetime",
    "lifetimes": "along_axes",
    "lifetime_map": "any_map",
    "phase_map": "phases",
    "difference_map": "differences",
    "dashboards": "alarms",
    "trajectory": "one_trajectory",
    "fan": "many_trajectories",
    "picture": "style",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.plots.alarms import dashboards as dashboards
    from firmfate.plots.along_axes import lifetimes as lifetimes
    from firmfate.plots.any_map import lifetime_map as lifetime_map
    from firmfate.plots.curves import survival_curves as survival_curves
    from firmfate.plots.differences import difference_map as difference_map
    from firmfate.plots.hazard_rate import hazard as hazard
    from firmfate.plots.many_trajectories import fan as fan
    from firmfate.plots.mean_lifetime import rmst_curve as rmst_curve
    from firmfate.plots.one_trajectory import trajectory as trajectory
    from firmfate.plots.phases import phase_map as phase_map
    from firmfate.plots.stacked_incidence import incidence as incidence
    from firmfate.plots.style import picture as picture


__getattr__ = importer(__name__, {name: f"firmfate.plots.{file}" for name, file in _WHERE.items()})


def __dir__() -> list[str]:
    return sorted(__all__)
