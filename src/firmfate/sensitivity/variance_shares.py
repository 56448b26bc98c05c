"""Sobol indices: shares of the variance of an estimate over a design ``[saltelli]``, computed by SALib."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.sensitivity.by_point import (
    Estimator,
    Floats,
    Z,
    check_seed,
    estimates_of,
    over_other_dims,
    points_of,
    problem_of,
    salib,
)


def sobol_indices(ds: xr.Dataset, f: Estimator, *, seed: int = 1, resamples: int = 500, **options: Any) -> xr.Dataset:
    """Estimate which share of the variance of an estimate is due to each axis of a design ``[saltelli]``.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of the design's cells, in its order.
    f : callable
        An estimator of `firmfate.survival`, or any function of a dataset of counts that returns a Dataset with
        ``estimate``, or a DataArray, over ``cell`` and any other dims.
    seed : int
        Of the bootstrap, from 1 on.
    resamples : int
        Of the bootstrap.
    **options
        Passed to `f`, for example ``tau=520``.

    Returns
    -------
    xarray.Dataset
        Over the estimate's other dims and ``parameter``: ``first``, the share of an axis alone, and ``total``, with all
        its interactions; of a design with ``second_order`` also ``second`` (parameter, other), of two axes together
        beyond what each has alone, NaN with oneself. ``first_se``, ``total_se`` and ``second_se`` by a bootstrap over
        points; firms' random numbers are held fixed. NaN where the estimate is the same in all cells.

    Raises
    ------
    EstimateError
        Where SALib is not installed, the cells are not those of such a design, or a cell has no estimate.

    References
    ----------
    Saltelli et al. (2010), Computer Physics Communications 181, 259-270.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.sensitivity import sobol_indices
    >>> study = firmfate.Study(
    ...     study={"name": "shares", "years": 5, "replicates": 64},
    ...     saltelli={"points": 32, "execution": [0, 1], "misalignment": [0, 1]},
    ... )
    >>> ds = firmfate.run(study, into="runs/shares", progress=False)
    >>> found = sobol_indices(ds, firmfate.survival.rmst)
    >>> bool(found.total.sel(parameter="misalignment") > found.total.sel(parameter="execution"))
    True
    """
    check_seed(seed)
    points = points_of(ds)
    names = list(points)
    second = has_second_order(np.stack(list(points.values()), axis=-1))
    estimates = estimates_of(ds, f, options)
    analysis, problem = salib("analyze.sobol"), problem_of(names)

    def analyse(vector: Floats) -> dict[str, Any]:
        if np.ptp(vector) == 0:
            axis, pair = np.full(len(names), np.nan), np.full((len(names), len(names)), np.nan)
            return {"first": axis, "first_se": axis, "total": axis, "total_se": axis, "second": pair, "second_se": pair}
        found = analysis.analyze(problem, vector, calc_second_order=second, num_resamples=resamples, seed=seed)
        shares = {
            "first": found["S1"], "first_se": found["S1_conf"] / Z, "total": found["ST"],
            "total_se": found["ST_conf"] / Z,
        }  # fmt: skip
        if second:  # SALib fills the upper triangle
            shares |= {"second": _symmetric(found["S2"]), "second_se": _symmetric(found["S2_conf"]) / Z}
        return shares

    dims: dict[str, tuple[str, ...]] = dict.fromkeys(("first", "first_se", "total", "total_se"), ("parameter",))
    if second:
        dims |= {"second": ("parameter", "other"), "second_se": ("parameter", "other")}
    found = over_other_dims(estimates, analyse, dims).assign_coords(parameter=names)
    for name in dims:
        found[name].attrs = {"units": "1"}
    return found.assign_coords(other=names) if second else found


def _symmetric(upper: Floats) -> Floats:
    return np.where(np.isnan(upper), upper.T, upper)


def has_second_order(points: Floats) -> bool:
    """Return whether the cells are those of Saltelli's design with second-order indices; refuse other cells.

    A block has a point a, the point with one axis after the other taken from a point b, in a design with second order
    also b with one axis after the other taken from a, and b.
    """
    cells, axes = points.shape
    for second, size in ((False, axes + 2), (True, 2 * axes + 2)):
        if cells % size:
            continue
        blocks = points.reshape(-1, size, axes)
        a, b = blocks[:, :1], blocks[:, -1:]
        one = np.eye(axes, dtype=bool)
        parts = [a, np.where(one, b, a), *([np.where(one, a, b)] if second else []), b]
        if np.array_equal(blocks, np.concatenate(parts, axis=1)):
            return second
    raise EstimateError("the cells are not those of a design [saltelli], in its order; Sobol indices need them all")
