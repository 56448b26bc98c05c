"""Survival estimates on counts: every estimator takes a dataset and returns ``estimate``, ``se``, ``lower``,
``upper``.

They cost the same for a million and a billion firms, and work on Dask-backed and in-memory datasets. The arrays are
below, in ``core/``; here are the labels.
"""

from firmfate.survival.contrasts import contrast
from firmfate.survival.curves import kaplan_meier, nelson_aalen
from firmfate.survival.example import example
from firmfate.survival.hazards import hazard
from firmfate.survival.incidence import cumulative_incidence
from firmfate.survival.quantiles import quantile
from firmfate.survival.restricted import expected_payoff, rmst, rmst_curve, time_lost
from firmfate.survival.risk import risk_table

__all__ = [
    "contrast",
    "cumulative_incidence",
    "example",
    "expected_payoff",
    "hazard",
    "kaplan_meier",
    "nelson_aalen",
    "quantile",
    "risk_table",
    "rmst",
    "rmst_curve",
    "time_lost",
]
