"""Correlations of points by Matern's kernel of order 5/2, in one pass over products that a matrix product has given.

NumPy takes a pass over memory for each operation, and calls an exponential that no compiler can spread over the lanes
of a register: one pass of plain arithmetic is five times as fast, and nearly all of a posterior's time is spent here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

HALVINGS = 6
"""exp(x) is the 2^6th power of exp(x/2^6), which four terms give to single precision."""

FARTHEST = 40.0
"""Distance, in lengths over the root of 5, from which on a correlation (1e-15) no longer falls."""


@cache
def correlate() -> Callable[..., None]:
    """Return ``correlate(products, own, known)``, compiled.

    It overwrites ``products`` (points, others), single precision, products of points and others that are scaled by √5
    over the lengths, by their correlations (1 + r + r²/3) exp(-r), which are off by 3e-6 at most; ``own`` (points,)
    and ``known`` (others,) are squares of the scaled points.
    """
    from numba import njit

    return njit(nogil=True, error_model="numpy")(_correlate)  # type: ignore[no-any-return]


def _correlate(products: Any, own: Any, known: Any) -> None:
    one, two, none = np.float32(1.0), np.float32(2.0), np.float32(0.0)
    third, half, sixth, last = np.float32(1 / 3), np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
    shrink, least = np.float32(-1 / 2**HALVINGS), np.float32(-FARTHEST / 2**HALVINGS)
    for point in range(products.shape[0]):
        row, square = products[point], own[point]
        for other in range(row.size):
            distance = np.sqrt(max(square + known[other] - two * row[other], none))
            x = max(distance * shrink, least)
            decay = one + x * (one + x * (half + x * (sixth + x * last)))
            for _ in range(HALVINGS):
                decay *= decay
            row[other] = (one + distance * (one + distance * third)) * decay
