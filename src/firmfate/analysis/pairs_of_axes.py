"""Values of pairs of axes as symmetric tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def symmetric(pairs: ArrayLike, axes: int) -> Floats:
    """Return values of all pairs of axes as a table (axes, axes), NaN with oneself; all NaN where there are no values.

    Parameters
    ----------
    pairs : (axes (axes - 1) / 2,) array
        Of the first axis with the second, with the third and so on; or empty.
    axes : int

    Examples
    --------
    >>> symmetric([1, 2, 3], 3)
    array([[nan,  1.,  2.],
           [ 1., nan,  3.],
           [ 2.,  3., nan]])
    """
    found = np.full((axes, axes), np.nan)
    if np.size(pairs):
        upper = np.triu_indices(axes, 1)
        found[upper] = found.T[upper] = pairs
    return found


def joint_effects(interactions: Floats, shares: Floats, axes: int, suffix: str) -> dict[str, Any]:
    """Return variables over ``axis`` and ``other`` of the values of pairs: ``interaction``, in years, and
    ``joint_share``."""
    dims = ("axis", "other")
    return {
        f"interaction{suffix}": (dims, symmetric(interactions, axes), {"units": "year"}),
        f"joint_share{suffix}": (dims, symmetric(shares, axes), {"units": "1"}),
    }
