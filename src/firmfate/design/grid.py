"""Grid: every combination of the axes' values, the first axis slowest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the values of the axes in every cell, shape (cells, axes); nothing is drawn."""
    mesh = np.meshgrid(*(np.array(axis.values) for axis in layout.axes), indexing="ij")
    return np.stack([values.ravel() for values in mesh], axis=-1)
