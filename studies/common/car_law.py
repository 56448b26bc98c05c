"""The exact laws of the model `car`: survival without notice, and the probability of a crash before notice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
NODES = 1001
"""Points of the trapezoid rule over the normal distribution of log distances, 9 standard deviations to each side."""


def survival(years: ArrayLike, distance: ArrayLike, drift: ArrayLike, sigma: ArrayLike = 1.0) -> Floats:
    """Return the probability that a Brownian motion with drift has not touched 0.

    Parameters
    ----------
    years, distance, drift, sigma : array_like
        Broadcast against each other; years and distance above 0.

    References
    ----------
    Black & Cox (1976), J. Finance 31, 351-367, equation (7).

    Examples
    --------
    >>> float(survival(10.0, distance=2.0, drift=0.0).round(4))
    0.4729
    """
    from scipy.special import log_ndtr, ndtr

    y, mu, s, t = (np.asarray(x, np.float64) for x in (distance, drift, sigma, years))
    root = s * np.sqrt(t)
    stays = ndtr((y + mu * t) / root)
    returns = np.exp(-2.0 * mu * y / s**2 + log_ndtr((-y + mu * t) / root))
    found: Floats = stays - returns
    return found


def survival_of_many(
    years: ArrayLike, drift: float, buffer_mean: float, buffer_sd: float, sigma: float = 1.0
) -> Floats:
    """Return `survival` averaged over a log-normal distance at the start, (years,)."""
    nodes = np.linspace(-9.0, 9.0, NODES)
    weights = np.exp(-0.5 * nodes**2)
    distance = np.exp(buffer_mean + buffer_sd * nodes)
    found: Floats = survival(np.asarray(years)[:, np.newaxis], distance, drift, sigma) @ (weights / weights.sum())
    return found


def groups(distance: Any, drift: Any, sigma: Any, notice: Any) -> tuple[Any, Any]:
    """Return the two dimensionless groups of the law.

    X = -drift / (notice distance): how far a car without noise drives toward the edge until it is noticed, in
    distances; negative where it drives away. G = distance² notice / sigma²: how little noise matters.
    """
    return -drift / (notice * distance), distance**2 * notice / sigma**2


def crash_before_notice(x: ArrayLike, g: ArrayLike) -> Floats:
    """Return the probability that the car crashes before its driver notices, from the two `groups`.

    exp(G X - sqrt(G² X² + 2 G)), which tends to exp(-1/X) as G grows, for X > 0 (the ballistic limit).

    Examples
    --------
    >>> crash_before_notice([1.0, 1.0], [1.0, 1e6]).round(4)
    array([0.4809, 0.3679])
    """
    x, g = np.asarray(x, np.float64), np.asarray(g, np.float64)
    # The difference of two large numbers, as a quotient.
    pull = g * x
    root = np.sqrt(pull**2 + 2.0 * g)
    found: Floats = np.exp(np.where(pull > 0, -2.0 * g / (pull + root), pull - root))
    return found


def ballistic(x: ArrayLike) -> Floats:
    """Return exp(-1/X) where X > 0 and 0 elsewhere: the law without noise."""
    x = np.asarray(x, np.float64)
    found: Floats = np.where(x > 0, np.exp(-1.0 / np.where(x > 0, x, 1.0)), 0.0)
    return found
