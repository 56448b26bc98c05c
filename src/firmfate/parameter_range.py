"""The range in which a parameter is varied, by a calibration or a screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ParameterRange(NamedTuple):
    """A range of values on a linear or a logarithmic scale.

    Examples
    --------
    >>> ParameterRange(1.0, 100.0, log=True).value(0.5)
    10.0
    """

    low: float
    high: float
    log: bool = False

    def value(self, unit: float) -> float:
        """Return the value at a point of [0, 1]."""
        low, high = self.low, self.high
        return float(low * (high / low) ** unit if self.log else low + (high - low) * unit)


Ranges = Mapping[str, ParameterRange | tuple[float, float] | tuple[float, float, bool]]
"""Parameter -> its range, or (low, high), or (low, high, log)."""


def ranges_of(given: Ranges) -> dict[str, ParameterRange]:
    """Return the range of every parameter, from ranges or tuples."""
    return {key: span if isinstance(span, ParameterRange) else ParameterRange(*span) for key, span in given.items()}
