"""Coalitions: every subset of a set of axes switched on, the rest off; what Shapley's values are computed from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def members(axes: int) -> NDArray[np.bool_]:
    """Return who is in each coalition, shape (2**axes, axes): coalition c has axis i where bit i of c is set."""
    return (np.arange(1 << axes)[:, np.newaxis] >> np.arange(axes) & 1).astype(bool)


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the value of every axis in every coalition, shape (cells, axes); nothing is drawn."""
    off, on = np.array([axis.values for axis in layout.axes]).T
    found: NDArray[np.float64] = np.where(members(len(layout.axes)), on, off)
    return found
