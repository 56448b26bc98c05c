"""The log-rank comparison of groups: observed and expected ends and their covariance, summed over strata."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firmfate.survival.core.lifetable import Floats

RANK_TOLERANCE = 1e-9
"""Eigenvalues of a correlation matrix below this are rounding errors of 0."""

ROUNDING = 1e-9
"""Share of the expected ends below which a difference, or its standard deviation, is none."""

BEYOND_CHANCE = 30.0
"""Standard deviations: what is further from 0 in a direction without variance is not there by rounding."""


class LogRank(NamedTuple):
    """Ends in each group, over all weeks and strata."""

    observed: Floats  # (..., group)
    expected: Floats  # (..., group)
    covariance: Floats  # (..., group, group), of observed - expected if groups are independent


def logrank(ended: Floats, at_risk: Floats) -> LogRank:
    """Compare groups within each stratum, then add strata up (Mantel 1966, Peto and Peto 1972).

    Parameters
    ----------
    ended, at_risk : (..., stratum, group, week)
        Without NaN; groups that are not observed hold 0.
    """
    all_ended = ended.sum(axis=-2)
    all_at_risk = at_risk.sum(axis=-2)
    share = np.zeros_like(at_risk)
    np.divide(at_risk, all_at_risk[..., None, :], out=share, where=all_at_risk[..., None, :] > 0)
    expected = np.einsum("...sgt,...st->...g", share, all_ended)
    # Hypergeometric variance of the week's ends, given how many there are.
    spread = np.zeros_like(all_ended)
    np.divide(all_ended * (all_at_risk - all_ended), all_at_risk - 1, out=spread, where=all_at_risk > 1)
    weighted = share * spread[..., None, :]
    covariance = -np.einsum("...sgt,...sht->...gh", weighted, share)
    groups = np.arange(share.shape[-2])
    covariance[..., groups, groups] += weighted.sum(axis=(-3, -1))
    return LogRank(ended.sum(axis=(-3, -1)), expected, covariance)


def quadratic_form(difference: Floats, covariance: Floats, expected: Floats) -> tuple[float, int]:
    """Return u' C^- u, with C^- the generalised inverse, and the rank of C.

    NaN where u differs from 0 in a direction in which C knows no variance: then nothing tells how large it is.

    Parameters
    ----------
    difference : (group,)
    covariance : (group, group)
        Its rows add up to 0. Groups that live the same lives (under common random numbers) lower its rank further.
    expected : (group,)
        Differences of less than a billionth of it are rounding errors of 0, and so are the roots of variances.
    """
    rounding = ROUNDING * expected
    variance = np.diag(covariance)
    varies = variance > rounding * rounding
    if (np.abs(difference[~varies]) > rounding[~varies]).any():
        return np.nan, 0
    present = np.flatnonzero(varies)
    if present.size == 0:
        return 0.0, 0
    scale = np.sqrt(variance[present])
    values, vectors = np.linalg.eigh(covariance[np.ix_(present, present)] / np.outer(scale, scale))
    kept = values > RANK_TOLERANCE
    rank = int(kept.sum())
    parts = vectors.T @ (difference[present] / scale)
    if (np.abs(parts[~kept]) > BEYOND_CHANCE * np.sqrt(RANK_TOLERANCE)).any():
        return np.nan, rank
    return float((parts[kept] * parts[kept] / values[kept]).sum()), rank
