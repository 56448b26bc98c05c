"""The week by which a share of firms has had an event, labelled: `quantile`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.core import quantiles as core
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.traits import estimator


@estimator(smooth=False, for_means={"interpolate": True})
def quantile(
    ds: xr.Dataset, *, p: float | Sequence[float] = 0.5, interpolate: bool = False, level: float = 0.95
) -> xr.Dataset:
    """Estimate the first week with S <= 1 - p: by then a share p of the firms has had an event.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    p : float or sequence of float
        Shares strictly between 0 and 1; a sequence adds the dim ``p``.
    interpolate : bool
        Interpolate S linearly within the week. `contrast` does so for batch means, and marks the result as
        approximate: the jackknife is wrong for quantiles.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        ``estimate`` (axes..., [p]) in weeks, NaN where S does not get there; ``lower`` and ``upper`` are where the
        limits of S get there, NaN where they do not; ``se`` = their distance over 2 z (Woodruff 1952).

    Examples
    --------
    >>> from firmfate.survival import example, quantile
    >>> quantile(example(), p=[0.25, 0.5]).sel(execution=1.0, misalignment=1.0).estimate.values
    array([16., 36.])
    """
    counts = labels.counts_of(ds)
    shares = labels.numbers(p)
    if shares is None or shares.ndim > 1 or not shares.size or not ((shares > 0) & (shares < 1)).all():
        raise EstimateError(f"p = {p}: a share of firms strictly between 0 and 1, or a list of such")
    shares = np.atleast_1d(shares)
    result = labels.estimated(
        counts,
        core.quantile,
        dims=["p"],
        coords={"p": shares},
        units="week",
        long_name="week by which the share p of firms has had an event",
        shares=shares,
        interpolate=interpolate,
        z=normal_quantile(level),
    )
    result["p"].attrs = {"units": "1", "long_name": "share of firms with an event"}
    return result if np.ndim(p) else result.isel(p=0)
