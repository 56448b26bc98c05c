"""The one backward recursion: the expected payoff of a firm, and its exact standard error.

For payoffs g_k(s) of an event of cause k in week s and g_end of outliving the horizon,
V(s-1) = sum_k q_k(s) g_k(s) + (1 - q(s)) V(s). With W(s) = S(s) V(s) it is a reversed cumulative sum. The weeks'
multinomial counts are uncorrelated given who is at risk, so that the delta method gives the variance
sum_s [m2(s) - m1(s)² - 2 m1(s) W(s) + q(s)/(1 - q(s)) W(s)²] / n(s), m1 = S(s-1) sum_k q_k g_k, m2 = S(s-1)² sum_k
q_k g_k²: Greenwood's formula, Aalen-Johansen's and that of the restricted mean are special cases (infinitesimal
jackknife alike).
"""

from __future__ import annotations

import numpy as np

from firmfate.survival.core.curves import Curve, survival
from firmfate.survival.core.lifetable import CellCounts, Floats, LifeTable, greenwood, life_table, per_at_risk
from firmfate.survival.core.limits import score_limits


def alive_before(table: LifeTable) -> Floats:
    """S(s-1) for weeks s = 1..H."""
    alive = np.empty_like(table.hazard)
    alive[..., 0] = np.where(np.isnan(table.firms), np.nan, 1.0)
    alive[..., 1:] = survival(table)[..., :-1]
    return alive


def expected(table: LifeTable, first: Floats, second: Floats, at_end: Floats | float) -> tuple[Floats, Floats]:
    """Return value and standard error from m1 = ``first``, m2 = ``second`` (..., week) and S(H) g_end = ``at_end``."""
    total = first.sum(axis=-1) + at_end
    later = total[..., None] - first.cumsum(axis=-1)  # W(s)
    np.maximum(later, 0.0, out=later, where=np.asarray(first >= 0).all(axis=-1, keepdims=True))
    at_risk = np.broadcast_to(table.at_risk, first.shape)
    variance = per_at_risk(second - first * first - 2.0 * first * later, at_risk).sum(axis=-1)
    variance += (greenwood(table) * later * later).sum(axis=-1)
    return total, np.sqrt(np.maximum(variance, 0.0))


def expected_payoff(counts: CellCounts, *, payoff: Floats, at_end: float, z: float) -> Curve:
    """Expected payoff (...) of ``payoff (cause, week)`` and ``at_end``; normal limits, NaN where the error is 0."""
    table = life_table(counts)
    before = alive_before(table)
    rate = per_at_risk(counts.events, table.at_risk[..., None, :])
    first = before * (rate * payoff).sum(axis=-2)
    second = before * before * (rate * payoff * payoff).sum(axis=-2)
    end = at_end * survival(table)[..., -1]
    value, se = expected(table, first, second, end)
    half = np.where(se > 0, z * se, np.nan)
    return value, se, value - half, value + half


def restricted_mean(counts: CellCounts, *, tau: int, z: float) -> Curve:
    """RMST(tau) = sum of S(t) over t < tau = tau less the weeks lost, each (...)."""
    table = life_table(_until(counts, tau))
    lost, se = _lost(table, table.hazard, tau)
    lower, upper = score_limits(1.0 - lost / tau, se / tau, table.followed, z)
    return tau - lost, se, tau * lower, tau * upper


def means_alone(counts: CellCounts, *, taus: list[int]) -> tuple[Floats]:
    """RMST at several horizons without errors, (..., tau)."""
    running = alive_before(life_table(counts)).cumsum(axis=-1)
    return (running[..., np.asarray(taus) - 1],)


def weeks_lost(counts: CellCounts, *, tau: int, z: float) -> Curve:
    """Weeks lost before tau by each cause, each (..., cause); they and RMST(tau) add up to tau."""
    counts = _until(counts, tau)
    table = life_table(counts)
    by_cause = table._replace(at_risk=table.at_risk[..., None, :], hazard=table.hazard[..., None, :])
    by_cause = by_cause._replace(events=table.events[..., None, :], firms=table.firms[..., None])
    lost, se = _lost(by_cause, per_at_risk(counts.events, by_cause.at_risk), tau)
    lower, upper = score_limits(lost / tau, se / tau, table.followed[..., None], z)
    return lost, se, tau * lower, tau * upper


def _until(counts: CellCounts, tau: int) -> CellCounts:
    """The first tau weeks; who enters later enters at the end of the last of them."""
    events, firms, censored, entered = counts
    if entered is not None:
        later = entered[..., tau:].sum(axis=-1, keepdims=True)
        entered = np.concatenate([entered[..., : tau - 1], entered[..., tau - 1 : tau] + later], axis=-1)
    return CellCounts(events[..., :tau], firms, None if censored is None else censored[..., :tau], entered)


def _lost(table: LifeTable, rate: Floats, tau: int) -> tuple[Floats, Floats]:
    ahead = tau - np.arange(1, tau + 1, dtype=np.float64)
    first = alive_before(table) * rate * ahead
    return expected(table, first, first * alive_before(table) * ahead, 0.0)


def restricted_mean_curve(counts: CellCounts, *, z: float) -> Curve:
    """RMST(tau) at every tau = 0..H, each (..., H + 1).

    The variance sum_s D(s) (R(tau) - R(s))², D Greenwood's increments, is advanced by sums of positive terms.
    """
    table = life_table(counts)
    before = alive_before(table)
    spread = np.zeros_like(before)  # sum of D(s) over s < tau
    spread[..., 1:] = greenwood(table)[..., :-1].cumsum(axis=-1)
    lever = np.zeros_like(before)  # sum of D(s) (R(tau - 1) - R(s))
    lever[..., 1:] = (before * spread)[..., :-1].cumsum(axis=-1)
    variance = (before * (2.0 * lever + before * spread)).cumsum(axis=-1)
    mean = before.cumsum(axis=-1)
    weeks = np.arange(1, before.shape[-1] + 1, dtype=np.float64)
    se = np.sqrt(variance)
    lower, upper = score_limits(mean / weeks, se / weeks, table.followed[..., None], z)
    curve = (mean, se, weeks * lower, weeks * upper)
    return tuple(np.concatenate([0.0 * v[..., :1], v], axis=-1) for v in curve)  # type: ignore[return-value]
