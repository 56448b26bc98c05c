"""Numbers as text: an estimate is printed to the digits that its standard error supports, and never without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import xarray as xr


class Estimate(NamedTuple):
    """A number with its standard error and limits; NaN where unknown.

    Examples
    --------
    >>> years = Estimate(-104.0, 5.2, -114.6, -93.4).scaled(1 / 52)
    >>> round(years.estimate, 2), round(years.se, 2), years.sign
    (-2.0, 0.1, -1)
    """

    estimate: float
    se: float
    lower: float = math.nan
    upper: float = math.nan

    @classmethod
    def of(cls, found: xr.Dataset) -> Estimate:
        """Take a number from a dataset of estimates without dims."""
        return cls(*(float(found[name]) for name in ("estimate", "se", "lower", "upper")))

    @property
    def sign(self) -> int:
        """1 or -1 where the limits exclude 0, otherwise 0."""
        return int(self.lower > 0) - int(self.upper < 0)

    def scaled(self, factor: float) -> Estimate:
        """Return the number in another unit, or with the other sign."""
        ends = sorted((self.lower * factor, self.upper * factor))
        return Estimate(self.estimate * factor, self.se * abs(factor), *ends)


def decimals(se: float, *, fallback: int = 2) -> int:
    """Return how many decimals a number with this standard error deserves: the error's first digit, two where it is 1.

    Examples
    --------
    >>> decimals(0.055), decimals(0.012), decimals(3.0)
    (2, 3, 0)
    """
    if not math.isfinite(se) or se <= 0:
        return fallback
    # The digit as it is printed: 0.096 is printed 0.10.
    exponent = math.floor(math.log10(float(f"{se:.0e}")))
    leading = float(f"{se:.0e}") / 10**exponent
    return max(0, -exponent + (1 if round(leading) == 1 else 0))


def format_estimate(value: Estimate, *, unit: str = "", short: bool = False) -> str:
    """Return an estimate with its standard error: ``4.38 years (standard error 0.06)``, or ``4.38 ± 0.06``.

    Examples
    --------
    >>> format_estimate(Estimate(4.3814, 0.0588), unit="years")
    '4.38 years (standard error 0.06)'
    >>> format_estimate(Estimate(4.3814, 0.0588), short=True)
    '4.38 ± 0.06'
    """
    if not math.isfinite(value.estimate):
        return "–" if short else "unknown"
    known = math.isfinite(value.se) and value.se > 0
    limited = math.isfinite(value.lower) and math.isfinite(value.upper)
    digits = decimals(value.se if known or not limited else (value.upper - value.lower) / 2)
    rounded = round(value.estimate, digits) + 0.0  # no negative zero
    shown = f"{rounded:.{digits}f}" + (f" {unit}" if unit and not short else "")
    if known:
        return f"{shown} ± {value.se:.{digits}f}" if short else f"{shown} (standard error {value.se:.{digits}f})"
    if limited:
        limits = f"{value.lower:.{digits}f} to {value.upper:.{digits}f}"
        return f"{shown} [{limits}]" if short else f"{shown} (95 % limits {limits})"
    return f"{shown} ± ?" if short else f"{shown} (standard error unknown)"


def format_interval(value: Estimate) -> str:
    """Return ``0.467 to 0.475``."""
    digits = decimals(value.se)
    return f"{value.lower:.{digits}f} to {value.upper:.{digits}f}"


def format_value(value: float | str) -> str:
    """Return a parameter's value without trailing zeros; text as it is."""
    return value if isinstance(value, str) else f"{value:.6g}"


def format_short(value: float | str, digits: int = 3) -> str:
    """Return a value to three digits, or to as many as are asked for, as a label of a cell wants it; text as it is.

    Examples
    --------
    >>> format_short(0.640673), format_short(1040.0), format_short(52.0)
    ('0.641', '1040', '52')
    """
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if digits <= 3 and abs(value) >= 1000 else f"{value:.{digits}g}"


def distinct_digits(first: float | str, second: float | str) -> int:
    """Return how many digits, three or more, show that two values differ.

    Examples
    --------
    >>> distinct_digits(8.0, 8.02), distinct_digits(10.01, 10.02), distinct_digits(1.0, 1.0)
    (3, 4, 3)
    """
    same = first == second
    return next((d for d in range(3, 17) if same or format_short(first, d) != format_short(second, d)), 17)


def spaced(name: str) -> str:
    """Return a name with spaces: ``misalignment_sales`` -> ``misalignment sales``."""
    return name.replace("_", " ")


def format_cell(where: Mapping[str, float | str], beside: Mapping[str, float | str] | None = None) -> str:
    """Return a cell's axes and values: ``execution 1, misalignment 0.5``.

    Parameters
    ----------
    where : mapping
        Axis -> value.
    beside : mapping, optional
        Another cell; values are given as many digits as show where the two differ.
    """
    other = where if beside is None else beside
    parts = [
        f"{spaced(name)} {format_short(value, distinct_digits(value, other[name]))}" for name, value in where.items()
    ]
    return ", ".join(parts) or "the one cell"
