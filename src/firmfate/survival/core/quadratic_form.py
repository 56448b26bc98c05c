"""A vector's distance from 0 in units of its covariance, where that may be of less than full rank."""

from __future__ import annotations

import numpy as np

from firmfate.survival.core.lifetable import Floats

RANK_TOLERANCE = 1e-9
"""Eigenvalues of a correlation matrix below this are rounding errors of 0."""

ROUNDING = 1e-9
"""Share of the expected events below which a difference, or its standard deviation, is none."""

BEYOND_CHANCE = 30.0
"""Standard deviations: what is further from 0 in a direction without variance is not there by rounding."""


def quadratic_form(difference: Floats, covariance: Floats, expected: Floats) -> tuple[float, int]:
    """Return u' C^- u, with C^- the generalised inverse, and the rank of C.

    NaN where u differs from 0 in a direction in which C has no variance: then its size cannot be judged.

    Parameters
    ----------
    difference : (group,)
    covariance : (group, group)
        Its rows add up to 0. Groups with the same trajectories (under common random numbers) lower its rank further.
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
