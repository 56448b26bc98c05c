"""Cumulative incidence of competing causes (Aalen-Johansen) of many cells at once."""

from __future__ import annotations

import numpy as np

from firmfate.survival.core.curves import Curve
from firmfate.survival.core.lifetable import CellCounts, Floats, greenwood, life_table, per_at_risk, with_week_zero
from firmfate.survival.core.limits import score_limits
from firmfate.survival.core.restricted import alive_before


def cumulative_incidence(counts: CellCounts, *, z: float) -> Curve:
    """F_k at weeks 0..H with its standard error and limits, each (..., cause, H + 1).

    The recursion of ``restricted.py`` with g_k(s) = 1 for s <= t, for all t at once: with a = F(t) - F(s), the variance
    sum_{s<=t} [q_k (1 - q_k) P² - 2 q_k P a] / n + D a² is advanced week by week, P = S(s-1), D = Greenwood's
    increments.
    """
    table = life_table(counts)
    before = alive_before(table)[..., None, :]
    at_risk = table.at_risk[..., None, :]
    rate = per_at_risk(counts.events, at_risk)
    step = rate * before
    incidence = step.cumsum(axis=-1)
    slope = per_at_risk(step, at_risk)
    own = (slope * (before - step)).cumsum(axis=-1)
    spread = _until_last_week(greenwood(table).cumsum(axis=-1))[..., None, :]
    lever = _until_last_week((step * spread).cumsum(axis=-1))
    # own - 2 sum(step * slope so far) + sum(2 step * lever + step² * spread)
    cross = 2.0 * (lever - _until_last_week(slope.cumsum(axis=-1))) + step * spread
    variance = own + (step * cross).cumsum(axis=-1)
    se = np.sqrt(np.maximum(variance, 0.0))
    lower, upper = score_limits(incidence, se, table.followed[..., None, None], z)
    at_start = table.firms[..., None]
    return tuple(with_week_zero(weekly, 0.0, at_start) for weekly in (incidence, se, lower, upper))  # type: ignore[return-value]


def _until_last_week(sums: Floats) -> Floats:
    """Shift running sums by one week: what had been summed when the week began."""
    shifted = np.empty_like(sums)
    shifted[..., 0] = 0.0 * sums[..., 0]
    shifted[..., 1:] = sums[..., :-1]
    return shifted
