"""Newton's method with halved steps, for the log-likelihoods of grouped survival regressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from firmfate.errors import EstimateError

STEPS = 60
TOLERANCE = 1e-8


def climb(
    start: Any,
    log_likelihood: Callable[[Any], float],
    step: Callable[[Any], tuple[Any, float]],
    add: Callable[..., Any],
) -> Any:
    """Return the parameters where steps get smaller than 1e-8 of a standard error.

    Parameters
    ----------
    start : any
        First parameters.
    log_likelihood : callable
        Of parameters.
    step : callable
        Of parameters: the step, and its size in standard errors.
    add : callable
        ``add(parameters, step, fraction)``.

    Raises
    ------
    EstimateError
        Where the steps do not get small: some group has no events, or coefficients run to infinity.
    """
    here = log_likelihood(start)
    for _ in range(STEPS):
        try:
            direction, size = step(start)
        except np.linalg.LinAlgError:
            break
        fraction = 1.0
        while True:
            there = add(start, direction, fraction)
            value = log_likelihood(there)
            # Rounding hides differences of this order between almost equal likelihoods.
            if value >= here - 1e-11 * (1.0 + abs(here)) or fraction < 1e-6:
                break
            fraction /= 2
        start, here = there, value
        if size * fraction < TOLERANCE:
            return start
    raise EstimateError(
        "the regression does not converge: a term separates firms with an event from those without, or terms agree"
    )
