"""Simultaneous bands: how many standard errors cover all points of a curve or map at once."""

from __future__ import annotations

from collections.abc import Sequence
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
    unresolved_share: xr.DataArray | None,
) -> xr.DataArray:
    """Return the multiple of the standard error that covers all points of ``over`` at once.

    Gaussian multipliers on the batches (Chernozhukov, Chetverikov and Kato 2013) give the distribution of the largest
    standardised deviation, correlated as in the batches; its quantile is carried from the normal to Student's t(B - 1),
    as a pointwise limit's is. Within bins, which batches do not resolve, independent noise takes the place of the
    variance that was interpolated. Fixed draws: the same counts give the same band.

    Parameters
    ----------
    values : (batch, ...) DataArray
        Values with one batch left out, or of one batch alone.
    over : names of dims
        Dims of a band; the other dims have a band each.
    unresolved_share : DataArray, optional
        Share of the variance at each point that batches do not resolve.

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
    shares: list[Floats | None] = [None] * len(flat)
    if unresolved_share is not None and bool((unresolved_share > 0).any()):
        shares = list(unresolved_share.transpose(*others, *over).values.reshape(len(flat), -1))
    noise = random.standard_normal((DRAWS, POINTS_AT_ONCE))
    multiples = np.array(
        [_one_band(points, multipliers, share, noise, level) for points, share in zip(flat, shares, strict=True)]
    )
    coords = {name: coord for name, coord in values.coords.items() if set(coord.dims) <= set(others)}
    return xr.DataArray(multiples.reshape([values.sizes[dim] for dim in others]), dims=others, coords=coords)


def _points(values: xr.DataArray, over: Sequence[object]) -> int:
    return max(1, int(np.prod([values.sizes[dim] for dim in over], dtype=int)))


def _one_band(points: Floats, multipliers: Floats, unresolved: Floats | None, noise: Floats, level: float) -> float:
    """Return the multiple for ``points (batch, point)``, of which batches leave a share of the variance unresolved."""
    batches = points.shape[0]
    deviations = points - points.mean(axis=0)
    scale = np.sqrt((deviations**2).sum(axis=0))
    varying = np.flatnonzero(scale > 0)  # NaN and constant points have no limits anyhow
    if not varying.size:
        return float(student_quantile(level, batches - 1))
    largest = np.zeros(multipliers.shape[0])
    for start in range(0, varying.size, POINTS_AT_ONCE):
        some = varying[start : start + POINTS_AT_ONCE]
        drawn = multipliers @ (deviations[:, some] / scale[some])
        if unresolved is not None:
            share = np.nan_to_num(unresolved[some])
            # Every piece takes the noise in another order of draws, so that pieces are independent.
            drawn = np.sqrt(1 - share) * drawn + np.sqrt(share) * np.roll(noise, 7 * start, axis=0)[:, : some.size]
        np.maximum(largest, np.abs(drawn).max(axis=1), out=largest)
    normal = float(np.quantile(largest, level))
    return float(student_quantile(2.0 * NormalDist().cdf(normal) - 1.0, batches - 1))
