"""Weeks lived and weeks lost up to a horizon, labelled: `rmst`, `rmst_curve`, `time_lost`, `expected_payoff`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.batches import LIFETIME, has_exact_lifetimes, lifetimes_without
from firmfate.survival.core import restricted as core
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.traits import estimator


def _exact_without(ds: xr.Dataset, *, tau: float | None = None, **_: Any) -> Callable[[int], xr.DataArray] | None:
    """Return the means without a batch from the lifetimes of batches, where they are counted to this horizon."""
    until = labels.check_weeks(tau, ds.sizes["week"])
    return lifetimes_without(ds, until) if has_exact_lifetimes(ds, until) else None


@estimator(without_batch=_exact_without)
def rmst(ds: xr.Dataset, *, tau: float | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate the restricted mean survival time, the sum of S(t) over t < tau, in weeks.

    A firm with its event in week w counts w weeks, whatever the step within the week; so with several steps a week the
    value exceeds ``batch_lifetime / steps_per_week`` by less than one week.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    tau : int, optional
        Weeks, from 1 to the horizon, which is the default.
    level : float
        Confidence level: Wilson's limits on the share of tau at the effective number of firms, which never show
        certainty.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se`` (Greenwood's, equal to sd/√n with horizon censoring), ``lower``, ``upper`` (axes...),
        weeks.

    Examples
    --------
    >>> from firmfate.survival import example, rmst
    >>> rmst(example(), tau=52).sel(execution=1.0, misalignment=1.0).estimate.round(2).item()
    33.09
    """
    counts = labels.counts_of(ds)
    tau = labels.check_weeks(tau, counts.weeks)
    long_name = f"restricted mean survival time to week {tau}"
    lived = _single(counts, core.restricted_mean, tau=tau, long_name=long_name, level=level)
    return _anchored(ds, lived, [tau], lambda correction: correction.isel(week=0))


@estimator(interpolates=False)
def rmst_curve(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    """Estimate the restricted mean survival time at every horizon tau = 0..H: a summary that holds where curves cross.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    level : float
        Confidence level, pointwise.

    Returns
    -------
    xarray.Dataset
        As `rmst`, with the dim ``week`` = tau.

    Examples
    --------
    >>> from firmfate.survival import example, rmst_curve
    >>> rmst_curve(example()).sel(execution=1.0, misalignment=1.0, week=[0, 1, 52]).estimate.values.round(2)
    array([ 0.  ,  1.  , 33.09])
    """
    counts = labels.counts_of(ds)
    weeks = labels.weeks_from_zero(counts)
    curve = labels.estimated(
        counts,
        core.restricted_mean_curve,
        dims=["week"],
        coords={"week": weeks},
        units="week",
        long_name="restricted mean survival time to the week",
        z=normal_quantile(level),
    )
    return _anchored(ds, curve, weeks, lambda correction: correction)


@estimator()
def time_lost(ds: xr.Dataset, *, tau: float | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate the weeks lost before tau by each cause, the sum of F_k(t) over t < tau.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` (axes..., cause), weeks. Summed over causes, with `rmst`, it is
        tau.

    Examples
    --------
    >>> from firmfate.survival import example, time_lost
    >>> time_lost(example(), tau=52).sel(execution=1.0, misalignment=1.0).estimate.values.round(2)
    array([17.17,  1.74])
    """
    counts = labels.counts_of(ds)
    tau = labels.check_weeks(tau, counts.weeks)
    return labels.estimated(
        counts,
        core.weeks_lost,
        dims=["cause"],
        coords={"cause": labels.causes_of(counts)},
        units="week",
        long_name=f"mean weeks lost by the cause before week {tau}",
        tau=tau,
        z=normal_quantile(level),
    )


@estimator()
def expected_payoff(
    ds: xr.Dataset, payoff: ArrayLike | xr.DataArray, *, at_end: float = 0.0, level: float = 0.95
) -> xr.Dataset:
    """Estimate the expected payoff of a firm that earns or costs ``payoff[k, t]`` with an event of cause k in week t.

    Any discounted cost, restricted mean, incidence or weeks lost is of this kind; the standard error is exact
    (one backward recursion, ``core/restricted.py``).

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    payoff : (week,) or (cause, week) array
        In any unit.
    at_end : float
        Payoff of a firm that outlives the horizon.
    level : float
        Confidence level; normal limits, NaN where the standard error is 0.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` (axes...), in the unit of the payoff.

    Raises
    ------
    EstimateError
        Where the payoff does not have one number for each (cause and) week.

    Examples
    --------
    A bankruptcy costs 1 today, discounted by 0.1 % a week:

    >>> import numpy as np
    >>> from firmfate.survival import example, expected_payoff
    >>> ds = example()
    >>> cost = expected_payoff(ds, 0.999 ** ds.week.values)
    >>> cost.sel(execution=1.0, misalignment=1.0).estimate.round(3).item()
    0.834
    """
    counts = labels.counts_of(ds)
    if isinstance(payoff, xr.DataArray) and "cause" in payoff.dims:
        payoff = payoff.transpose("cause", "week")
    values = labels.numbers(payoff)
    shape = (counts.events.sizes["cause"], counts.weeks)
    if values is None:
        raise EstimateError("payoff holds something else than numbers")
    if values.shape not in (shape, shape[1:]):
        raise EstimateError(
            f"payoff has shape {values.shape}; expected (week,) = {shape[1:]} or (cause, week) = {shape}"
        )
    payoffs = np.broadcast_to(values, shape)
    return _single(
        counts, core.expected_payoff, payoff=payoffs, at_end=at_end, long_name="expected payoff", units="1", level=level
    )


def _single(
    counts: labels.Counts, estimator: Any, *, long_name: str, level: float, units: str = "week", **options: Any
) -> xr.Dataset:
    return labels.estimated(
        counts, estimator, dims=[], coords={}, units=units, long_name=long_name, z=normal_quantile(level), **options
    )


def _anchored(
    ds: xr.Dataset, estimates: xr.Dataset, tau: ArrayLike, pick: Callable[[xr.DataArray], xr.DataArray]
) -> xr.Dataset:
    """Make the restricted means of a resampled dataset exact at the horizons of ``batch_lifetime``.

    The differences at the horizons are interpolated linearly in tau. Estimates of a dataset that was not resampled are
    returned as they are.
    """
    if not ds.attrs.get(labels.PSEUDO) or LIFETIME not in ds:
        return estimates
    horizons = ds["horizon"].values
    binned = labels.estimated(
        labels.counts_of(ds),
        core.means_alone,
        dims=["horizon"],
        coords={"horizon": horizons},
        names=["estimate"],
        units="week",
        long_name="restricted mean",
        taus=horizons.tolist(),
    )["estimate"]
    exact = ds[LIFETIME] / ds["firms"].where(ds["firms"] > 0) / float(ds.attrs.get("steps_per_week", 1))
    gap = exact - binned
    knots = np.concatenate([[0.0], horizons.astype(np.float64)])
    weights = np.stack(
        [np.interp(np.asarray(tau, dtype=np.float64), knots, unit) for unit in np.eye(knots.size)], axis=-1
    )
    correction = pick(xr.dot(gap, xr.DataArray(weights[:, 1:], dims=["week", "horizon"]), dim="horizon"))
    return estimates.assign(estimate=estimates["estimate"] + correction)
