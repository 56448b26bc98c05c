"""How the hazards of two cells compare over time: `hazard_ratio`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.survival import labels
from firmfate.survival.contrasts import Cell, contrast
from firmfate.survival.hazards import hazard
from firmfate.survival.traits import estimator, takes_counts


@takes_counts
def hazard_ratio(
    ds: xr.Dataset,
    *,
    between: tuple[Cell, Cell],
    cause: Any = None,
    bin_weeks: int = 52,
    level: float = 0.95,
    paired: bool | None = None,
    simultaneous: bool = False,
) -> xr.Dataset:
    """Estimate the time-varying ratio of two cells' hazards, bin by bin, without a model.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `contrast`.
    between : pair of cells
        The ratio is the first over the second, at every point of other axes.
    cause : optional
        The hazard of this cause; by default of all.
    bin_weeks : int
        Weeks in a bin; a multiple of the batches' bins (13), where errors come from batches.
    level, paired, simultaneous
        As for `contrast`; simultaneous limits hold in all bins of a ratio at once.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` (other axes..., bin): limits are symmetric on the log scale. NaN
        in a bin where one of the cells, with all its firms or without one batch, has no events.

    Examples
    --------
    >>> from firmfate.survival import example, hazard_ratio
    >>> cells = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.0, "misalignment": 1.0})
    >>> hazard_ratio(example(), between=cells).estimate.values.round(2)
    array([4.14, 3.88])
    """
    difference = contrast(
        ds,
        _log_hazard,
        between=between,
        level=level,
        paired=paired,
        simultaneous=("bin",) if simultaneous else False,
        cause=cause,
        bin_weeks=bin_weeks,
    )
    ratio = xr.apply_ufunc(np.exp, difference[["estimate", "lower", "upper"]])
    result = ratio.assign(se=ratio["estimate"] * difference["se"])[["estimate", "se", "lower", "upper"]]
    words = f"hazard ratio, {difference.attrs['contrast'].replace(' minus ', ' over ')}"
    return labels.describe(result, units="1", long_name=words, **difference.attrs)


@estimator()
def _log_hazard(ds: xr.Dataset, *, cause: Any, bin_weeks: int, level: float = 0.95) -> xr.Dataset:
    """The logarithm of the hazard, with its standard error by the delta method."""
    rate = hazard(ds, by_cause=cause is not None, bin_weeks=bin_weeks, level=level)
    if cause is not None:
        rate = rate.isel(cause=labels.position_of(rate, "cause", cause), drop=True)
    rate = rate.where(rate["estimate"] > 0)
    logarithm: xr.Dataset = xr.apply_ufunc(np.log, rate[["estimate", "lower", "upper"]])
    return logarithm.assign(se=rate["se"] / rate["estimate"])
