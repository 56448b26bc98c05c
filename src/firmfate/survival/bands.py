"""Simultaneous bands: how many standard errors cover all points of a curve or map at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival.core.limits import student_quantile

DRAWS = 5_000
SEED = 20261123
POINTS_AT_ONCE = 512

Floats = NDArray[np.float64]


def simultaneous_quantile(
    values: xr.DataArray,
    *,
    over: Sequence[object],
    level: float,
    between_bins: tuple[xr.DataArray, NDArray[np.int_]] | None,
) -> xr.DataArray:
    """Return the multiple of the standard error that covers all points of ``over`` at once.

    Gaussian multipliers on the batches (Chernozhukov, Chetverikov and Kato 2013) give the distribution of the largest
    standardised deviation, correlated as the batches say; its quantile is carried from the normal to Student's t(B -
    1), as a pointwise limit's is. Within bins, where batches say nothing, Brownian bridges take the place of the
    variance that was interpolated. Fixed draws: the same counts give the same band.

    Parameters
    ----------
    values : (batch, ...) DataArray
        Values with one batch left out, or of one batch alone.
    over : names of dims
        Dims of a band; the other dims have a band each.
    between_bins : (share, ends), optional
        Share of the variance at each point that batches do not tell, with the dim ``week``; positions of the weeks
        that end bins.

    Raises
    ------
    EstimateError
        Where ``over`` names an unknown dim.
    """
    unknown = [dim for dim in over if dim not in values.dims]
    if unknown:
        raise EstimateError(f"simultaneous={list(over)}: the contrast has the dims {list(values.dims[1:])}")
    over = [*(dim for dim in over if dim != "week"), *(dim for dim in over if dim == "week")]
    others = [dim for dim in values.dims if dim != "batch" and dim not in over]
    batches = values.sizes["batch"]
    flat = values.transpose(*others, "batch", *over).values.reshape(-1, batches, _points(values, over))
    random = np.random.Generator(np.random.Philox(SEED))
    multipliers = random.standard_normal((DRAWS, batches))
    untold: list[Floats | None] = [None] * len(flat)
    bridges = np.zeros((DRAWS, 1))
    if between_bins is not None and "week" in over:
        share, ends = between_bins
        untold = list(share.transpose(*others, *over).values.reshape(len(flat), -1))
        bridges = _bridges(random, values.sizes["week"], ends)
    multiples = np.array(
        [_one_band(points, multipliers, rough, bridges, level) for points, rough in zip(flat, untold, strict=True)]
    )
    coords = {name: coord for name, coord in values.coords.items() if set(coord.dims) <= set(others)}
    return xr.DataArray(multiples.reshape([values.sizes[dim] for dim in others]), dims=others, coords=coords)


def _points(values: xr.DataArray, over: Sequence[object]) -> int:
    return max(1, int(np.prod([values.sizes[dim] for dim in over], dtype=int)))


def _one_band(points: Floats, multipliers: Floats, untold: Floats | None, bridges: Floats, level: float) -> float:
    """Return the multiple for ``points (batch, point)``, of which a share of the variance is untold."""
    batches = points.shape[0]
    deviations = points - points.mean(axis=0)
    scale = np.sqrt((deviations**2).sum(axis=0))
    telling = np.flatnonzero(scale > 0)  # NaN and constant points have no limits anyhow
    if not telling.size:
        return student_quantile(level, batches - 1)
    largest = np.zeros(multipliers.shape[0])
    weeks = bridges.shape[1]
    for start in range(0, telling.size, POINTS_AT_ONCE):
        some = telling[start : start + POINTS_AT_ONCE]
        told = multipliers @ (deviations[:, some] / scale[some])
        if untold is not None:
            share = np.nan_to_num(untold[some])
            # Each curve takes the bridges in another order of draws, so that curves' bridges are independent.
            rows = (np.arange(len(bridges))[:, None] + 7919 * (some // weeks)) % len(bridges)
            told = np.sqrt(1 - share) * told + np.sqrt(share) * bridges[rows, some % weeks]
        np.maximum(largest, np.abs(told).max(axis=1), out=largest)
    normal = float(np.quantile(largest, level))
    return student_quantile(2.0 * NormalDist().cdf(normal) - 1.0, batches - 1)


def _bridges(random: np.random.Generator, weeks: int, ends: NDArray[np.int_]) -> Floats:
    """Return Brownian bridges between ends, scaled to variance 1 inside and 0 at the ends, (draw, week)."""
    bridges = np.zeros((DRAWS, weeks))
    for low, high in pairwise(ends.tolist()):
        steps = high - low
        if steps < 2:
            continue
        path = random.standard_normal((DRAWS, steps)).cumsum(axis=1)
        passed = np.arange(1, steps) / steps
        inside = path[:, :-1] - passed * path[:, -1:]
        bridges[:, low + 1 : high] = inside / np.sqrt(steps * passed * (1 - passed))
    return bridges
