"""What a run shows: mean lifetimes and their differences over the cells of a study, alarms, and the finding in words.

Every function takes a dataset of counts, as `firmfate.run` returns it and ``result.nc`` holds it, and returns years,
shares or numbers of KPIs with standard errors. Nothing here simulates, and nothing knows a model.

==================== =================================================================================================
`finding`            the finding of any study in sentences, with the numbers behind them (`Finding`, `Estimate`)
`axis_effects`       main effects and interactions of a grid's axes, and the inner value of the longest mean lifetime
`surface_effects`    main effects and interactions of scattered cells: Latin hypercube, Sobol points, long lists
`ranking`            listed cells in order, and which pairs can be distinguished
`both_errors`        a number over draws of a posterior, with the simulation's error and the parameters'
`extreme_cells`      the cells with the longest and the shortest mean lifetime (`ExtremeCell`)
`phase_map`          mean lifetimes over execution and misalignment, and the derivative by execution
`turning_point`      the misalignment at which the effect of execution changes its sign
`green_dashboards`   how many KPIs were green at the alarm
`warning_time`       weeks from the alarm to the event
`alarm_shares`       which firms had an early alarm, a later one, or none before their event
`Lifetimes`          standard errors of any function of the cells' mean lifetimes
==================== =================================================================================================
"""

from firmfate.analysis.both_errors import both_errors
from firmfate.analysis.extremes import ExtremeCell, extreme_cells
from firmfate.analysis.findings import Finding
from firmfate.analysis.formatting import Estimate
from firmfate.analysis.green_kpis import green_dashboards
from firmfate.analysis.grid import axis_effects
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.phase import phase_map
from firmfate.analysis.ranking import ranking
from firmfate.analysis.run_finding import finding
from firmfate.analysis.surface import surface_effects
from firmfate.analysis.turning import turning_point
from firmfate.analysis.warning_times import alarm_shares, warning_time

__all__ = [
    "Estimate",
    "ExtremeCell",
    "Finding",
    "Lifetimes",
    "alarm_shares",
    "axis_effects",
    "both_errors",
    "extreme_cells",
    "finding",
    "green_dashboards",
    "phase_map",
    "ranking",
    "surface_effects",
    "turning_point",
    "warning_time",
]
