"""Survival and cumulative hazard curves, labelled: `kaplan_meier` and `nelson_aalen`."""

from __future__ import annotations

from typing import get_args

import xarray as xr

from firmfate.errors import EstimateError, did_you_mean
from firmfate.survival import labels
from firmfate.survival.core import curves as core
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.traits import estimator


@estimator()
def kaplan_meier(ds: xr.Dataset, *, level: float = 0.95, limits: core.Limits = "auto") -> xr.Dataset:
    """Estimate survival S(t) at the ends of weeks 0..H in every cell.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts: ``events (axes..., cause, week)``, ``firms (axes...)``, optional ``censored`` and ``entered (axes...,
        week)``; or what `firmfate.simulate` returns.
    level : float
        Confidence level of the pointwise limits.
    limits : {"auto", "wilson", "log-log", "log", "plain"}
        "auto": Wilson's where firms are censored at the horizon only, otherwise log-log (and where S is 0 or 1,
        limits from those at risk). The last three are R's ``conf.type``.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se`` (Greenwood 1926), ``lower``, ``upper`` (axes..., week). A cell without firms, or with
        invalid ones, is NaN. Past the last censoring, S stays what it was. Of firms that enter late, S is given that
        a firm exits with the first event of any cause; small risk sets in the first weeks carry on into all later ones
        (`landmark` begins later).

    Raises
    ------
    EstimateError
        Where counts contradict each other, or an option is unknown.

    Examples
    --------
    >>> from firmfate.survival import example, kaplan_meier
    >>> survival = kaplan_meier(example())
    >>> survival.sel(execution=1.0, misalignment=1.0, week=[0, 52, 104]).estimate.values.round(3)
    array([1.   , 0.366, 0.134])
    """
    counts = labels.counts_of(ds)
    if limits not in get_args(core.Limits):
        known = get_args(core.Limits)
        raise EstimateError(f"limits = {limits!r}: one of {', '.join(known)}{did_you_mean(limits, known)}")
    return labels.estimated(
        counts,
        core.kaplan_meier,
        dims=["week"],
        coords={"week": labels.weeks_from_zero(counts)},
        units="1",
        long_name="share of firms alive at the end of the week",
        z=normal_quantile(level),
        limits=limits,
    )


@estimator()
def nelson_aalen(ds: xr.Dataset, *, by_cause: bool = False, level: float = 0.95) -> xr.Dataset:
    """Estimate the cumulative hazard at the ends of weeks 0..H in every cell.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    by_cause : bool
        Cause-specific hazards, with a dim ``cause``; otherwise that of all causes.
    level : float
        Confidence level of the pointwise limits, symmetric on the log scale.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se`` (Aalen 1978: the sum of d/n²), ``lower``, ``upper`` (axes..., [cause], week).

    Examples
    --------
    >>> from firmfate.survival import example, nelson_aalen
    >>> hazard = nelson_aalen(example())
    >>> hazard.sel(execution=0.0, misalignment=0.0, week=104).estimate.round(3).item()
    0.478
    """
    counts = labels.counts_of(ds)
    return labels.estimated(
        counts,
        core.nelson_aalen_by_cause if by_cause else core.nelson_aalen,
        dims=["cause", "week"] if by_cause else ["week"],
        coords={"cause": labels.causes_of(counts), "week": labels.weeks_from_zero(counts)},
        units="1",
        long_name="cumulative hazard at the end of the week",
        z=normal_quantile(level),
    )
