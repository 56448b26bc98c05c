"""Which share of firms has an event of each cause, labelled: `cumulative_incidence`."""

from __future__ import annotations

import xarray as xr

from firmfate.survival import labels
from firmfate.survival.core import incidence as core
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.traits import estimator


@estimator()
def cumulative_incidence(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    """Estimate the share of firms with an event of each cause by the end of weeks 0..H (Aalen-Johansen).

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    level : float
        Confidence level of the pointwise limits: Wilson's at the effective number of firms.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` (axes..., cause, week); over causes, and with S, it adds up to 1.
        The standard error is the delta method's, equal to R's infinitesimal jackknife on expanded rows unless firms
        enter late: then the latter adds products of weeks whose expectation is 0.

    Examples
    --------
    >>> from firmfate.survival import cumulative_incidence, example
    >>> share = cumulative_incidence(example())
    >>> share.sel(execution=1.0, misalignment=1.0, week=104).estimate.values.round(3)
    array([0.769, 0.097])
    """
    counts = labels.counts_of(ds)
    return labels.estimated(
        counts,
        core.cumulative_incidence,
        dims=["cause", "week"],
        coords={"cause": labels.causes_of(counts), "week": labels.weeks_from_zero(counts)},
        units="1",
        long_name="share of firms with an event of the cause by the end of the week",
        z=normal_quantile(level),
    )
