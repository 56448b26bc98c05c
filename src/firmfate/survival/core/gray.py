"""Compare cumulative incidences of groups: Gray's test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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

    An event of the cause in group k in week t moves the score of group i by a_ik(t) - r_k(t) (c_ik(H) - c_ik(t)) now
    and through the pooled incidence later; one of another cause by the latter alone (Gray 1988, section 3).
    """
    groups = censoring.shape[-2]
    unit = np.eye(groups)[:, :, None]
    fraction = per_at_risk(censoring, together[..., None, :])
    # a_ik(t), (..., stratum, i, k, week)
    now = weight[..., None, None, :] * censoring[..., :, None, :] * (unit - fraction[..., None, :, :])
    pooled_before = pooled - share
    growth = np.zeros_like(share)
    np.divide(share, 1.0 - pooled_before, out=growth, where=pooled_before < 1.0)
    running = (now * growth[..., None, None, :]).cumsum(axis=-1)  # c_ik(t)
    later = running[..., -1:] - running
    alive = week.after > 0
    ratio = np.zeros_like(week.after)
    np.divide(np.broadcast_to(1.0 - pooled[..., None, :], ratio.shape), week.after, out=ratio, where=alive)
    own = 1.0 - ratio
    here = (week.at_risk > 0) & (share > 0)[..., None, :]
    of_cause = week.ended.sum(axis=-2)[..., None, :]
    noise = np.zeros_like(own)
    np.divide(week.before * share[..., None, :], week.at_risk, out=noise, where=here)
    # Of several events in a week, each leaves one fewer for the next.
    expected_at_risk = together[..., None, :] * week.before
    several = here & (of_cause > 1)
    less = np.zeros_like(own)
    np.divide(np.broadcast_to(of_cause - 1.0, own.shape), expected_at_risk - 1.0, out=less, where=several)
    noise *= 1.0 - less
    first = now + own[..., None, :, :] * later
    covariance: Floats = np.einsum("...siky,...sky,...sjky->...ij", first, noise, first, optimize=True)
    other_here = alive & (week.others > 0)
    noise = np.zeros_like(own)
    np.divide(week.before**2 * week.others, week.at_risk**2, out=noise, where=other_here)
    less = np.zeros_like(own)
    np.divide(week.others - 1.0, week.at_risk - 1.0, out=less, where=other_here & (week.others > 1))
    noise *= 1.0 - less
    second = ratio[..., None, :, :] * later
    covariance += np.einsum("...siky,...sky,...sjky->...ij", second, noise, second, optimize=True)
    return covariance
