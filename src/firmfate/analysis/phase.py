"""The phase map: mean lifetimes over execution and misalignment, and the sign of the effect of execution."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.poles import EXECUTION, poles
from firmfate.analysis.turning import turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.survival.comparisons import comparison_of


def phase_map(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate the phase map of a study of execution and misalignment, in years.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over execution, misalignment and any other axes.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level, pointwise.

    Returns
    -------
    xarray.Dataset
        ``rmst``, ``rmst_se`` (axes...): years, Greenwood's standard error. ``slope``, ``slope_se``, ``slope_lower``,
        ``slope_upper``: dRMST/d(execution), years per unit of execution, from batches. ``sign``: +1 or -1 where the
        limits of the slope exclude 0, 0 where they do not, NaN where there are none. ``contour``, ``contour_se``,
        ``contour_lower``, ``contour_upper`` (execution, other axes): the misalignment at which the slope is 0.

    Raises
    ------
    EstimateError
        Where execution or misalignment is no axis of the grid.

    Examples
    --------
    >>> from firmfate.analysis import phase_map
    >>> from firmfate.survival import example
    >>> phase_map(example()).sign.sel(misalignment=1.0).values
    array([-1., -1., -1.])
    """
    if poles(ds) is None:
        raise EstimateError("a phase map needs execution and misalignment as axes of a grid, with two values each")
    lifetimes = Lifetimes(ds, tau=tau)
    slope = lifetimes.apply(
        comparison_of(ds, between=None, along=EXECUTION, interaction=None, paired=True).of, level=level
    )
    contour = turning_point(ds, at_every_execution=True, tau=tau, level=level)
    sign = (slope["lower"] > 0) * 1.0 - (slope["upper"] < 0) * 1.0
    found = xr.Dataset(
        {
            "rmst": lifetimes.estimate,
            "rmst_se": lifetimes.se,
            **{("slope" if name == "estimate" else f"slope_{name}"): slope[name] for name in slope},
            "sign": sign.where(slope["lower"].notnull()),
            **{("contour" if name == "estimate" else f"contour_{name}"): contour[name] for name in contour},
        }
    )
    years = f"mean lifetime within {lifetimes.tau / WEEKS_PER_YEAR:g} years"
    found["rmst"].attrs = {"units": "year", "long_name": years}
    found["rmst_se"].attrs = {"units": "year", "long_name": f"standard error of the {years}"}
    for name in ("slope", "slope_se", "slope_lower", "slope_upper"):
        found[name].attrs = {
            "units": "year",
            "long_name": f"{name.replace('_', ' ')} of the {years} by execution, per unit",
        }
    found["sign"].attrs = {"units": "1", "long_name": "sign of the slope where its limits exclude 0, otherwise 0"}
    found.attrs = {
        "tau": lifetimes.tau, "level": level, "firms": int(ds["firms"].values.sum(dtype=np.uint64)),
        "batches": 0 if lifetimes.without is None else lifetimes.without.sizes["batch"],
    }  # fmt: skip
    return found
