"""Practices: how far each division has gone toward what its local KPI asks.

Execution acts twice, and studies separate the two: on *speed* (strong divisions adopt a practice faster) and on *dose*
(weak divisions let it lapse, so they settle at a milder one). ``lapse_share = 0`` leaves speed alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.model import SHARE, WEEK_OR_LONGER, Parameter

DIVISIONS = ("sales", "production", "quality", "finance", "logistics")

PARAMETERS = (
    Parameter("execution", 0.5, "share", SHARE, "how strongly a division carries out what its KPI asks (the engine)",
              "axis of every study", parts=DIVISIONS),
    Parameter("misalignment", 0.5, "share", SHARE,
              "how far a division's KPI points away from the firm's good (the faulty steering)",
              "axis of every study", parts=DIVISIONS),
    Parameter("adopt_time", 26, "week", WEEK_OR_LONGER, "time to adopt a practice at full execution",
              "half-life of improvement 18 weeks, within 3-22 months (Schneiderman 1988); decisive", assumption=True),
    Parameter("lapse_time", 52, "week", WEEK_OR_LONGER, "time in which a practice lapses at no execution",
              "no measurement known; decisive", assumption=True),
    Parameter("lapse_share", 1, "share", SHARE, "how much of the lapse applies: 1 = speed and dose, 0 = speed alone",
              "no measurement known; decisive", assumption=True),
    Parameter("shared_metrics", 0, "share", SHARE,
              "share of every KPI that is the firm's result (rescales misalignment)",
              "the essay's way out, off by default", assumption=True),
)  # fmt: skip


class Practice(NamedTuple):
    """One division's constants: what is kept of a practice in one step, and what the KPI adds where it is in full
    force."""

    kept: float
    added: float


def settle(execution: float, misalignment: float, p: Any, dt: float) -> Practice:
    """Return a division's constants for steps of `dt` weeks."""
    adopted = dt * execution / p.adopt_time
    lapsed = dt * p.lapse_share * (1.0 - execution) / p.lapse_time
    return Practice(kept=1.0 - adopted - lapsed, added=adopted * (1.0 - p.shared_metrics) * misalignment)


def follow(k: Practice, practice: float, pursuit: float) -> float:
    """Return the practice one step later; `pursuit` is the share of the original misalignment still in force."""
    return k.kept * practice + k.added * pursuit
