"""Random parameter values for `firm`: every one within 0.7-1.3 of its default, cut to its natural range."""

from __future__ import annotations

import numpy as np

from firmfate.models import load_model

FIRM = load_model("firm")
AT_LEAST_A_STEP = ("fill_time", "pick_time", "transit_time", "rework_time")


def cut(parameter, value: float) -> float:
    low, high = parameter.allowed.low, parameter.allowed.high
    value = float(np.clip(value, low, high))
    if parameter.allowed.open_high and value == high:
        value = high - 0.01
    return max(value, 1.0) if parameter.name in AT_LEAST_A_STEP else value


def random_values(rng: np.random.Generator) -> dict[str, float]:
    """Draw values that a study may hold together."""
    while True:
        values: dict[str, float] = {}
        for parameter in FIRM.parameters:
            if parameter.parts:
                values |= {f"{parameter.name}.{part}": float(rng.uniform()) for part in parameter.parts}
            elif parameter.default == 0:
                values[parameter.name] = float(rng.choice([0.0, rng.uniform(0, 0.5)]))
            else:
                values[parameter.name] = cut(parameter, parameter.default * rng.uniform(0.7, 1.3))
        fields = {name: value for key, value in values.items() for name in FIRM.keys[key]}
        if not list(FIRM.check(fields, 1.0)):
            return values
