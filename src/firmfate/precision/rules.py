"""How wide an interval is, and how many firms it takes to make it as narrow as asked for.

Whoever stops as soon as an interval is narrow enough stops where the variance happens to look small. Two things keep
that harmless here. The first look comes late, at a pilot of a thousand firms or more, and later looks are few: each has
at least a quarter more firms than the one before. And the variance that is looked at cannot be 0: it is that of the
firms and of z² more, half of them at either end of what is possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAFETY = 1.1
"""How many times the predicted number of firms are simulated, so that one top-up is usually enough."""

LEAST_GROWTH = 1.25
MOST_GROWTH = 16.0
"""How many times the firms of a round the next one has; a prediction from few events is not trusted further."""

MOST_GROWTH_OF_SIGNS = 2.0
"""The same where a sign is looked for: a look costs little, and firms after the sign is known are of no use to it."""


MORE = 4.0
"""Times the firms of a round, where there is an estimate without limits yet."""


def half_width(total: Any, squares: Any, n: Any, z: float) -> Floats:
    """Return half the width of an interval for the mean of values in [0, 1], never 0.

    For shares it is Agresti and Coull's (1998), which contains Wilson's; for other means the same z²/2 values of 0 and
    of 1 are added, as their variance may be 0 in a sample too.

    Parameters
    ----------
    total, squares : arrays
        Sum of the values of all firms, and of their squares.
    n : array
        Firms.
    z : float
        Normal quantile.

    Examples
    --------
    >>> half_width(total=0, squares=0, n=4096, z=1.96).round(5).item()
    0.00066
    """
    added = z * z / 2
    firms = np.asarray(n, np.float64) + 2 * added
    mean = (np.asarray(total, np.float64) + added) / firms
    variance = (np.asarray(squares, np.float64) + added) / firms - mean**2
    found: Floats = z * np.sqrt(variance / firms)
    return found


def exact_limit(n: Any, level: float) -> Floats:
    """Return the upper limit of a share of which none was seen among n firms (Clopper and Pearson 1934).

    Examples
    --------
    >>> exact_limit(40_000, 0.95).round(6).item()
    9.2e-05
    """
    found: Floats = -np.expm1(np.log((1 - level) / 2) / np.asarray(n, np.float64))
    return found


def firms_needed(n: Any, half: Any, within: Any) -> Floats:
    """Return how many firms are predicted to bring a half-width down to `within`: widths fall as 1/sqrt(n)."""
    found: Floats = np.asarray(n, np.float64) * (np.asarray(half, np.float64) / np.asarray(within, np.float64)) ** 2
    return found


def firms_or_more(n: Any, half: Any, within: Any, known: Any) -> Floats:
    """Return what `firms_needed` predicts, `n` at least; `MORE` times `n` where the half-width is not `known` yet."""
    predicted = firms_needed(n, np.where(known, half, 0.0), within)
    found: Floats = np.where(known, np.maximum(predicted, n), MORE * np.asarray(n, np.float64))
    return found


def next_firms(n: Any, needed: Any, batches: int) -> NDArray[np.int64]:
    """Return how many firms a cell has in the next round, the earlier ones among them.

    Parameters
    ----------
    n : array of int
        Firms of each cell now.
    needed : array
        What is predicted to be enough, more than `n` or not; NaN in cells that need no more.
    batches : int
        The number is a multiple of it, so that batches are equal.

    Examples
    --------
    >>> next_firms([4096, 4096], needed=[20_000, np.nan], batches=128)
    array([22016,  4096])
    """
    n, needed = np.asarray(n, np.int64), np.asarray(needed, np.float64)
    wanted = np.minimum(np.maximum(SAFETY * np.nan_to_num(needed), LEAST_GROWTH * n), MOST_GROWTH * n)
    found: NDArray[np.int64] = np.where(np.isnan(needed), n, np.ceil(wanted / batches) * batches).astype(np.int64)
    return found
