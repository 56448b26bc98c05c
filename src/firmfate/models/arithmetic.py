"""Functions of one number that a model's step may call: plain Python here, vectorised where the engine compiles them.

``math.exp`` in a step would keep the compiler from working on several firms at once; ``exp`` from this file does not.
Both give the same value to about one unit in the last place.
"""

from __future__ import annotations

import math


def exp(x: float) -> float:
    """Return e to the power of `x`; infinity where it overflows, as the compiled version does."""
    if x > 709.78:
        return math.inf
    return math.exp(x)
