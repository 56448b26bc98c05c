"""Mean lifetimes of all cells, from all firms and with one batch left out: standard errors of any function of them.

`firmfate.survival.contrast` gives differences and derivatives of any estimator; this is for functions that are not
linear, such as the misalignment at which an effect changes its sign.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import xarray as xr

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.survival import rmst
from firmfate.survival.batches import Resampler, batches_in_use, has_exact_lifetimes, lifetimes_without
from firmfate.survival.jackknife import estimated
from firmfate.survival.labels import check_weeks, computed


class Lifetimes:
    """Restricted mean survival times of all cells, in years.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them; Dask-backed counts are computed once.
    tau : int, optional
        Weeks; the horizon by default.

    Attributes
    ----------
    estimate, se : DataArray (axes...)
        Years, and Greenwood's standard error of each cell alone.
    tau : int
        Weeks.

    Examples
    --------
    >>> from firmfate.analysis import Lifetimes
    >>> from firmfate.survival import example
    >>> ratio = Lifetimes(example()).apply(lambda years: years.sel(execution=1.0) / years.sel(execution=0.0))
    >>> ratio.estimate.values.round(2), ratio.se.values.round(2)
    (array([1.  , 0.56]), array([0.  , 0.02]))
    """

    def __init__(self, ds: xr.Dataset, *, tau: int | None = None) -> None:
        self.ds = computed(ds)
        self.tau = check_weeks(tau, ds.sizes["week"])
        found = rmst(self.ds, tau=self.tau) / WEEKS_PER_YEAR
        self.estimate: xr.DataArray = found["estimate"]
        self.se: xr.DataArray = found["se"]

    @cached_property
    def without(self) -> xr.DataArray | None:
        """Years with one batch left out, (batch, axes...); None where batches are too few for a standard error."""
        try:
            used = batches_in_use(self.ds)
            if has_exact_lifetimes(self.ds, self.tau):
                parts = list(map(lifetimes_without(self.ds, self.tau), used.tolist()))
            else:
                resampler = Resampler(self.ds)
                parts = [rmst(resampler.without(int(batch)), tau=self.tau)["estimate"] for batch in used]
        except EstimateError:
            return None
        return xr.concat(parts, dim="batch").transpose("batch", *self.estimate.dims) / WEEKS_PER_YEAR

    def apply(self, f: Callable[[xr.DataArray], xr.DataArray], *, level: float = 0.95) -> xr.Dataset:
        """Return ``estimate``, ``se``, ``lower``, ``upper`` of a function of the cells' mean lifetimes.

        Parameters
        ----------
        f : callable
            Takes years (axes...) and returns a DataArray; called once, and once a batch.
        level : float
            Confidence level of t(B - 1) limits.

        Returns
        -------
        xarray.Dataset
            NaN standard errors and limits where there are too few batches, or where a batch leaves `f` undefined.
        """
        estimate = f(self.estimate)
        if self.without is None:
            unknown = xr.full_like(estimate, np.nan, dtype=np.float64)
            return xr.Dataset({"estimate": estimate, "se": unknown, "lower": unknown, "upper": unknown})
        return estimated(estimate, (f(one) for one in self.without), level=level)
