"""Limits that hold at all looks at once: how often one may look until a sign is known.

Twenty looks at limits of 95 % find an effect that is not there in 24 % of runs. A confidence sequence holds from the
first firm to the last, whenever somebody looks and for whatever reason he stops: of sums of n independent values with
mean 0 and variance v, a share alpha of all paths at most ever leaves ± sqrt(v (n + n0) ln((n + n0) / (n0 alpha²))), the
normal mixture of Robbins (1970, Annals of Mathematical Statistics 41, 1397-1409). With a variance that is estimated it
holds asymptotically (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, Annals of Statistics 52, 2613-2640). The first
look is at a thousand pairs of firms or more, the variance is that of batches and of values at either end of what is
possible, and z is replaced by the quantile of Student's t for as many batches; `tests/precision` counts false
decisions.

Sequences for bounded means that hold for any number of firms (Howard, Ramdas, McAuliffe & Sekhon 2021; Waudby-Smith &
Ramdas 2024) would need the differences of single pairs: batches are too few for them, and cells count firms one by one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NARROWEST_AT = 4
"""Times the firms of the first look, where a sequence is narrowest beside limits of a single look."""


def sequence_quantile(n: Any, first: int, level: float) -> Floats:
    """Return what takes the place of z in limits that hold at all looks: half their width over the standard error.

    Parameters
    ----------
    n : array
        Values so far.
    first : int
        Values at the first look; it says where the sequence is narrowest, and must not depend on the values.
    level : float
        Probability that the limits hold at all n at once, at least.

    Examples
    --------
    >>> sequence_quantile([1024, 4096, 65536], first=1024, level=0.95).round(2)
    array([3.25, 3.04, 3.31])
    """
    alpha = 1 - level
    ratio = 2 * math.log(1 / alpha)
    for _ in range(50):  # of n to n0 where the sequence is narrowest: a contraction
        ratio = math.log1p(ratio) + 2 * math.log(1 / alpha)
    relative = np.asarray(n, np.float64) * ratio / (NARROWEST_AT * first)
    found: Floats = np.sqrt((1 + 1 / relative) * (np.log1p(relative) + 2 * math.log(1 / alpha)))
    return found


def student_for(z: Any, df: int) -> Floats:
    """Return the quantile of Student's t that leaves as much on either side as the normal quantile `z`.

    Examples
    --------
    >>> student_for([1.96, 3.03], df=127).round(2)
    array([1.98, 3.09])
    """
    from scipy.special import ndtr, stdtrit

    found: Floats = -stdtrit(df, ndtr(-np.asarray(z, np.float64)))
    return found


def difference_half_width(se: Any, n: Any, z: Any, most: float) -> Floats:
    """Return half the width of limits of a mean of n differences between -`most` and `most`, never 0.

    As in `rules.half_width`, z² values are added, half of them at either end, since the variance in a sample may be 0.

    Parameters
    ----------
    se : array
        Standard error of the mean.
    n : array
        Pairs of firms.
    z : array or float
        Quantile.
    most : float
        Largest difference that is possible.
    """
    se, n, z = (np.asarray(value, np.float64) for value in (se, n, z))
    added = z * z
    found: Floats = z * np.sqrt((n * n * se * se + added * most * most) / (n + added) / (n + added))
    return found
