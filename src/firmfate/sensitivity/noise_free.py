"""Sobol indices without the noise of replicates: shares of the variance that estimates from all firms would have.

Estimates from few firms differ from point to point by noise too. Indices of such estimates share out the variance of
the noise with the rest: an axis without any influence has a total index above 0, and first ones are too small.
Variances are quadratic in the estimates, and products of estimates from different firms have no noise in their mean,
whether points share random numbers or not. So squares are replaced by products of different batches, of all pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.pairs_of_axes import symmetric
from firmfate.errors import EstimateError
from firmfate.sensitivity.by_point import Estimator, Floats, estimates_of, over_other_dims, points_of
from firmfate.sensitivity.variance_shares import has_second_order
from firmfate.survival.jackknife import leave_one_out, standard_error

MEASURES = ("first", "total", "second")
ERRORS = ("", "_se_points", "_se_firms", "_se")
FEWEST_POINTS = 8


def noise_free_indices(ds: xr.Dataset, f: Estimator, **options: Any) -> xr.Dataset:
    """Estimate which share of the variance of an estimate is due to each axis, the noise of replicates left out.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of the cells of a design ``[saltelli]``, in its order, with ``batch_firms`` and ``batch_events``.
    f : callable
        An estimator of `firmfate.survival` that is smooth in the counts, or any such function of a dataset of counts
        that returns a Dataset with ``estimate``, or a DataArray, over ``cell`` and any other dims.
    **options
        Passed to `f`, for example ``tau=520``.

    Returns
    -------
    xarray.Dataset
        Over the estimate's other dims and ``parameter``: ``first`` and ``total`` as in `sobol_indices`;
        ``first_se_points`` and ``total_se_points``, by the jackknife over points of the design, which fall with more
        points; ``first_se_firms`` and ``total_se_firms``, by the jackknife over batches of firms, which fall with more
        firms; ``first_se`` and ``total_se``, the root of the sum of their squares, too large rather than too small. Of
        a design with ``second_order`` also ``second`` (parameter, other), of two axes together beyond what each has
        alone, NaN with oneself, and its errors.
        Over the other dims, ``noise_share``: the part of the variance of the estimates between points that is noise.
        An index of 0 is estimated below 0 as often as above; it is not cut off, so that means stay right. NaN where the
        estimate is the same in all cells.

    Raises
    ------
    EstimateError
        Where the cells are not those of such a design, a cell has no estimate, or there are fewer than 8 batches or
        points.

    References
    ----------
    Saltelli et al. (2010), Computer Physics Communications 181, 259-270, for the estimators of first and total indices;
    Saltelli (2002), Computer Physics Communications 145, 280-297, for those of second order.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.sensitivity import noise_free_indices
    >>> study = firmfate.Study(
    ...     study={"name": "shares", "model": "car", "years": 5, "replicates": 64},
    ...     saltelli={"points": 32, "execution": [0, 1], "misalignment": [0, 1]},
    ... )
    >>> ds = firmfate.run(study, into="runs/shares", progress=False)
    >>> found = noise_free_indices(ds, firmfate.survival.rmst)
    >>> sorted(found.data_vars)[:3], found.first.dims
    (['first', 'first_se', 'first_se_firms'], ('parameter',))
    """
    ds = labelled(ds)
    points = points_of(ds)
    axes = len(points)
    second = has_second_order(np.stack(list(points.values()), axis=-1))
    size = (2 if second else 1) * axes + 2
    if ds.sizes["cell"] // size < FEWEST_POINTS:
        raise EstimateError(f"{ds.sizes['cell'] // size} points of the design; errors need {FEWEST_POINTS}")
    of_all = estimates_of(ds, f, options)
    left = xr.concat(list(leave_one_out(ds, lambda counts: estimates_of(counts, f, options))), dim="batch")
    batches = left.sizes["batch"]
    pseudo = (batches * of_all - (batches - 1) * left).transpose(..., "batch", "cell")
    dims: dict[str, tuple[str, ...]] = {"first": ("parameter",), "total": ("parameter",)}
    if second:
        dims["second"] = ("parameter", "other")
    names: dict[str, tuple[str, ...]] = {f"{name}{error}": dims[name] for name in dims for error in ERRORS}
    names["noise_share"] = ()
    found = over_other_dims(
        pseudo, lambda values: indices_of_batches(values, axes, size), names, over=("batch", "cell")
    )
    for name in names:
        found[name].attrs = {"units": "1"}
    found = found.assign_coords(parameter=list(points))
    return found.assign_coords(other=list(points)) if second else found


def indices_of_batches(values: Floats, axes: int, size: int) -> dict[str, Floats]:
    """Return indices, their errors and the share of the noise, from the values of every batch.

    Parameters
    ----------
    values : (batch, cell) array
        A value of each batch of firms in each cell of the design; batches have noises of their own.
    axes, size : int
        Axes, and cells of a block of the design.
    """
    values = values - values.mean()
    batches, total = len(values), values.sum(axis=0)
    squares = _products(values, axes, size)  # of each batch with itself: with noise
    of_all, own = _products(total, axes, size), squares.sum(axis=0)
    by_point = (of_all - own) / (batches * (batches - 1))  # all pairs of different batches
    indices = _ratios(by_point.sum(axis=-1))
    without_point = _ratios(by_point.sum(axis=-1)[..., np.newaxis] - by_point)
    without_batch = _ratios(
        (_products(total - values, axes, size) - (own - squares)).sum(axis=-1).T / ((batches - 1) * (batches - 2))
    )
    naive = of_all[-1].sum() / batches**2
    found: dict[str, Floats] = {"noise_share": np.asarray(1 - by_point[-1].sum() / naive if naive > 0 else np.nan)}
    of_points, of_firms = (standard_error(np.moveaxis(left, -1, 0)) for left in (without_point, without_batch))
    for name, rows in _rows(axes, size).items():
        for error, values in zip(ERRORS, (indices, of_points, of_firms, np.hypot(of_points, of_firms)), strict=True):
            found[f"{name}{error}"] = symmetric(values[rows], axes) if name == "second" else values[rows]
    return found


def _rows(axes: int, size: int) -> dict[str, slice]:
    """Return where the indices of each measure stand among all."""
    lengths = [axes, axes, *([axes * (axes - 1) // 2] if size > axes + 2 else [])]
    ends = np.cumsum(lengths).tolist()
    return {name: slice(end - length, end) for name, end, length in zip(MEASURES, ends, lengths, strict=False)}


def _products(values: Floats, axes: int, size: int) -> Floats:
    """Return what the indices are sums of, (..., parts, points): first, total, pairs of axes, and of the variance."""
    blocks = values.reshape(*values.shape[:-1], -1, size)
    centre = blocks[..., [0, -1]].mean(axis=(-2, -1))[..., np.newaxis, np.newaxis]
    a, b = blocks[..., :1] - centre, blocks[..., -1:] - centre
    one = blocks[..., 1 : axes + 1] - centre  # a with one axis of b
    first = b * (one - a)
    parts = [first, (a - one) ** 2 / 2]
    if size > axes + 2:
        other = blocks[..., axes + 1 : -1] - centre  # b with one axis of a
        i, j = np.triu_indices(axes, 1)
        both = (other[..., i] * one[..., j] + other[..., j] * one[..., i]) / 2 - a * b
        parts.append(both - first[..., i] - first[..., j])
    parts.append((a**2 + b**2) / 2)
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, -2)


def _ratios(sums: Floats) -> Floats:
    """Return the indices from sums (parts, ...), the last of which is the variance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(sums[-1] > 0, sums[:-1] / sums[-1], np.nan)
    return found
