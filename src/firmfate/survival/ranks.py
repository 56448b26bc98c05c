"""Do groups of firms have the same hazard, or the same incidence of a cause? `logrank` and `gray_test`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.core import gray, ranks
from firmfate.survival.core.lifetable import LifeTable
from firmfate.survival.core.ranks import Score
from firmfate.survival.groups import compare_groups
from firmfate.survival.traits import takes_counts


@takes_counts
def logrank(
    ds: xr.Dataset,
    dim: str,
    *,
    cause: Any = None,
    strata: Sequence[str] | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> xr.Dataset:
    """Test whether the cells along an axis have the same hazard.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`; firms may enter late.
    dim : str
        The axis whose points are the groups.
    cause : optional
        Compare the hazard of this cause; other causes count as censorings after their week.
    strata : axes, optional
        Other axes within whose points groups are compared, before all are added up. By default all others; with
        ``()`` there is one test at each of their points.
    rho, gamma : float
        Weights S(t-)^rho (1 - S(t-))^gamma of the weeks, S of the groups of a stratum together (Fleming and Harrington
        1991): rho = 1 stresses early differences, gamma = 1 late ones. Where curves may cross, the plain test
        (rho = gamma = 0) adds up differences of opposite signs; choose weights before seeing the data. R's
        ``survdiff(rho=)`` is gamma = 0.

    Returns
    -------
    xarray.Dataset
        ``observed``, ``expected (.., dim)``, weighted; ``statistic`` (chi-square), ``df`` and ``p_value``, right for
        independent groups; and, where the dataset has batches of firms that are not independent,
        ``batch_statistic`` (Hotelling's F with ``batch_df`` and batches - batch_df degrees of freedom) and
        ``batch_p_value``: right for groups under common random numbers too (and cautious where paired lifetimes differ
        by less than a bin of the batches), NaN where there are too few batches for the groups, or where a difference
        lies in a direction in which batches do not differ. Groups with the same trajectories lower ``batch_df``.
        Statistics and p-values are NaN where fewer than two groups hold valid firms.

    Examples
    --------
    >>> from firmfate.survival import example, logrank
    >>> test = logrank(example(), "execution", strata=())
    >>> test.statistic.values.round(1), test.df.values
    (array([  0. , 183.2]), array([2, 2]))
    """
    _check_powers(rho=rho, gamma=gamma)

    def compare(counts: labels.Counts, table: LifeTable, events: NDArray[Any], shape: tuple[int, ...]) -> Score:
        position = None if cause is None else labels.position_of(counts.events, "cause", cause)
        ended = table.events if position is None else events[..., position, :]
        at_risk = np.nan_to_num(table.at_risk)
        ended = np.where(at_risk > 0, ended, 0.0)
        return ranks.logrank(ended.reshape(shape), at_risk.reshape(shape), rho=rho, gamma=gamma)

    return compare_groups(ds, dim, strata, compare)


@takes_counts
def gray_test(
    ds: xr.Dataset, dim: str, *, cause: Any, strata: Sequence[str] | None = None, rho: float = 0.0
) -> xr.Dataset:
    """Test whether the cells along an axis have the same cumulative incidence of a cause.

    Where `logrank` of a cause compares its hazard among those still alive, Gray's test compares how many firms fail by
    it in all: a group whose firms fail early by other causes has few left to fail by this one.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`, without delayed entry.
    dim : str
        The axis whose points are the groups.
    cause
        The cause.
    strata : axes, optional
        As for `logrank`.
    rho : float
        Weights (1 - F(t-))^rho of the weeks, F the cumulative incidence of the groups of a stratum together.

    Returns
    -------
    xarray.Dataset
        As `logrank` returns. Chi-square is that of Gray (1988), as in R's ``cuminc``.

    Raises
    ------
    EstimateError
        Where firms enter late, for which the test is not known.

    Examples
    --------
    >>> from firmfate.survival import example, gray_test
    >>> test = gray_test(example(), "execution", cause="insolvency", strata=())
    >>> test.statistic.values.round(1), test.df.values
    (array([  0. , 247.2]), array([2, 2]))
    """
    _check_powers(rho=rho)
    refuse_delayed_entry(ds, "Gray's test")

    def compare(counts: labels.Counts, table: LifeTable, events: NDArray[Any], shape: tuple[int, ...]) -> Score:
        at_risk = np.nan_to_num(table.at_risk)
        some = at_risk > 0
        ended = np.where(some, events[..., labels.position_of(counts.events, "cause", cause), :], 0.0)
        others = np.where(some, table.events, 0.0) - ended
        return gray.gray(ended.reshape(shape), others.reshape(shape), at_risk.reshape(shape), rho=rho)

    return compare_groups(ds, dim, strata, compare)


def refuse_delayed_entry(ds: object, what: str) -> None:
    """Refuse counts with firms that enter late."""
    if isinstance(ds, xr.Dataset) and "entered" in ds and bool((ds["entered"] > 0).any()):
        raise EstimateError(
            f"{what} takes firms that are observed from the first week on; `entered` holds some that are not"
        )


def _check_powers(**powers: float) -> None:
    for name, power in powers.items():
        value = labels.numbers(power)
        if value is None or value.ndim or not 0 <= value < np.inf:
            raise EstimateError(f"{name} = {power!r}: a power of the weights, at least 0")
