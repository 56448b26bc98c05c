"""Finance: judged by spend per unit. Cuts in overheads erode what the firm is capable of (Repenning & Sterman 2002)."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.firm import practices
from firmfate.models.firm.practices import Practice
from firmfate.models.model import NOT_NEGATIVE, SHARE, WEEK_OR_LONGER, Parameter

TRAP = "capability trap (Repenning & Sterman 2002); erosion over 1-3 years"

PARAMETERS = (
    Parameter("overhead", 0.29, "weeks of revenue a week", NOT_NEGATIVE, "overheads at the start", TRAP,
              assumption=True),
    Parameter("overhead_cut", 0.10, "share", SHARE, "overheads cut at full practice", TRAP, assumption=True),
    Parameter("capability_loss", 0.25, "share", SHARE, "capability lost to cuts at full practice", TRAP,
              assumption=True),
    Parameter("capability_time", 78, "week", WEEK_OR_LONGER, "time in which capability erodes or recovers", TRAP,
              assumption=True),
)  # fmt: skip


class Finance(NamedTuple):
    """Constants of Finance."""

    practice: Practice
    overhead: float
    overhead_cut: float
    capability: float
    capability_loss: float


def settle(p: Any, dt: float) -> Finance:
    """Return the constants of Finance for steps of `dt` weeks."""
    return Finance(
        practice=practices.settle(p.execution_finance, p.misalignment_finance, p, dt),
        overhead=p.overhead,
        overhead_cut=p.overhead * p.overhead_cut,
        capability=dt / p.capability_time,
        capability_loss=p.capability_loss,
    )


def overheads(k: Finance, practice: float) -> float:
    """Return overheads, a week."""
    return k.overhead - k.overhead_cut * practice


def capability(k: Finance, capability: float, practice: float) -> float:
    """Return capability one step later."""
    return capability + k.capability * (1.0 - k.capability_loss * practice - capability)
