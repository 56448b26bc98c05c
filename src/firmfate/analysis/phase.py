"""The phase map: mean lifetimes over two axes, execution and misalignment by default, and the sign of one's effect."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis.formatting import spaced
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.analysis.turning import zero_along
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError, did_you_mean
from firmfate.survival.comparisons import comparison_of


def phase_map(
    ds: xr.Dataset, x: str = MISALIGNMENT, y: str = EXECUTION, *, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Estimate the mean lifetime over two axes of a grid, and where raising the second lengthens or shortens it.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over these and any other axes.
    x, y : str
        Axes of the grid, as studies or datasets name them: ``misalignment.sales`` or ``misalignment_sales``.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level, pointwise.

    Returns
    -------
    xarray.Dataset
        ``rmst``, ``rmst_se`` (axes...): years, Greenwood's standard error. ``slope``, ``slope_se``, ``slope_lower``,
        ``slope_upper``: dRMST/dy, years per unit of `y`, from batches. ``sign``: +1 or -1 where the
        limits of the slope exclude 0, 0 where they do not, NaN where there are none. ``contour``, ``contour_se``,
        ``contour_lower``, ``contour_upper`` (y, other axes): the value of `x` at which the slope is 0.

    Raises
    ------
    EstimateError
        Where `x` or `y` is no axis of the grid with two values or more, or both are the same.

    Examples
    --------
    >>> from firmfate.analysis import phase_map
    >>> from firmfate.survival import example
    >>> phase_map(example()).sign.sel(misalignment=1.0).values
    array([-1., -1., -1.])
    """
    x, y = two_axes(ds, x, y)
    lifetimes = Lifetimes(ds, tau=tau)
    derivative = comparison_of(ds, between=None, along=y, interaction=None, paired=True).of
    slope = lifetimes.apply(derivative, level=level)
    contour = zero_along(x, lifetimes, derivative, level=level)
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
            "long_name": f"{name.replace('_', ' ')} of the {years} by {spaced(y)}, per unit",
        }
    found["sign"].attrs = {"units": "1", "long_name": "sign of the slope where its limits exclude 0, otherwise 0"}
    found.attrs = {
        "tau": lifetimes.tau, "level": level, "firms": int(ds["firms"].values.sum(dtype=np.uint64)),
        "batches": 0 if lifetimes.without is None else lifetimes.without.sizes["batch"],
    }  # fmt: skip
    return found


def two_axes(ds: xr.Dataset, x: str, y: str) -> tuple[str, str]:
    """Return two axes of a grid as the dataset names them.

    Raises
    ------
    EstimateError
        Where one is no axis of the grid with two values or more, or both are the same.
    """
    axes = [str(dim) for dim in ds["firms"].dims if dim != "cell" and dim in ds.coords and ds.sizes[dim] > 1]
    axes = [axis for axis in axes if np.issubdtype(ds[axis].dtype, np.number)]
    found = x.replace(".", "_"), y.replace(".", "_")
    for name in found:
        if name not in axes or found[0] == found[1]:
            raise EstimateError(
                f"a phase map over {found[0]!r} and {found[1]!r}: allowed are two different axes of a grid, of {axes}"
                f"{did_you_mean(name, axes)}"
            )
    return found
