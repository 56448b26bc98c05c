"""Hazard in bins of weeks: events per firm and week at risk, of many cells at once."""

from __future__ import annotations

import numpy as np

from firmfate.survival.core.curves import Curve
from firmfate.survival.core.lifetable import CellCounts, life_table, per_at_risk
from firmfate.survival.core.limits import wilson


def hazard(counts: CellCounts, *, starts: list[int], by_cause: bool, z: float) -> Curve:
    """Events over firm-weeks at risk in the bins that begin at ``starts``, each (..., [cause], bin).

    The variance is that of the martingale, sum of n q (1 - q) over (sum of n)²: the binomial one in bins of one
    week. The limits are Wilson's with firm-weeks as trials; NaN where nobody is at risk.
    """
    table = life_table(counts)
    at_risk = table.at_risk[..., None, :] if by_cause else table.at_risk
    ended = counts.events.astype(np.float64) if by_cause else table.events
    noise = ended * (1.0 - np.minimum(per_at_risk(ended, at_risk), 1.0))
    exposure = np.add.reduceat(at_risk, starts, axis=-1)
    exposure = np.where(exposure > 0, exposure, np.nan)
    rate = np.add.reduceat(ended, starts, axis=-1) / exposure
    se = np.sqrt(np.add.reduceat(noise, starts, axis=-1)) / exposure
    lower, upper = wilson(rate, np.broadcast_to(exposure, rate.shape), z)
    return rate, se, lower, upper
