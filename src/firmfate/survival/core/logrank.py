"""The log-rank comparison of groups: observed and expected ends and their covariance, summed over strata."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firmfate.survival.core.lifetable import Floats

RANK_TOLERANCE = 1e-9
"""Eigenvalues of a correlation matrix below this are rounding errors of 0."""


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


def quadratic_form(difference: Floats, covariance: Floats, floor: Floats | None = None) -> tuple[float, int]:
    """Return u' C^- u, with C^- the generalised inverse, and the rank of C.

    Parameters
    ----------
    difference : (group,)
    covariance : (group, group)
        Its rows add up to 0. Groups that live the same lives (under common random numbers) lower its rank further.
    floor : (group,), optional
        Variances at or below it are rounding errors of 0.
    """
    variance = np.diag(covariance)
    present = np.flatnonzero(variance > (0.0 if floor is None else floor))
    if present.size == 0:
        return 0.0, 0
    scale = np.sqrt(variance[present])
    values, vectors = np.linalg.eigh(covariance[np.ix_(present, present)] / np.outer(scale, scale))
    kept = values > RANK_TOLERANCE
    parts = vectors[:, kept].T @ (difference[present] / scale)
    return float((parts * parts / values[kept]).sum()), int(kept.sum())
