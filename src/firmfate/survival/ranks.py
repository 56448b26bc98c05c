"""Do groups of firms live equally long? The log-rank test, labelled: `logrank`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.batches import Resampler
from firmfate.survival.core import logrank as core
from firmfate.survival.core.lifetable import Floats, life_table

WORDS = {
    "observed": "firms of the group that ended",
    "expected": "firms of the group that would have ended, had all groups the same hazard",
    "statistic": "chi-square of independent groups",
    "df": "degrees of freedom of chi-square",
    "p_value": "p-value of chi-square",
    "batch_statistic": "Hotelling's F from batches",
    "batch_df": "degrees of freedom of F's numerator",
    "batch_p_value": "p-value of F",
}


def logrank(ds: xr.Dataset, dim: str, *, cause: Any = None, strata: Sequence[str] | None = None) -> xr.Dataset:
    """Test whether the cells along an axis have the same hazard.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    dim : str
        The axis whose points are the groups.
    cause : optional
        Compare the hazard of this cause; other ends count as censorings after their week.
    strata : axes, optional
        Other axes within whose points groups are compared, before all are added up. By default all others; with
        ``()`` there is one test at each of their points.

    Returns
    -------
    xarray.Dataset
        ``observed``, ``expected (.., dim)``; ``statistic`` (chi-square), ``df`` and ``p_value``, right for
        independent groups; and, where the dataset has batches, ``batch_statistic`` (Hotelling's F with ``batch_df``
        and batches - batch_df degrees of freedom) and ``batch_p_value``: right for groups under common random
        numbers too (and cautious where paired lives differ by less than a bin of the batches), NaN where there are
        too few batches for the groups, or where batches that do not differ tell no error of a difference. Groups
        that live the same lives lower ``batch_df``. Statistics and p-values are NaN where fewer than two groups hold
        valid firms.

    Examples
    --------
    >>> from firmfate.survival import example, logrank
    >>> test = logrank(example(), "execution", strata=())
    >>> test.statistic.values.round(1), test.df.values
    (array([  0. , 183.2]), array([2, 2]))
    """
    from scipy.special import chdtrc, fdtrc

    labels.counts_of(ds)
    ds = labels.computed(ds)
    firms = ds["firms"]
    labels.position_of(firms, dim, firms[dim].values[0] if dim in firms.dims else None)
    others = [axis for axis in firms.dims if axis != dim]
    unknown = set(strata or ()) - set(map(str, others))
    if unknown:
        raise EstimateError(f"strata={list(strata or ())}: the other axes are {list(map(str, others))}")
    within = [axis for axis in others if strata is None or axis in strata]
    tested = [axis for axis in others if axis not in within]
    order = (*tested, *within, dim)

    whole = _compare(ds, order, len(tested), cause)
    difference = whole.observed - whole.expected
    shape = difference.shape[:-1]
    chi, df = np.zeros(shape), np.zeros(shape, dtype=np.int_)
    for test in np.ndindex(shape):
        chi[test], df[test] = core.quadratic_form(difference[test], whole.covariance[test], whole.expected[test])
    results = {
        "observed": ([*tested, dim], whole.observed),
        "expected": ([*tested, dim], whole.expected),
        "statistic": (tested, chi),
        "df": (tested, df),
        "p_value": (tested, chdtrc(np.maximum(df, 1), chi)),
    }
    if "batch_events" in ds:
        ratio, rank, batches = _batch_statistic(ds, order, len(tested), cause, whole)
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


def _compare(ds: xr.Dataset, order: tuple[Any, ...], tested: int, cause: Any) -> core.LogRank:
    """Compare groups, the dims ordered tests, strata, group; all strata as one dim."""
    counts = labels.counts_of(ds)
    firms = counts.firms.transpose(*order).values
    events = counts.events.transpose(*order, "cause", "week").values
    censored = None if counts.censored is None else counts.censored.transpose(*order, "week").values
    table = life_table(events, firms, censored)
    ended = table.events if cause is None else events[..., labels.position_of(counts.events, "cause", cause), :]
    at_risk = np.nan_to_num(table.at_risk)
    shape = (*firms.shape[:tested], -1, firms.shape[-1], counts.weeks)
    return core.logrank(np.where(at_risk > 0, ended, 0.0).reshape(shape), at_risk.reshape(shape))


def _batch_statistic(
    ds: xr.Dataset, order: tuple[Any, ...], tested: int, cause: Any, whole: core.LogRank
) -> tuple[Floats, NDArray[np.int_], int]:
    """Return u' C^- u with the jackknife's covariance C over batches, the rank of C, and the number of batches."""
    resampled = Resampler(ds)
    parts = [_compare(resampled.without(int(batch)), order, tested, cause) for batch in resampled.used]
    left = np.stack([part.observed - part.expected for part in parts])
    batches = left.shape[0]
    # u grows with the number of firms: n / (n - n_b) puts the part on the scale of the whole.
    deviations = (left - left.mean(axis=0)) * batches / (batches - 1)
    covariance = np.einsum("b...g,b...h->...gh", deviations, deviations) * (batches - 1) / batches
    difference = whole.observed - whole.expected
    statistic, rank = np.zeros(difference.shape[:-1]), np.zeros(difference.shape[:-1], dtype=np.int_)
    for test in np.ndindex(statistic.shape):
        statistic[test], rank[test] = core.quadratic_form(difference[test], covariance[test], whole.expected[test])
    return statistic, rank, batches
