"""Quality: judged by defects that leave the plant. Inspection takes the place of prevention, and the process decays."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.firm import practices
from firmfate.models.firm.practices import Practice
from firmfate.models.model import BELOW_ONE, NOT_NEGATIVE, POSITIVE, SHARE, WEEK_OR_LONGER, Interval, Parameter

INSPECTION = "visual inspection misses 20-30 % (Drury & Fox 1975)"
PREVENTION = "prevention_loss x defect_growth below 0.9 keeps the KPI improving while it harms the firm"
POOR_QUALITY = "cost of poor quality 2.5-5 % of sales measured, 10-40 % claimed (Juran Institute)"

PARAMETERS = (
    Parameter("defect_rate", 0.05, "share of output", Interval(0, 0.6, open_low=True),
              "output that is defective at the start",
              INSPECTION),
    Parameter("inspection", 0.70, "share", BELOW_ONE, "defects that inspection finds at the start", INSPECTION),
    Parameter("inspection_max", 0.97, "share", SHARE, "defects that inspection finds at full practice", INSPECTION),
    Parameter("prevention_loss", 0.4, "share", SHARE, "process quality lost to inspection at full practice", PREVENTION,
              assumption=True),
    Parameter("prevention_time", 52, "week", WEEK_OR_LONGER, "time in which process quality decays or recovers",
              PREVENTION,
              assumption=True),
    Parameter("defect_growth", 2, "1", NOT_NEGATIVE, "growth of defects per process quality lost", PREVENTION,
              assumption=True),
    Parameter("rework_capacity", 0.07, "units a week", NOT_NEGATIVE, "rework that can be done, a week", POOR_QUALITY),
    Parameter("rework_time", 1, "week", POSITIVE, "time of one rework", POOR_QUALITY),
    Parameter("inspection_delay", 0.5, "week", NOT_NEGATIVE, "lead time that inspection adds at full practice",
              POOR_QUALITY,
              assumption=True),
)  # fmt: skip


class Quality(NamedTuple):
    """Constants of Quality."""

    practice: Practice
    worst_defects: float
    defects_prevented: float
    inspection: float
    inspection_gain: float
    prevention: float
    prevention_loss: float
    rework_capacity: float
    rework: float
    inspection_delay: float


def settle(p: Any, dt: float) -> Quality:
    """Return the constants of Quality for steps of `dt` weeks."""
    return Quality(
        practice=practices.settle(p.execution_quality, p.misalignment_quality, p, dt),
        worst_defects=p.defect_rate * (1.0 + p.defect_growth),
        defects_prevented=p.defect_rate * p.defect_growth,
        inspection=p.inspection,
        inspection_gain=p.inspection_max - p.inspection,
        prevention=dt / p.prevention_time,
        prevention_loss=p.prevention_loss,
        rework_capacity=p.rework_capacity,
        rework=1.0 / p.rework_time,
        inspection_delay=p.inspection_delay,
    )


def reworking(k: Quality, capability: float, rework: float) -> float:
    """Return units reworked, a week."""
    return min(k.rework_capacity * capability, k.rework * rework)


def defects(k: Quality, process_quality: float, capability: float) -> float:
    """Return the share of output that is defective: defect_rate (1 + defect_growth (1-H)) (1 + (1-A)/2), at most
    0.6."""
    return min(0.6, (k.worst_defects - k.defects_prevented * process_quality) * (1.5 - 0.5 * capability))


def found(k: Quality, practice: float) -> float:
    """Return the share of defects that inspection finds."""
    return k.inspection + k.inspection_gain * practice


def process_quality(k: Quality, process_quality: float, practice: float) -> float:
    """Return process quality one step later."""
    return process_quality + k.prevention * (1.0 - k.prevention_loss * practice - process_quality)
