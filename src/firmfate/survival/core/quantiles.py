"""The week by which a share of firms has had an event, of many cells at once."""

from __future__ import annotations

import numpy as np

from firmfate.survival.core.curves import Curve, Limits, kaplan_meier
from firmfate.survival.core.lifetable import CellCounts, Floats

TIE = 1e-12
"""S counts as having reached 1 - p within this rounding error; the smallest true step is one firm in 1e11."""


def quantile(
    counts: CellCounts,
    *,
    shares: Floats,
    interpolate: bool,
    z: float,
    limits: Limits = "auto",
) -> Curve:
    """First week with S <= 1 - share, each (..., share); limits are where the limits of S get there."""
    alive, _, lower, upper = kaplan_meier(counts, z=z, limits=limits)
    left = 1.0 - shares
    find = _crossing if interpolate else _first
    week, early, late = (np.stack([find(curve, share) for share in left], axis=-1) for curve in (alive, lower, upper))
    se = np.where(np.isnan(week), np.nan, (late - early) / (2 * z))  # Woodruff (1952)
    return week, se, early, late


def _first(curve: Floats, left: float) -> Floats:
    reached = curve <= left + TIE
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.nan)


def _crossing(curve: Floats, left: float) -> Floats:
    """Interpolate linearly between the week before and the first week at or below ``left``."""
    week = _first(curve, left)
    position = np.maximum(np.nan_to_num(week, nan=1.0), 1.0).astype(np.int_)[..., None]
    above = np.take_along_axis(curve, position - 1, axis=-1)[..., 0]
    below = np.take_along_axis(curve, position, axis=-1)[..., 0]
    fall = np.where(above > below, above - below, np.nan)
    return np.where(np.isnan(week), np.nan, position[..., 0] - 1 + np.clip((above - left) / fall, 0.0, 1.0))
