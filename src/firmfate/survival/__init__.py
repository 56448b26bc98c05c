"""Survival estimates on counts: every estimator returns ``estimate``, ``se``, ``lower`` and ``upper`` of every cell.

They cost the same for a million and a billion firms, and work on Dask-backed and in-memory datasets. A single cell's
error is that of independent firms; whatever compares cells takes its error from batches, because cells share random
numbers (`contrast`, which without a comparison also serves cells whose firms depend on each other by design), unless
the firms were observed and are independent. Estimators take counts, as a run and `counts_from_table` make them, and
what `firmfate.simulate` returns. The arrays are below, in ``core/``; here are the labels.
"""

import importlib

from firmfate.survival.accelerated import accelerated_failure_time
from firmfate.survival.contrasts import contrast
from firmfate.survival.crossings import crossing
from firmfate.survival.curves import kaplan_meier, nelson_aalen
from firmfate.survival.example import example
from firmfate.survival.hazards import hazard
from firmfate.survival.incidence import cumulative_incidence
from firmfate.survival.landmarks import landmark
from firmfate.survival.observed import counts_from_table
from firmfate.survival.quantiles import quantile
from firmfate.survival.ranks import gray_test, logrank
from firmfate.survival.ratios import hazard_ratio
from firmfate.survival.regression import proportional_hazards, proportionality
from firmfate.survival.restricted import expected_payoff, rmst, rmst_curve, time_lost
from firmfate.survival.risk import risk_table
from firmfate.survival.rows import to_rows
from firmfate.survival.simulated import counts_from_firms
from firmfate.survival.subdistribution import fine_gray

__all__ = [
    "accelerated_failure_time",
    "contrast",
    "counts_from_firms",
    "counts_from_table",
    "crossing",
    "cumulative_incidence",
    "example",
    "expected_payoff",
    "fine_gray",
    "gray_test",
    "hazard",
    "hazard_ratio",
    "kaplan_meier",
    "landmark",
    "logrank",
    "nelson_aalen",
    "proportional_hazards",
    "proportionality",
    "quantile",
    "risk_table",
    "rmst",
    "rmst_curve",
    "time_lost",
    "to_rows",
]

importlib.import_module("firmfate.accessor")  # by name: it stands above this room, and imports it when it is used
