"""What is measured of all firms of a population: when they end and by what, how long after their alarm, and who; a
number, or for a share zeros and ones, whose mean is the share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR

Firms = Mapping[str, NDArray[np.float64]]
"""By name, a number a firm: ``event_week``, ``cause`` (0 = alive at the horizon), ``alarm_week`` (0 = none),
``execution``, ``misalignment``."""

Floats = NDArray[np.float64]
Measure = Callable[[Firms, Sequence[str]], float | Floats]
OLD = 10 * WEEKS_PER_YEAR
BACKGROUND = "background_exit"


def hazard(firms: Firms, year: int) -> Floats:
    """Return, of those alive at the start of a year, who exits within it."""
    ended = np.where(firms["cause"] > 0, firms["event_week"], np.inf)
    alive = ended > (year - 1) * WEEKS_PER_YEAR
    return (ended[alive] <= year * WEEKS_PER_YEAR).astype(np.float64)


def share(firms: Firms, causes: Sequence[str], cause: str) -> Floats:
    """Return, of all firms that end, whose end has a cause."""
    ended = firms["cause"][firms["cause"] > 0]
    return (ended == causes.index(cause)).astype(np.float64)


def decline_years(firms: Firms, causes: Sequence[str]) -> float:
    """Return the median of the years from the first alarm to failure, of firms that failed at ten years or later."""
    failed = (firms["cause"] > 0) & (firms["cause"] != causes.index(BACKGROUND)) & (firms["event_week"] >= OLD)
    rang = failed & (firms["alarm_week"] > 0)
    years = (firms["event_week"] - firms["alarm_week"])[rang] / WEEKS_PER_YEAR
    return float(np.median(years)) if len(years) else np.nan


def log_hazard_ratio(weeks: NDArray[np.float64], ended: NDArray[np.bool_], x: NDArray[np.float64]) -> float:
    """Return the coefficient of a proportional hazards model (Cox 1972) of one number a firm, ties as Breslow's (1974).

    Parameters
    ----------
    weeks : (firms,) array
        Of the event, or of the last observation.
    ended : (firms,) array of bool
    x : (firms,) array
    """
    order = np.argsort(-weeks, kind="stable")
    weeks, ended, x = weeks[order], ended[order], x[order]
    last = np.searchsorted(-weeks, -weeks, side="right") - 1  # of the firms that live as long or longer
    events, at_risk = x[ended], last[ended]
    beta = 0.0
    for _ in range(50):
        weight = np.exp(beta * x)
        total, first, second = (np.cumsum(weight * x**power)[at_risk] for power in (0, 1, 2))
        mean = first / total
        step = float((events - mean).sum() / (second / total - mean**2).sum())
        beta += step
        if abs(step) < 1e-13:
            break
    return beta


def management(firms: Firms, *, below: float = np.inf) -> float:
    """Return the log hazard ratio of one standard deviation of execution, among firms whose misalignment is below a
    value."""
    chosen = firms["misalignment"] < below
    execution = firms["execution"][chosen]
    score = (execution - execution.mean()) / execution.std()
    return log_hazard_ratio(firms["event_week"][chosen].astype(float), firms["cause"][chosen] > 0, score)


def _hazard(year: int) -> Measure:
    return lambda firms, causes: hazard(firms, year)


OF_FIRMS: dict[str, Measure] = {
    **{f"hazard_{year}": _hazard(year) for year in (1, 3, 5, 10, 15)},
    "closed_well": lambda firms, causes: share(firms, causes, BACKGROUND),
    "insolvent": lambda firms, causes: share(firms, causes, "insolvency"),
    "decline_years": decline_years,
    "management": lambda firms, causes: management(firms),
    "management_aligned": lambda firms, causes: management(firms, below=0.5),
}
"""Fact -> its measure."""

OTHERWISE = {
    "insolvent": "share of exits by insolvency",
    "management_aligned": "log hazard ratio of one sd of execution, misalignment below 0.5",
}
