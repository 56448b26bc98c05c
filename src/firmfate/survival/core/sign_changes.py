"""Where a sequence of numbers changes its sign, and which of several changes has the most evidence on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from firmfate.survival.core.lifetable import Floats


class SignChange(NamedTuple):
    """A change of sign from one point to a later one, with nothing but zeros (or NaN) between them."""

    before: int
    after: int
    at: float


def sign_changes(x: Floats, y: Floats) -> list[SignChange]:
    """Return where ``y`` changes its sign along ``x``: interpolated linearly, or where y is exactly 0.

    Of zeros in a row the middle is taken. This is where interpolation comes to as a value between two of unlike signs
    goes to 0; interpolating past the zero would not.
    """
    changes = []
    known = np.flatnonzero(np.isfinite(y) & (y != 0))
    turns = np.flatnonzero(np.diff(y[known] > 0))
    for before, after in zip(known[turns], known[turns + 1], strict=True):
        zeros = x[before:after][y[before:after] == 0]
        if zeros.size:
            at = (zeros[0] + zeros[-1]) / 2
        else:
            at = x[before] - y[before] * (x[after] - x[before]) / (y[after] - y[before])
        changes.append(SignChange(int(before), int(after), float(at)))
    return changes


def strongest(changes: Sequence[SignChange], y: Floats, evidence: Floats) -> SignChange:
    """Return the change that maximises the smaller of the largest evidence before and after it.

    Parameters
    ----------
    changes : sequence of SignChange
        At least one.
    y : (point,) array
    evidence : (point,) array
        At least 0; counts only at points that agree with the sign that the change goes from, or to.
    """

    def strength(change: SignChange) -> float:
        before, after = slice(None, change.before + 1), slice(change.after, None)
        return min(
            float(evidence[before][np.sign(y[before]) == np.sign(y[change.before])].max()),
            float(evidence[after][np.sign(y[after]) == np.sign(y[change.after])].max()),
        )

    return max(changes, key=strength)
