"""Survival estimates on counts: every estimator takes a dataset and returns ``estimate``, ``se``, ``lower``,
``upper``.

They cost the same for a million and a billion firms, and work on Dask-backed and in-memory datasets. The arrays are
below, in ``core/``; here are the labels.
"""

from firmfate.survival.accelerated import accelerated_failure_time
from firmfate.survival.contrasts import contrast
from firmfate.survival.crossings import crossing
from firmfate.survival.curves import kaplan_meier, nelson_aalen
from firmfate.survival.example import example
from firmfate.survival.hazards import hazard
from firmfate.survival.incidence import cumulative_incidence
from firmfate.survival.observed import counts_from_table
from firmfate.survival.quantiles import quantile
from firmfate.survival.ranks import logrank
from firmfate.survival.ratios import hazard_ratio
from firmfate.survival.regression import proportional_hazards, proportionality
from firmfate.survival.restricted import expected_payoff, rmst, rmst_curve, time_lost
from firmfate.survival.risk import risk_table
from firmfate.survival.rows import to_rows

__all__ = [
    "accelerated_failure_time",
    "contrast",
    "counts_from_table",
    "crossing",
    "cumulative_incidence",
    "example",
    "expected_payoff",
    "hazard",
    "hazard_ratio",
    "kaplan_meier",
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
