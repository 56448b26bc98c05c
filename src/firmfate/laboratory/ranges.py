"""Between which values a slider moves: within what is allowed, around the default, and where the model can start."""

from __future__ import annotations

import math
from collections.abc import Mapping

from firmfate.models.declarations import Parameter
from firmfate.models.model import Model

TIMES = 4.0
"""Where a parameter has no limit, its slider ends at so many times its default."""

PARTS = 40
"""Values of a slider's range whose joint conditions are tested."""

WEEKS = 104.0
"""Where the default of a time is 0, its slider ends here."""


def slider_range(model: Model, row: Parameter, dt: float, base: Mapping[str, float]) -> tuple[float, float]:
    """Return the least and the largest value of a parameter's slider.

    Parameters
    ----------
    model : Model
    row : Parameter
    dt : float
        Length of a step in weeks.
    base : mapping
        Field -> the value at which the other parameters stand.

    Returns
    -------
    (float, float)
        Values between them can be started from while the other parameters stand at `base`.
    """
    centre = base[row.fields[0]]
    low, high = _span(row, centre)
    size = high - low
    tested = [low + size * i / PARTS for i in range(PARTS + 1)]
    sound = [value for value in tested if value in row.allowed and _starts(model, row, dt, base, value)]
    below = [value for value in tested if value < centre and value not in sound]
    above = [value for value in tested if value > centre and value not in sound]
    left = min((v for v in sound if v > max(below, default=-math.inf)), default=centre)
    right = max((v for v in sound if v < min(above, default=math.inf)), default=centre)
    return min(left, centre), max(right, centre)


def _span(row: Parameter, centre: float) -> tuple[float, float]:
    """Return a range within the allowed values that holds the default."""
    allowed = row.allowed
    reach = TIMES * abs(centre) or (WEEKS if row.unit.startswith("week") else 1.0)
    low = allowed.low if math.isfinite(allowed.low) else min(-reach, centre)
    high = allowed.high if math.isfinite(allowed.high) else max(reach, low + reach / TIMES)
    margin = (high - low) / 100
    return (low + margin if allowed.open_low else low), (high - margin if allowed.open_high else high)


def _starts(model: Model, row: Parameter, dt: float, base: Mapping[str, float], value: float) -> bool:
    values = {**base, **dict.fromkeys(row.fields, value)}
    return not any(True for _ in model.broken_conditions(values, dt))
