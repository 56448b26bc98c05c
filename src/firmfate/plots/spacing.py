"""Which of many positions a figure or a table shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly_spaced(count: int, most: int) -> NDArray[np.int_]:
    """Return at most `most` of the positions 0..count - 1, evenly spaced, first and last included.

    Examples
    --------
    >>> evenly_spaced(21, 5), evenly_spaced(3, 5)
    (array([ 0,  5, 10, 15, 20]), array([0, 1, 2]))
    """
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int_))
