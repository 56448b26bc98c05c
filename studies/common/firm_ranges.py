"""The parameters of `firm` that survival is fitted by, with the ranges in which they are looked for."""

from __future__ import annotations

from firmfate.parameter_range import ParameterRange

FIRM_RANGES = {
    "cash_buffer": ParameterRange(0.2, 30, log=True),
    "buffer_sd": ParameterRange(0.3, 2.5, log=True),
    "credit_weeks": ParameterRange(0.5, 12, log=True),
    "unit_cost": ParameterRange(0.5, 0.68),
    "margin_sd": ParameterRange(0.01, 0.2, log=True),
    "demand_sd": ParameterRange(0.02, 0.4, log=True),
    "cost_sd": ParameterRange(0.005, 0.2, log=True),
    "background_exit": ParameterRange(0.001, 0.08, log=True),
}
"""In the parameters' own units."""
