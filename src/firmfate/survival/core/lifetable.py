"""The life table of one or many cells: who is at risk in each week, how many have an event, and the weekly hazard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import EstimateError

Floats = NDArray[np.float64]

ROUNDING = 1e-9
"""Numbers of firms below this are none: the fractional counts of a resampled table carry rounding errors."""


class CellCounts(NamedTuple):
    """The counts of one or many cells, as arrays of any number type."""

    events: NDArray[Any]  # (..., cause, week)
    firms: NDArray[Any]  # (...)        firms that ever come under observation; NaN or 0 makes the cell NaN
    censored: NDArray[Any] | None = None  # (..., week)   None: at the horizon only
    entered: NDArray[Any] | None = None  # (..., week)   at risk from the next week on; None: all from the first week

    def map(self, f: Callable[[NDArray[Any]], NDArray[Any]]) -> CellCounts:
        """Return the counts with a function applied to each array."""
        events, firms, *weekly = self
        return CellCounts(f(events), f(firms), *(None if counted is None else f(counted) for counted in weekly))


class LifeTable(NamedTuple):
    """Counts as floats (exact up to 2^53), weeks last. Cells without valid firms are NaN throughout."""

    firms: Floats  # (...)        firms that ever come under observation
    at_risk: Floats  # (..., week)   alive and observed when the week begins
    events: Floats  # (..., week)   events of the week, of any cause
    hazard: Floats  # (..., week)   q(s) = events / at risk; 0 where nobody is at risk
    horizon_only: NDArray[np.bool_]  # (...)  all are observed from the first week on, until an event or the horizon
    followed: Floats  # (...)        firms observed in every week until an event or the horizon, or fewer


def life_table(counts: CellCounts) -> LifeTable:
    """Build the life table; events come before censorings in the same week, and entries after both.

    Parameters
    ----------
    counts : CellCounts

    Raises
    ------
    EstimateError
        Where more firms leave than there are, or a count is negative.
    """
    events, firms, censored, entered = counts
    total = events.sum(axis=-2, dtype=np.float64)
    firms = np.where(firms == 0, np.nan, firms).astype(np.float64)
    leaving = total if censored is None else total + censored
    gone = leaving.cumsum(axis=-1)
    slack = ROUNDING * np.maximum(firms, 1.0)
    if np.any(gone[..., -1] > firms + slack):
        raise EstimateError(
            "more firms have an event or are censored than the cell has: see `events`, `censored` and `firms`"
        )
    if total.size and total.min() < 0:
        raise EstimateError("`events` holds a negative count")
    at_risk = firms[..., None] - gone + leaving
    if entered is not None:
        at_risk -= _still_to_enter(entered)
        # Within the bins of a resampled table entries and events are spread alike, and may be a fraction out of order.
        if np.issubdtype(events.dtype, np.integer) and np.any(at_risk < leaving - slack[..., None]):
            raise EstimateError("more firms have an event or are censored in a week than have entered: see `entered`")
    np.maximum(at_risk, 0.0, out=at_risk)
    hazard = np.zeros_like(total)
    np.divide(total, at_risk, out=hazard, where=at_risk != 0)
    np.minimum(hazard, 1.0, out=hazard)
    horizon_only, followed = np.ones(firms.shape, dtype=bool), firms
    if censored is not None:
        early = censored[..., :-1].sum(axis=-1, dtype=np.float64)
        horizon_only, followed = early == 0, firms - early
    if entered is not None:
        some = entered.any(axis=-1)
        fewest = np.where(at_risk > 0, at_risk, np.inf).min(axis=-1)
        fewest = np.where(np.isnan(firms) | np.isinf(fewest), np.nan, fewest)
        horizon_only, followed = horizon_only & ~some, np.where(some, fewest, followed)
    return LifeTable(firms, at_risk, total, hazard, horizon_only, followed)


def _still_to_enter(entered: NDArray[Any]) -> Floats:
    """Firms that enter in this week or later, and so are not at risk in it."""
    sums: Floats = entered[..., ::-1].cumsum(axis=-1, dtype=np.float64)[..., ::-1]
    return sums


def per_at_risk(numerator: NDArray[Any], at_risk: Floats) -> Floats:
    """Return numerator / at risk, and 0 where nobody is at risk (NaN cells stay NaN)."""
    shape = np.broadcast_shapes(numerator.shape, at_risk.shape)
    rate = np.zeros(shape)
    np.divide(numerator, at_risk, out=rate, where=np.broadcast_to(at_risk != 0, shape))
    return rate


def greenwood(table: LifeTable) -> Floats:
    """Greenwood's increments d / (n (n - d)); 0 where all at risk end, since no estimate changes after that."""
    staying = table.at_risk - table.events
    increments = np.zeros_like(table.at_risk)
    np.divide(table.hazard, staying, out=increments, where=staying > ROUNDING)
    increments[np.isnan(table.at_risk)] = np.nan
    return increments


def with_week_zero(weekly: Floats, at_zero: float, firms: Floats) -> Floats:
    """Put the value of week 0 before the weeks 1..H; NaN where ``firms`` is."""
    out = np.empty((*weekly.shape[:-1], weekly.shape[-1] + 1))
    out[..., 0] = np.where(np.isnan(firms), np.nan, at_zero)
    out[..., 1:] = weekly
    return out
