"""Compare cumulative incidences of groups: Gray's test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.survival.core.lifetable import Floats, per_at_risk
from firmfate.survival.core.ranks import Score


class _Week(NamedTuple):
    """Curves of the groups of a stratum, before and after the events of each week."""

    ended: Floats  # (..., group, week)  by the cause
    others: Floats  # (..., group, week)  by another cause
    at_risk: Floats  # (..., group, week)
    before: Floats  # (..., group, week)  S of the group at the end of the week before
    after: Floats  # (..., group, week)  S at the end of the week
    incidence: Floats  # (..., group, week)  F of the cause at the end of the week before


def gray(ended: Floats, others: Floats, at_risk: Floats, *, rho: float = 0.0) -> Score:
    """Compare the subdistribution hazards of groups within each stratum, then add strata up (Gray 1988).

    Parameters
    ----------
    ended, others, at_risk : (..., stratum, group, week)
        Events of the cause, and of other causes, and firms at risk; without NaN.
    rho : float
        Weights (1 - F(t-))^rho, F the cumulative incidence of all groups of the stratum together.
    """
    week = _curves(ended, others, at_risk)
    here = week.at_risk > 0
    censoring = np.zeros_like(at_risk)  # firms that censoring alone would leave: Gray's h
    np.divide(at_risk, week.before, out=censoring, where=here)
    together = censoring.sum(axis=-2)
    of_cause = ended.sum(axis=-2)
    share = per_at_risk(of_cause, together)
    pooled = share.cumsum(axis=-1)
    pooled_before = np.concatenate([np.zeros_like(pooled[..., :1]), pooled[..., :-1]], axis=-1)
    weight = np.maximum(1.0 - pooled_before, 0.0) ** rho
    still = censoring * (1.0 - week.incidence)
    shares = per_at_risk(still, still.sum(axis=-2)[..., None, :])
    observed = (weight[..., None, :] * ended).sum(axis=(-3, -1))
    expected = np.einsum("...st,...sgt->...g", weight * of_cause, shares)
    return Score(observed, expected, _covariance(week, censoring, together, share, pooled, weight))


def _curves(ended: Floats, others: Floats, at_risk: Floats) -> _Week:
    after = (1.0 - per_at_risk(ended + others, at_risk)).cumprod(axis=-1)
    before = np.concatenate([np.ones_like(after[..., :1]), after[..., :-1]], axis=-1)
    incidence = (before * per_at_risk(ended, at_risk)).cumsum(axis=-1)
    earlier = np.concatenate([np.zeros_like(incidence[..., :1]), incidence[..., :-1]], axis=-1)
    return _Week(ended, others, at_risk, before, after, earlier)


def _covariance(
    week: _Week, censoring: Floats, together: Floats, share: Floats, pooled: Floats, weight: Floats
) -> Floats:
    """Sum over weeks and groups k the noise of k's events times what they do to each group's score.

    An event of the cause in group k in week t moves the score of group i by a_ik(t) now, and by (c_ik(H) - c_ik(t)) r
    through the pooled incidence later; one of another cause by the latter alone (Gray 1988, section 3).
    """
    groups = censoring.shape[-2]
    fraction = per_at_risk(censoring, together[..., None, :])
    pooled_before = pooled - share
    growth = np.zeros_like(share)
    np.divide(share, 1.0 - pooled_before, out=growth, where=pooled_before < 1.0)
    alive = week.after > 0
    ratio = np.zeros_like(week.after)
    np.divide(np.broadcast_to(1.0 - pooled[..., None, :], ratio.shape), week.after, out=ratio, where=alive)
    of_cause, of_others = _noise_of_the_cause(week, together, share), _noise_of_others(week, alive)
    covariance = np.zeros((*censoring.shape[:-3], groups, groups))
    for k in range(groups):
        itself = (np.arange(groups) == k)[:, None]
        now = weight[..., None, :] * censoring[..., k, None, :] * (itself - fraction)  # a_ik(t), (..., group i, week)
        running = (now * growth[..., None, :]).cumsum(axis=-1)  # c_ik(t)
        later = running[..., -1:] - running
        first = now + (1.0 - ratio[..., k, None, :]) * later
        second = ratio[..., k, None, :] * later
        for moved, noise in ((first, of_cause), (second, of_others)):
            covariance += ((moved * noise[..., k, None, :]) @ np.swapaxes(moved, -1, -2)).sum(axis=-3)
    return covariance


def _noise_of_the_cause(week: _Week, together: Floats, share: Floats) -> Floats:
    """Variance of a group's estimated hazard of the cause, if it is that of all; (..., group, week)."""
    here = (week.at_risk > 0) & (share > 0)[..., None, :]
    noise = np.zeros_like(week.at_risk)
    np.divide(week.before * share[..., None, :], week.at_risk, out=noise, where=here)
    return noise * _one_after_another(week.ended.sum(axis=-2)[..., None, :], together[..., None, :] * week.before, here)


def _noise_of_others(week: _Week, alive: NDArray[np.bool_]) -> Floats:
    """Variance of a group's estimated hazard of other causes; (..., group, week)."""
    here = alive & (week.others > 0)
    noise = np.zeros_like(week.at_risk)
    np.divide(week.before**2 * week.others, week.at_risk**2, out=noise, where=here)
    return noise * _one_after_another(week.others, week.at_risk, here)


def _one_after_another(events: Floats, at_risk: Floats, here: NDArray[np.bool_]) -> Floats:
    """Of several events in a week, each leaves one fewer firm for the next: 1 - (d - 1) / (n - 1)."""
    fewer = np.zeros_like(at_risk)
    np.divide(np.broadcast_to(events - 1.0, fewer.shape), at_risk - 1.0, out=fewer, where=here & (events > 1))
    return 1.0 - fewer
