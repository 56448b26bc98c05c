"""Simultaneous bands: how many standard errors cover all points of a curve or map at once."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival.core.limits import student_quantile

DRAWS = 20_000
SEED = 20261123


def simultaneous_quantile(values: xr.DataArray, *, over: Sequence[object], level: float) -> xr.DataArray:
    """Return the multiple of the standard error that covers all points of ``over`` at once.

    Gaussian multipliers on the batches (Chernozhukov, Chetverikov and Kato 2013) give the distribution of the largest
    standardised deviation, correlated as the batches say; its quantile is carried from the normal to Student's t(B -
    1), as a pointwise limit's is. Fixed draws: the same counts give the same band.

    Parameters
    ----------
    values : (batch, ...) DataArray
        Values with one batch left out, or of one batch alone.
    over : names of dims
        Dims of a band; the other dims have a band each.

    Raises
    ------
    EstimateError
        Where ``over`` names an unknown dim.
    """
    unknown = [dim for dim in over if dim not in values.dims]
    if unknown:
        raise EstimateError(f"simultaneous={list(over)}: the contrast has the dims {list(values.dims[1:])}")
    others = [dim for dim in values.dims if dim != "batch" and dim not in over]
    ordered = values.transpose(*others, "batch", *over)
    batches = values.sizes["batch"]
    flat = ordered.values.reshape(-1, batches, max(1, int(np.prod([values.sizes[dim] for dim in over], dtype=int))))
    draws = np.random.Generator(np.random.Philox(SEED)).standard_normal((DRAWS, batches))
    multiples = np.array([_one_band(points, draws, level) for points in flat])
    shape = [values.sizes[dim] for dim in others]
    coords = {name: coord for name, coord in values.coords.items() if set(coord.dims) <= set(others)}
    return xr.DataArray(multiples.reshape(shape), dims=others, coords=coords)


def _one_band(points: np.ndarray, draws: np.ndarray, level: float) -> float:
    """Return the multiple for ``points (batch, point)``."""
    batches = points.shape[0]
    deviations = points - points.mean(axis=0)
    scale = np.sqrt((deviations**2).sum(axis=0))
    telling = scale > 0  # NaN and constant points have no limits anyhow
    if not telling.any():
        return student_quantile(level, batches - 1)
    standardised = deviations[:, telling] / scale[telling]
    largest = np.zeros(draws.shape[0])
    for start in range(0, standardised.shape[1], 512):
        np.maximum(largest, np.abs(draws @ standardised[:, start : start + 512]).max(axis=1), out=largest)
    normal = float(np.quantile(largest, level))
    return student_quantile(2.0 * NormalDist().cdf(normal) - 1.0, batches - 1)
