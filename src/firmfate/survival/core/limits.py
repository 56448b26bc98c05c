"""Confidence limits that hold near 0 and 1 too, where a normal limit would show certainty."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from firmfate.errors import EstimateError
from firmfate.survival.core.lifetable import Floats


def normal_quantile(level: float) -> float:
    """Return z of a two-sided interval; ``level`` lies strictly between 0 and 1."""
    check_level(level)
    return NormalDist().inv_cdf(0.5 + level / 2)


def student_quantile(level: float, df: Any) -> Any:
    """Return t of a two-sided interval with ``df`` degrees of freedom, one or an array; NaN where there are none."""
    from scipy.special import stdtrit

    check_level(level)
    t = stdtrit(np.where(np.asarray(df) > 0, df, np.nan), 0.5 + level / 2)
    return t if np.ndim(df) else float(t)


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    try:
        inside = bool(0 < level < 1)
    except (TypeError, ValueError):  # no number, or many
        inside = False
    if not inside:
        raise EstimateError(f"level = {level!r}: a confidence level lies between 0 and 1, for example 0.95")


def wilson(share: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Limits of a proportion among ``n``: Wilson (1927), eq. of the score test inverted. NaN where n is 0."""
    n = np.where(n > 0, n, np.nan)
    per_firm = z * z / n
    centre = share + per_firm / 2
    half = np.sqrt(per_firm * (share * (1 - share) + per_firm / 4))
    # 0 and 1 are their own limits on one side; rounding must not cross them.
    lower = np.where(share <= 0, share, np.maximum((centre - half) / (1 + per_firm), 0.0))
    upper = np.where(share >= 1, share, np.minimum((centre + half) / (1 + per_firm), 1.0))
    return lower, upper


def score_limits(share: Floats, se: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson limits at the effective number of firms share (1 - share) / se², and at ``n`` where se is 0.

    With horizon censoring the effective number of a survival or incidence is the number of firms itself; for a mean
    of bounded lifetimes it is the number of firms whose survival, yes or no, would have the same error.
    """
    spread = share * (1 - share)
    effective = np.broadcast_to(n, share.shape).astype(np.float64)
    np.divide(spread, se * se, out=effective, where=(se > 0) & (spread > 0))
    return wilson(share, effective, z)


def log_limits(survival: Floats, se: Floats, z: float) -> tuple[Floats, Floats]:
    """exp(log S ± z se/S), as R's ``conf.type = "log"``; NaN at S = 0."""
    inside = np.where(survival > 0, survival, np.nan)
    width = z * se / inside
    return inside * np.exp(-width), np.minimum(inside * np.exp(width), 1.0)


def plain_limits(survival: Floats, se: Floats, z: float) -> tuple[Floats, Floats]:
    """S ± z se within 0 and 1, as R's ``conf.type = "plain"``."""
    return np.maximum(survival - z * se, 0.0), np.minimum(survival + z * se, 1.0)


def log_log_limits(survival: Floats, se: Floats, z: float) -> tuple[Floats, Floats]:
    """S^exp(±z se / (S log S)), as R's ``conf.type = "log-log"``; NaN at S = 0 and S = 1."""
    inside = np.where((survival > 0) & (survival < 1), survival, np.nan)
    log = np.log(inside)
    width = z * se / (inside * log)  # negative
    return np.exp(log * np.exp(-width)), np.exp(log * np.exp(width))
