"""Families of distributions: how their arguments are written, and how SciPy is asked for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Family:
    """A family of distributions: its arguments, and how SciPy is asked for it.

    Attributes
    ----------
    arguments : tuple of str
        In the order of a list, where one may be written; optional ones last.
    shapes : tuple of str
        Arguments without the parameter's unit, which must be positive.
    freeze : callable
        (scipy.stats, arguments) -> frozen distribution.
    broken : callable
        arguments -> what is wrong with them, or an empty string.
    optional : int
        How many of the last arguments may be left out.
    meaning : str
        Of the arguments, for the documentation.
    two_ways : callable, optional
        Where a list could be read in two ways: arguments -> what else they may be, and how that is written.
    """

    arguments: tuple[str, ...]
    shapes: tuple[str, ...]
    freeze: Callable[..., Any]
    broken: Callable[..., str]
    optional: int = 0
    meaning: str = ""
    two_ways: Callable[..., str] | None = None

    @property
    def needed(self) -> tuple[str, ...]:
        """Arguments that cannot be left out."""
        return self.arguments[: len(self.arguments) - self.optional]

    @property
    def form(self) -> str:
        """How the arguments are written: ``[low, high]``, or ``{ median = .., sd_log = .. }``."""
        if self.two_ways is not None:
            return "{ " + ", ".join(f"{name} = .." for name in self.arguments) + " }"
        return f"[{', '.join(self.arguments)}]"


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
        two_ways=lambda mean_log, sd_log: (
            f"where {mean_log:g} is the mean of the logarithm, as in R and NumPy, "
            f"{{ median = {math.exp(min(mean_log, 700.0)):.4g}, sd_log = {sd_log:g} }}"
        ),
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
