"""When the curves of two cells cross, with an interval: `crossing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from firmfate.survival.contrasts import Cell, contrast
from firmfate.survival.core.lifetable import Floats
from firmfate.survival.core.sign_changes import sign_changes, strongest
from firmfate.survival.curves import kaplan_meier
from firmfate.survival.traits import takes_counts

ROUNDING = 1e-12
"""Differences below this share of the largest are none: equal numbers of firms alive, come to in different steps."""


@takes_counts
def crossing(
    ds: xr.Dataset,
    *,
    between: tuple[Cell, Cell],
    f: Callable[..., Any] = kaplan_meier,
    level: float = 0.95,
    paired: bool | None = None,
    **options: Any,
) -> xr.Dataset:
    """Estimate the week in which two curves cross, with an interval by inverting the test of their difference.

    The estimate is the sign change of the difference around which the evidence on both sides is strongest: of all
    sign changes, the one that maximises the smaller of the largest ratios abs(difference) / se before and after it. The
    interval is the run of weeks around it in which the pointwise interval of the difference contains 0 (Fieller's
    argument): it covers the true crossing as often as that does, and is unbounded where one side cannot be
    distinguished from 0.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `contrast`.
    between : pair of cells
        The two cells; there is a crossing at every point of other axes.
    f : callable
        A curve over ``week``: `kaplan_meier`, `rmst_curve`, ...; further dims, as ``cause``, have crossings of their
        own.
    level, paired
        As for `contrast`.
    **options
        Passed to ``f``.

    Returns
    -------
    xarray.Dataset
        ``estimate`` (week, interpolated linearly, or the middle of weeks in which the difference is exactly 0; NaN
        where it never changes its sign); ``lower`` and ``upper`` (0 and the horizon, where unbounded); ``se`` by the
        delta method, se of the difference over its slope; and ``direction``: +1 where the first cell rises above the
        second, -1 where it falls below, 0 without crossing.

    Examples
    --------
    Survival exp(-(t/40)²) against exp(-√(t/40)), which cross in week 40:

    >>> import numpy as np
    >>> from firmfate.survival import counts_from_table, crossing
    >>> standard = -np.log((np.arange(640) + 0.5) / 640)
    >>> weeks = 40 * np.concatenate([standard**0.5, standard**2])
    >>> table = {"weeks": weeks, "end": ["exit"] * 1280, "kind": ["steady"] * 640 + ["erratic"] * 640}
    >>> ds = counts_from_table(table, duration="weeks", cause="end", covariates=["kind"], horizon=104)
    >>> crossed = crossing(ds, between=({"kind": "steady"}, {"kind": "erratic"}))
    >>> [crossed[name].round(1).item() for name in ("lower", "estimate", "upper")]
    [36.2, 40.0, 44.0]
    """
    difference = contrast(ds, f, between=between, level=level, paired=paired, **options)
    names = ["estimate", "se", "lower", "upper"]
    results = xr.apply_ufunc(
        _crossing,
        *(difference[name] for name in names),
        difference["week"].astype(np.float64),
        input_core_dims=[["week"]] * 5,
        output_core_dims=[[]] * 5,
        vectorize=True,
    )
    crossed = xr.Dataset(dict(zip([*names, "direction"], results, strict=True)))
    words = f"week in which the curves cross, {difference.attrs['contrast']}"
    for name in names:
        crossed[name].attrs = {"units": "week", "long_name": words}
    crossed["direction"].attrs = {"units": "1", "long_name": "sign of the difference after the crossing"}
    crossed.attrs = difference.attrs
    return crossed


def _crossing(
    difference: Floats, se: Floats, lower: Floats, upper: Floats, week: Floats
) -> tuple[float, float, float, float, float]:
    nothing = ROUNDING * np.nan_to_num(np.abs(difference)).max()
    difference = np.where(np.abs(difference) <= nothing, 0.0, difference)
    changes = sign_changes(week, difference)
    if not changes:
        return np.nan, np.nan, np.nan, np.nan, 0.0
    evidence = np.zeros_like(difference)
    np.divide(np.abs(difference), se, out=evidence, where=se > 0)
    a, b, at = strongest(changes, difference, evidence)
    slope = (difference[b] - difference[a]) / (week[b] - week[a])
    error = np.interp(at, week, se) / abs(slope)
    excludes = (lower > 0) | (upper < 0)
    before, after = np.flatnonzero(excludes[: a + 1]), np.flatnonzero(excludes[b:])
    first = _edge(week, lower, upper, before[-1], before[-1] + 1) if before.size else week[0]
    last = _edge(week, lower, upper, b + after[0], b + after[0] - 1) if after.size else week[-1]
    return at, error, min(first, at), max(last, at), float(np.sign(slope))


def _edge(week: Floats, lower: Floats, upper: Floats, outside: int, inside: int) -> float:
    """Interpolate where the nearer limit reaches 0 between a week that excludes 0 and its neighbour that does not."""
    limit = lower if lower[outside] > 0 else upper
    if np.isnan(limit[inside]) or limit[inside] == limit[outside]:
        return float(week[outside])
    share = limit[outside] / (limit[outside] - limit[inside])
    return float(week[outside] + np.clip(share, 0.0, 1.0) * (week[inside] - week[outside]))
