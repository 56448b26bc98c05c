"""The life table of one or many cells: who is at risk in each week, who ends, and the weekly probability of ending."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import EstimateError

Floats = NDArray[np.float64]
Counts = NDArray[Any]

ROUNDING = 1e-9
"""Firms that are none: the fractional counts of a resampled table carry rounding errors."""


class LifeTable(NamedTuple):
    """Counts as floats (exact up to 2^53), weeks last. Cells without valid firms are NaN throughout."""

    firms: Floats  # (...)        firms at the start
    at_risk: Floats  # (..., week)   alive and observed when the week begins
    events: Floats  # (..., week)   ended in the week, by any cause
    quit_rate: Floats  # (..., week)   q(s) = events / at risk; 0 where nobody is at risk
    horizon_only: NDArray[np.bool_]  # (...)  nobody was censored before the last week
    followed: Floats  # (...)        firms never censored before the last week


def life_table(events: Counts, firms: Counts, censored: Counts | None = None) -> LifeTable:
    """Build the life table; events come before censorings in the same week.

    Parameters
    ----------
    events : (..., cause, week) array
    firms : (...) array
        NaN or 0 makes the cell NaN.
    censored : (..., week) array, optional
        None: firms are censored at the horizon only.

    Raises
    ------
    EstimateError
        Where more firms leave than there are, or a count is negative.
    """
    total = events.sum(axis=-2, dtype=np.float64)
    firms = np.where(firms == 0, np.nan, firms).astype(np.float64)
    leaving = total if censored is None else total + censored
    gone = leaving.cumsum(axis=-1)
    slack = ROUNDING * np.maximum(firms, 1.0)
    if np.any(gone[..., -1] > firms + slack):
        raise EstimateError("more firms end or are censored than the cell has: see `events`, `censored` and `firms`")
    if total.size and total.min() < 0:
        raise EstimateError("`events` holds a negative count")
    at_risk = firms[..., None] - gone + leaving
    np.maximum(at_risk, 0.0, out=at_risk)
    quit_rate = np.zeros_like(total)
    np.divide(total, at_risk, out=quit_rate, where=at_risk != 0)
    np.minimum(quit_rate, 1.0, out=quit_rate)
    if censored is None:
        return LifeTable(firms, at_risk, total, quit_rate, np.ones(firms.shape, bool), firms)
    early = censored[..., :-1].sum(axis=-1, dtype=np.float64)
    return LifeTable(firms, at_risk, total, quit_rate, early == 0, firms - early)


def per_head(numerator: Counts, at_risk: Floats) -> Floats:
    """Return numerator / at risk, and 0 where nobody is at risk (NaN cells stay NaN)."""
    shape = np.broadcast_shapes(numerator.shape, at_risk.shape)
    rate = np.zeros(shape)
    np.divide(numerator, at_risk, out=rate, where=np.broadcast_to(at_risk != 0, shape))
    return rate


def odds_per_head(table: LifeTable) -> Floats:
    """Greenwood's increments d / (n (n - d)); 0 where all at risk end, since no estimate changes after that."""
    staying = table.at_risk - table.events
    increments = np.zeros_like(table.at_risk)
    np.divide(table.quit_rate, staying, out=increments, where=staying > ROUNDING)
    increments[np.isnan(table.at_risk)] = np.nan
    return increments


def with_week_zero(weekly: Floats, at_zero: float, firms: Floats) -> Floats:
    """Put the value of week 0 before the weeks 1..H; NaN where ``firms`` is."""
    out = np.empty((*weekly.shape[:-1], weekly.shape[-1] + 1))
    out[..., 0] = np.where(np.isnan(firms), np.nan, at_zero)
    out[..., 1:] = weekly
    return out
