"""Functions of one number that a model's step may call: plain Python here, vectorised where the engine compiles them.

``math.exp`` in a step would keep the compiler from working on several firms at once; ``exp`` from this file does not.
Both give the same value to about one unit in the last place.
"""

from __future__ import annotations

import math


def exp(x: float) -> float:
    """Return e to the power of `x`, held within [-708, 709] so that it neither overflows nor vanishes; NaN for NaN."""
    bounded = 709.0 if x > 709.0 else x
    return math.exp(-708.0 if bounded < -708.0 else bounded)
