"""Functions of one number that a model's step may call: plain Python here, vectorised where the engine compiles them.

``math.exp`` in a step would keep the compiler from working on several firms at once; ``exp`` from this file does not.
Both give the same value to (2 + |x|) units in the last place.
"""

from __future__ import annotations

import math


def exp(x: float) -> float:
    """Return e to the power of `x`: 0 below -708, infinite above 709, where `math.exp` fails; NaN for NaN."""
    if x > 709.0:
        return math.inf
    return 0.0 if x < -708.0 else math.exp(x)
