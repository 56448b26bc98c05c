"""Compare the hazards of groups week by week: the log-rank test and its weighted versions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firmfate.survival.core.lifetable import Floats, per_at_risk


class Score(NamedTuple):
    """What a test of k groups compares, summed over weeks and strata."""

    observed: Floats  # (..., group)  weighted numbers of events
    expected: Floats  # (..., group)  what they would be, were all groups alike
    covariance: Floats  # (..., group, group), of observed - expected if groups are independent


def logrank(ended: Floats, at_risk: Floats, *, rho: float = 0.0, gamma: float = 0.0) -> Score:
    """Compare groups within each stratum, then add strata up (Mantel 1966, Peto and Peto 1972).

    Parameters
    ----------
    ended, at_risk : (..., stratum, group, week)
        Without NaN; groups that are not observed hold 0.
    rho, gamma : float
        Weights S(t-)^rho (1 - S(t-))^gamma, S of all groups of the stratum together (Harrington and Fleming 1982;
        Fleming and Harrington 1991).
    """
    all_ended = ended.sum(axis=-2)
    all_at_risk = at_risk.sum(axis=-2)
    share = per_at_risk(at_risk, all_at_risk[..., None, :])
    # Hypergeometric variance of the week's events, given how many there are.
    spread = np.zeros_like(all_ended)
    np.divide(all_ended * (all_at_risk - all_ended), all_at_risk - 1, out=spread, where=all_at_risk > 1)
    if rho or gamma:
        weight = _fleming_harrington(all_ended, all_at_risk, rho, gamma)
        ended, all_ended, spread = ended * weight[..., None, :], all_ended * weight, spread * weight * weight
    expected = np.einsum("...sgt,...st->...g", share, all_ended)
    weighted = share * spread[..., None, :]
    covariance = -np.einsum("...sgt,...sht->...gh", weighted, share)
    groups = np.arange(share.shape[-2])
    covariance[..., groups, groups] += weighted.sum(axis=(-3, -1))
    return Score(ended.sum(axis=(-3, -1)), expected, covariance)


def _fleming_harrington(ended: Floats, at_risk: Floats, rho: float, gamma: float) -> Floats:
    alive = np.ones_like(at_risk)
    alive[..., 1:] = (1.0 - per_at_risk(ended, at_risk)).cumprod(axis=-1)[..., :-1]
    # S can fall below 0 by rounding, and then has no power; 0 to the power of 0 is 1.
    weight: Floats = np.maximum(alive, 0.0) ** rho * np.clip(1.0 - alive, 0.0, 1.0) ** gamma
    return weight
