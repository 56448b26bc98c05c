"""Test whether the cells along an axis are alike: what the log-rank test and Gray's have in common."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.core.lifetable import Floats, LifeTable, life_table
from firmfate.survival.core.quadratic_form import quadratic_form
from firmfate.survival.core.ranks import Score
from firmfate.survival.jackknife import covariance, leave_one_out

WORDS = {
    "observed": "firms of the group with an event",
    "expected": "firms of the group that would have had one, were all groups alike",
    "statistic": "chi-square of independent groups",
    "df": "degrees of freedom of chi-square",
    "p_value": "p-value of chi-square",
    "batch_statistic": "Hotelling's F from batches",
    "batch_df": "degrees of freedom of F's numerator",
    "batch_p_value": "p-value of F",
}

Compare = Callable[[labels.Counts, LifeTable, NDArray[Any], tuple[int, ...]], Score]
"""Takes counts, their life table and events (tests.., strata.., group, cause, week), and the shape (tests.., stratum,
group, week) in which to compare them."""


def compare_groups(ds: xr.Dataset, dim: str, strata: Sequence[str] | None, compare: Compare) -> xr.Dataset:
    """Test the cells along an axis within strata, by chi-square and, where firms depend on each other, by batches.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts.
    dim : str
        The axis whose points are the groups.
    strata : axes, optional
        As for `logrank`.
    compare : callable
        What is compared; see `Compare`.

    Returns
    -------
    xarray.Dataset
        As `logrank` returns.
    """
    from scipy.special import chdtrc, fdtrc

    labels.counts_of(ds)
    ds = labels.computed(ds)
    firms, dim = ds["firms"], labels.axis_of(ds, dim)
    strata = None if strata is None else [labels.axis_of(ds, axis) for axis in strata]
    labels.position_of(firms, dim, firms[dim].values[0] if dim in firms.dims else None)
    others = [axis for axis in firms.dims if axis != dim]
    unknown = set(strata or ()) - set(map(str, others))
    if unknown:
        raise EstimateError(f"strata={list(strata or ())}: the other axes are {list(map(str, others))}")
    within = [axis for axis in others if strata is None or axis in strata]
    tested = [axis for axis in others if axis not in within]
    order = (*tested, *within, dim)

    def score(counts: xr.Dataset) -> Score:
        return _score(counts, order, len(tested), compare)

    every = score(ds)
    chi, df = _quadratic_forms(every, every.covariance)
    results: dict[str, Any] = {
        "observed": ([*tested, dim], every.observed),
        "expected": ([*tested, dim], every.expected),
        "statistic": (tested, chi),
        "df": (tested, df),
        "p_value": (tested, chdtrc(np.maximum(df, 1), chi)),
    }
    if "batch_events" in ds and ds.attrs.get(labels.DEPENDENCE) != labels.INDEPENDENT:
        ratio, rank, batches = _from_batches(ds, score, every)
        spare = np.where(rank < batches - 1, batches - rank, np.nan)
        at_least_one = np.maximum(rank, 1)
        statistic = ratio * spare / (at_least_one * (batches - 1))
        results["batch_statistic"] = (tested, statistic)
        results["batch_df"] = (tested, rank)
        results["batch_p_value"] = (tested, fdtrc(at_least_one, spare, statistic))
    coords = {axis: firms[axis] for axis in (*tested, dim) if axis in firms.coords}
    found = xr.Dataset(results, coords=coords, attrs={"groups": dim, "strata": ", ".join(map(str, within))})
    # Where fewer than two groups of a stratum hold valid firms, nothing is compared.
    compared = ((labels.counts_of(ds).firms > 0).sum(dim) > 1).any(within)
    for name in found.data_vars:
        if "statistic" in str(name) or "p_value" in str(name):
            found[name] = found[name].where(compared)
        found[name].attrs = {"units": "1", "long_name": WORDS[str(name)]}
    return found


def _score(ds: xr.Dataset, order: tuple[Hashable, ...], tested: int, compare: Compare) -> Score:
    """Compare groups, the dims ordered tests, strata, group; all strata as one dim."""
    counts = labels.counts_of(ds)
    arrays = counts.arrays(order)
    shape = (*arrays.firms.shape[:tested], -1, arrays.firms.shape[-1], counts.weeks)
    return compare(counts, life_table(arrays), arrays.events, shape)


def _from_batches(
    ds: xr.Dataset, score: Callable[[xr.Dataset], Score], every: Score
) -> tuple[Floats, NDArray[np.int_], int]:
    """Return u' C^- u with the jackknife's covariance C over batches, the rank of C, and the number of batches."""
    left = np.stack([part.observed - part.expected for part in leave_one_out(ds, score)])
    batches = len(left)
    # u grows with the number of firms: n / (n - n_b) puts the part on the scale of all.
    ratio, rank = _quadratic_forms(every, covariance(left * (batches / (batches - 1))))
    return ratio, rank, batches


def _quadratic_forms(score: Score, spread: Floats) -> tuple[Floats, NDArray[np.int_]]:
    difference = score.observed - score.expected
    statistic, rank = np.zeros(difference.shape[:-1]), np.zeros(difference.shape[:-1], dtype=np.int_)
    for test in np.ndindex(statistic.shape):
        statistic[test], rank[test] = quadratic_form(difference[test], spread[test], score.expected[test])
    return statistic, rank
