"""The ranges over which assumptions are screened, each with its source, and the wider ones of the sweeps."""

from __future__ import annotations

from typing import NamedTuple

from firmfate.models import load_model
from firmfate.parameter_range import ParameterRange


class Sourced(NamedTuple):
    """A range and where it comes from."""

    span: ParameterRange
    source: str


JUDGED = "judged: 0.7 to 1.3 of the default"

SOURCED = {
    "cost_gain": Sourced(ParameterRange(0, 0.1), "from no gain at all to the gain of consulting in Indian mills, 17 % "
                         "of productivity (Bloom et al. 2013), on costs of 0.57"),
    "variability_gain": Sourced(ParameterRange(0, 0.6), "judged: from no gain to twice the default"),
    "adopt_time": Sourced(ParameterRange(19, 137, log=True), "half-lives of improvement of 3 to 22 months "
                          "(Schneiderman 1988)"),
    "lapse_time": Sourced(ParameterRange(17, 156, log=True), "judged: a third to three times the default"),
    "lapse_share": Sourced(ParameterRange(0, 1), "natural range; no measurement known"),
    "onset_time": Sourced(ParameterRange(0, 260), "structure, judged: at once to five years"),
    "shared_metrics": Sourced(ParameterRange(0, 0.5), "a lever, judged: none to a half"),
    "communication": Sourced(ParameterRange(0, 0.5), "a lever, judged: none to a half"),
    "steering_coupling": Sourced(ParameterRange(0, 1), "structure, natural range"),
    "misdiagnosis": Sourced(ParameterRange(0, 0.25), "structure, judged: up to a quarter of the reaction"),
    "equity": Sourced(ParameterRange(0, 0.5), "structure, judged: up to half of the hole in half a year"),
    "growth": Sourced(ParameterRange(0, 1), "structure, judged"),
    "first_shocks": Sourced(ParameterRange(0, 1), "structure: a quiet market to an average one"),
    "capacity": Sourced(ParameterRange(1.17, 1.62), "utilisation of 0.64 to 0.89 (Federal Reserve G.17)"),
    "queue_time": Sourced(ParameterRange(0.1, 1.2, log=True), "judged: a third to three times the default"),
    "lead_sensitivity": Sourced(ParameterRange(0.2, 0.6), "Forrester 1968 (about 0.2); SSRN 4959549 (about 0.6)"),
    "capability_time": Sourced(ParameterRange(52, 156, log=True), "erosion over 1 to 3 years (Repenning & Sterman "
                               "2002)"),
    "overhead": Sourced(ParameterRange(0.25, 0.33), "net margins of 3 to 8 % (Damodaran), and one point beyond either"),
    "margin_sd": Sourced(ParameterRange(0.02, 0.12, log=True), "half the default, to margins' spread of 0.10-0.15"),
    "demand_sd": Sourced(ParameterRange(0.05, 0.4, log=True), "fits of baseline (0.02 to 0.2), to an sd of annual "
                         "growth of 0.2-0.4 (Stanley et al. 1996)"),
    "cost_sd": Sourced(ParameterRange(0.025, 0.1, log=True), "judged: a half to twice the default"),
    "cash_buffer": Sourced(ParameterRange(2, 30, log=True), "15 days (JPMorgan Chase Institute 2020) to the fits of "
                           "baseline"),
    "buffer_sd": Sourced(ParameterRange(0.3, 1.9, log=True), "the fits of baseline"),
    "background_exit": Sourced(ParameterRange(0, 0.06), "none to twice the 0.03 a year of Daepp et al. 2015"),
    "observe_time": Sourced(ParameterRange(6, 52, log=True), "with correct_time, turnarounds of 1 to 5 years"),
    "correct_time": Sourced(ParameterRange(26, 234, log=True), "with observe_time, turnarounds of 1 to 5 years"),
    "relapse_time": Sourced(ParameterRange(52, 468, log=True), "judged: a third to three times the default"),
    "alarm": Sourced(ParameterRange(0.5, 0.9), "judged"),
    "customer_voice": Sourced(ParameterRange(0, 0.6), "judged: from none to three times the default"),
    "blindness": Sourced(ParameterRange(0, 1), "natural range"),
    "fill_time": Sourced(ParameterRange(1, 1.3), "judged: not below a step of a week"),
    "pick_time": Sourced(ParameterRange(1, 1.3), "judged: not below a step of a week"),
    "transit_time": Sourced(ParameterRange(1, 1.3), "judged: not below a step of a week"),
}  # fmt: skip
"""Ranges with a source, a judgement of their own, or a natural end; other assumptions go from 0.7 to 1.3 of their
default."""

STRUCTURES = ("equity", "misdiagnosis", "onset_time", "growth", "first_shocks")
"""Parameters that switch on a structure which is off by default."""

SWEPT = {
    "cost_gain": ParameterRange(0, 0.3),
    "variability_gain": ParameterRange(0, 0.9),
    "equity": ParameterRange(0, 1),
    "misdiagnosis": ParameterRange(0, 1),
    "onset_time": ParameterRange(0, 1040),
    "growth": ParameterRange(0, 4),
    "first_shocks": ParameterRange(0, 2),
    "lapse_share": ParameterRange(0, 1),
    "shared_metrics": ParameterRange(0, 1),
    "steering_coupling": ParameterRange(0, 1),
    "correct_time": ParameterRange(2, 208, log=True),
    "observe_time": ParameterRange(2, 208, log=True),
    "adopt_time": ParameterRange(4, 416, log=True),
    "lapse_time": ParameterRange(4, 416, log=True),
    "alarm": ParameterRange(0.3, 1.2),
    "cash_buffer": ParameterRange(1, 200, log=True),
    "overhead": ParameterRange(0.2, 0.38),
    "overhead_cut": ParameterRange(0, 1),
    "prevention_loss": ParameterRange(0, 1),
    "capability_loss": ParameterRange(0, 1),
    "soft_orders": ParameterRange(0, 1.5),
    "discount": ParameterRange(0, 0.2),
    "demand_sd": ParameterRange(0.02, 0.64, log=True),
    "capacity": ParameterRange(1.15, 3, log=True),
    "queue_time": ParameterRange(0.02, 3, log=True),
    "customer_floor": ParameterRange(0.1, 0.9),
    "lead_sensitivity": ParameterRange(0, 2),
    "capability_sensitivity": ParameterRange(0, 1),
}
"""Wide sweeps, one parameter at a time, in search of where the paradox ends."""


def ranges() -> dict[str, ParameterRange]:
    """Return the range of every parameter of `firm` that its table marks as an assumption."""
    return {name: found.span for name, found in sourced().items()}


def sourced() -> dict[str, Sourced]:
    """Return the range of every assumption with its source."""
    found = {}
    for row in load_model("firm").parameters:
        if row.assumption:
            low, high = max(0.7 * row.default, row.allowed.low), min(1.3 * row.default, row.allowed.high)
            found[row.name] = SOURCED[row.name] if row.name in SOURCED else Sourced(ParameterRange(low, high), JUDGED)
    return found
