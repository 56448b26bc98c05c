"""List: the cells as the study gives them, one by one or in a CSV file; a study without a design is one cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the values of the axes in every cell, shape (cells, axes); nothing is drawn."""
    if not layout.axes:
        return np.empty((1, 0))
    return np.array([axis.values for axis in layout.axes]).T
