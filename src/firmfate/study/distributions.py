"""Distributions from which firms of a population draw a parameter: inverse distribution functions, by SciPy.

What a draw can reach is known exactly: uniform numbers are whole multiples of 2^-53, strictly between 0 and 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.models.declarations import Interval
from firmfate.randomness import canonical

SMALLEST = 2.0**-53
"""The smallest uniform number that is ever drawn; the largest is 1 - SMALLEST."""


@dataclass(frozen=True)
class Family:
    """A family of distributions: its arguments, and how SciPy is asked for it.

    Attributes
    ----------
    arguments : tuple of str
        In the order of a list; optional ones last.
    shapes : tuple of str
        Arguments without the parameter's unit, which must be positive.
    freeze : callable
        (scipy.stats, arguments) -> frozen distribution.
    broken : callable
        arguments -> what is wrong with them, or an empty string.
    optional : int
        How many of the last arguments may be left out.
    """

    arguments: tuple[str, ...]
    shapes: tuple[str, ...]
    freeze: Callable[..., Any]
    broken: Callable[..., str]
    optional: int = 0
    meaning: str = ""


FAMILIES = {
    "normal": Family(
        ("mean", "sd"),
        (),
        lambda stats, mean, sd: stats.norm(mean, sd),
        lambda mean, sd: "" if sd >= 0 else "sd must not be negative",
        meaning="mean and standard deviation",
    ),
    "truncated_normal": Family(
        ("mean", "sd", "low", "high"),
        (),
        lambda stats, mean, sd, low, high: stats.truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd),
        lambda mean, sd, low, high: "sd must be above 0" if sd <= 0 else "" if low < high else "low must be below high",
        meaning="mean and standard deviation before it is cut to [low, high]",
    ),
    "lognormal": Family(
        ("median", "sd_log"),
        ("sd_log",),
        lambda stats, median, sd_log: stats.lognorm(sd_log, scale=median),
        lambda median, sd_log: "median must be above 0" if median <= 0 else "" if sd_log >= 0 else "sd_log is negative",
        meaning="median, and standard deviation of the logarithm",
    ),
    "beta": Family(
        ("a", "b", "low", "high"),
        ("a", "b"),
        lambda stats, a, b, low=0.0, high=1.0: stats.beta(a, b, low, high - low),
        lambda a, b, low=0.0, high=1.0: (
            "a and b must lie in [0.01, 1e6]"
            if not 0.01 <= min(a, b) <= max(a, b) <= 1e6
            else ""
            if low < high
            else "low must be below high"
        ),
        optional=2,
        meaning="shapes a and b, on [0, 1] or [low, high]",
    ),
    "uniform": Family(
        ("low", "high"),
        (),
        lambda stats, low, high: stats.uniform(low, high - low),
        lambda low, high: "" if low <= high else "low must not be above high",
        meaning="from low to high",
    ),
    "triangular": Family(
        ("low", "mode", "high"),
        (),
        lambda stats, low, mode, high: stats.triang((mode - low) / (high - low), low, high - low),
        lambda low, mode, high: (
            "" if low <= mode <= high and low < high else "must have low <= mode <= high, low < high"
        ),
        meaning="least, most likely and greatest value",
    ),
    "constant": Family(
        ("value",),
        (),
        lambda stats, value: None,
        lambda value: "",
        meaning="the same value for all firms",
    ),
}
"""Family -> how it is written. ``empirical`` stands beside them: any number of values, each as likely."""

NAMES = (*FAMILIES, "empirical")


@dataclass(frozen=True)
class Distribution:
    """How one parameter differs from firm to firm.

    Attributes
    ----------
    key : str
        As the study writes it; also the name by which its random numbers are addressed.
    family : str
    arguments : tuple of float
        Of ``empirical``, the values, ascending.
    allowed : Interval
        The parameter's range, in which every draw lies.
    """

    key: str
    family: str
    arguments: tuple[float, ...]
    allowed: Interval

    @property
    def described(self) -> str:
        """The distribution in words, such as ``beta(2, 3)``; observed values by their number and a digest."""
        if self.family == "empirical":
            digest = hashlib.sha256(np.array(self.arguments).astype("<f8").tobytes()).hexdigest()[:16]
            return f"empirical({len(self.arguments)} values, {digest})"
        return f"{self.family}({', '.join(canonical(value) for value in self.arguments)})"

    @property
    def constant(self) -> bool:
        """Whether all firms have the same value."""
        return (
            self.family == "constant"
            or (self.family in ("normal", "lognormal") and self.arguments[1] == 0)
            or (self.family in ("uniform", "empirical") and self.arguments[0] == self.arguments[-1])
        )

    @cached_property
    def _inverse(self) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """The inverse distribution function itself."""
        if self.constant:
            return lambda uniform: np.full(np.shape(uniform), self.arguments[0])
        if self.family == "empirical":
            values = np.array(self.arguments)
            return lambda uniform: values[np.minimum((uniform * len(values)).astype(np.int64), len(values) - 1)]
        from scipy import stats  # half a second, which only populations need

        return FAMILIES[self.family].freeze(stats, *self.arguments).ppf  # type: ignore[no-any-return]

    def unclipped(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return quantiles, wherever they lie; what cannot be represented is infinite or NaN."""
        with np.errstate(all="ignore"):
            return np.asarray(self._inverse(uniform), dtype=np.float64)

    def quantile(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at these probabilities; an open end of the allowed range is never touched by rounding."""
        low = np.nextafter(self.allowed.low, np.inf) if self.allowed.open_low else self.allowed.low
        high = np.nextafter(self.allowed.high, -np.inf) if self.allowed.open_high else self.allowed.high
        return np.clip(self.unclipped(uniform), low, high)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The least and the greatest value that can be drawn."""
        try:
            low, high = self.unclipped(np.array([SMALLEST, 1.0 - SMALLEST])).tolist()
        except ArithmeticError:  # from the libraries below SciPy, at extreme arguments
            return -np.inf, np.inf
        return low, high

    @cached_property
    def median(self) -> float:
        """The value at probability one half."""
        return float(self.quantile(np.array([0.5]))[0])
