"""Events per firm and week at risk, labelled: `hazard`."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.batches import BINS
from firmfate.survival.core import hazards as core
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.traits import estimator


@estimator()
def hazard(ds: xr.Dataset, *, by_cause: bool = False, bin_weeks: int = 1, level: float = 0.95) -> xr.Dataset:
    """Estimate the hazard per week in bins of weeks: events per firm and week at risk.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    by_cause : bool
        Cause-specific hazards, with a dim ``cause``.
    bin_weeks : int
        Weeks in a bin; the last bin may be shorter.
    level : float
        Confidence level of Wilson's limits, with firm-weeks as trials.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` (axes..., [cause], bin), per week; ``bin`` is the last week of a
        bin. NaN where nobody is at risk any more.

    Examples
    --------
    >>> from firmfate.survival import example, hazard
    >>> yearly = hazard(example(), bin_weeks=52).sel(execution=1.0, misalignment=1.0)
    >>> yearly.bin.values, yearly.estimate.values.round(4)
    (array([ 52, 104]), array([0.0192, 0.0178]))
    """
    counts = labels.counts_of(ds)
    bin_weeks = labels.check_integer(
        bin_weeks, counts.weeks, f"bin_weeks = {bin_weeks}: an integer number of weeks from 1 to {counts.weeks}"
    )
    starts = np.arange(0, counts.weeks, bin_weeks)
    last = np.append(starts[1:], counts.weeks)
    of_batches = ds.attrs.get(BINS)
    if of_batches is not None and not np.isin(last, of_batches).all():
        raise EstimateError(
            f"bin_weeks = {bin_weeks}: the batches hold events in bins ending in weeks {of_batches[:2]}..; "
            "contrasts of hazards need multiples of them"
        )
    dims = ["cause", "bin"] if by_cause else ["bin"]
    result = labels.estimated(
        counts,
        core.hazard,
        dims=dims,
        coords={"cause": labels.causes_of(counts), "bin": last},
        units="week-1",
        long_name="hazard per week",
        starts=starts,
        by_cause=by_cause,
        z=normal_quantile(level),
    )
    result["bin"].attrs = {"units": "week", "long_name": f"last week of a bin of {bin_weeks} weeks"}
    return result
