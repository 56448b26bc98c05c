"""Quality: judged by defects that leave the plant. Inspection takes the place of prevention, and the process decays."""

from firmfate.models.declarations import (
    BELOW_ONE,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    WEEK_OR_LONGER,
    Interval,
    Parameter,
    Stock,
)  # fmt: skip
from firmfate.models.firm.production import quiet_starts

INSPECTION = "visual inspection misses 20-30 % (Drury & Fox 1975)"
PREVENTION = "prevention_loss x defect_growth below 0.9 keeps the KPI improving while it harms the firm"
POOR_QUALITY = "cost of poor quality 2.5-5 % of sales measured, 10-40 % claimed (Juran Institute)"

PARAMETERS = (
    Parameter("defect_rate", 0.05, "share of output", Interval(0, 0.6, open_low=True),
              "output that is defective at the start", INSPECTION),
    Parameter("inspection", 0.70, "share", BELOW_ONE, "defects that inspection finds at the start", INSPECTION),
    Parameter("inspection_max", 0.97, "share", SHARE, "defects that inspection finds at full practice", INSPECTION),
    Parameter("prevention_loss", 0.4, "share", SHARE, "process quality lost to inspection at full practice", PREVENTION,
              assumption=True),
    Parameter("prevention_time", 52, "week", WEEK_OR_LONGER, "time in which process quality decays or recovers",
              PREVENTION, assumption=True),
    Parameter("defect_growth", 2, "1", NOT_NEGATIVE, "growth of defects per process quality lost", PREVENTION,
              assumption=True),
    Parameter("rework_capacity", 0.07, "units a week", NOT_NEGATIVE, "rework that can be done, a week", POOR_QUALITY),
    Parameter("rework_time", 1, "week", POSITIVE, "time of one rework", POOR_QUALITY),
    Parameter("inspection_delay", 0.5, "week", NOT_NEGATIVE, "lead time that inspection adds at full practice",
              POOR_QUALITY, assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("process_quality", "share", "quality of the process, relative to the start"),
    Stock("rework", "weeks of demand", "defective units that wait for rework"),
)

MOST_DEFECTS = 0.6
"""Share of output that is defective at worst."""


def reworking(s, p):
    """Return units reworked, a week."""
    return min(p.rework_capacity * s.capability, s.rework / p.rework_time)


def defects(s, p):
    """Return the share of output that is defective, q."""
    grown = 1 + p.defect_growth * (1 - s.process_quality)
    return min(MOST_DEFECTS, p.defect_rate * grown * (1 + (1 - s.capability) / 2))


def found(s, p):
    """Return the share of defects that inspection finds, i."""
    return p.inspection + (p.inspection_max - p.inspection) * s.practice.quality


def caught_share(defects, found):
    """Return the share of output that is defective and found, q i."""
    return defects * found


def caught(output, caught_share):
    """Return defective units found, a week."""
    return output * caught_share


def leak(defects, caught_share):
    """Return the share of output that is defective and leaves the plant, q (1-i): the KPI of Quality."""
    return defects - caught_share


def next_process_quality(s, p):
    """Return process quality H one step later."""
    prevented = 1 - p.prevention_loss * s.practice.quality
    return s.process_quality + p.dt * (prevented - s.process_quality) / p.prevention_time


def next_rework(s, p, caught, reworking):
    """Return the units that wait for rework, R, one step later."""
    return s.rework + p.dt * (caught - reworking)


def quiet_reworking(p):
    """Return units reworked a week in the quiet state, r0."""
    return quiet_starts(p) * p.defect_rate * p.inspection


def quiet_leak(p):
    """Return the share of output that is defective and leaves the plant in the quiet state, leak0."""
    return p.defect_rate * (1 - p.inspection)


def start(p, draw):
    """Return the stocks at the start."""
    return {"process_quality": 1, "rework": p.rework_time * quiet_reworking(p)}
