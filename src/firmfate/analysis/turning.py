"""The misalignment at which the effect of execution changes its sign: m*."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, poles
from firmfate.errors import EstimateError
from firmfate.survival.comparisons import comparison_of
from firmfate.survival.core.sign_changes import sign_changes, strongest
from firmfate.survival.labels import describe

Floats = NDArray[np.float64]


def turning_point(
    ds: xr.Dataset, *, at_every_execution: bool = False, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Estimate the misalignment m* at which the effect of execution on the mean lifetime changes its sign.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over execution, misalignment and any other axes.
    at_every_execution : bool
        The zero of dRMST/d(execution) at every execution, the zero contour of the phase map; otherwise that of the
        difference between the strongest and the weak execution (nearest to 0.05).
    tau : int, optional
        Weeks up to which lifetimes are compared; the horizon by default.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        ``estimate`` (linear between cells, or the cell where the effect is exactly 0; NaN where the sign never changes,
        or does so across a cell without an estimate; of several changes, the one between the largest opposite
        effects), ``se`` (jackknife over batches), ``lower``,
        ``upper``, over execution, if asked, and other axes.

    Raises
    ------
    EstimateError
        Where execution or misalignment is no axis.

    Examples
    --------
    >>> from firmfate.analysis import turning_point
    >>> from firmfate.survival import example
    >>> turning_point(example()).estimate.isnull().item()     # in the example execution never helps
    True
    """
    at = poles(ds)
    if at is None:
        raise EstimateError("a turning point needs execution and misalignment as axes of a grid, with two values each")
    lifetimes = Lifetimes(ds, tau=tau)
    derivative = comparison_of(ds, between=None, along=EXECUTION, interaction=None, paired=True).of

    found = zero_along(MISALIGNMENT, lifetimes, derivative if at_every_execution else at.effect, level=level)
    return describe(
        found,
        units="share",
        long_name="misalignment at which the effect of execution changes its sign",
        tau=lifetimes.tau,
    )


def zero_along(
    axis: str, lifetimes: Lifetimes, effect: Callable[[xr.DataArray], xr.DataArray], *, level: float
) -> xr.Dataset:
    """Return where along an axis an effect on mean lifetimes changes its sign, with its standard error and limits.

    Parameters
    ----------
    axis : str
        A dim of what `effect` returns.
    lifetimes : Lifetimes
    effect : callable
        Takes years (axes...); the result has (axis, other axes...).
    level : float
        Confidence level.
    """
    of_all = sign_change(effect(lifetimes.estimate), axis)
    return lifetimes.apply(lambda years: sign_change(effect(years), axis, near=of_all), level=level)


def sign_change(effect: xr.DataArray, axis: str = MISALIGNMENT, near: xr.DataArray | None = None) -> xr.DataArray:
    """Return where along an axis an effect changes its sign, (other axes...); NaN where it does not.

    Parameters
    ----------
    effect : DataArray (axis, other axes...)
    axis : str
    near : DataArray (other axes...), optional
        Of several changes the one nearest to this is taken; otherwise the one between the largest opposite effects.
    """
    target = effect.isel({axis: 0}, drop=True) * np.nan if near is None else near
    found: xr.DataArray = xr.apply_ufunc(
        _sign_change, effect[axis].astype(np.float64), effect, target,
        input_core_dims=[[axis], [axis], []], vectorize=True,
    )  # fmt: skip
    return found


def _sign_change(along: Floats, effect: Floats, near: float) -> float:
    changes = sign_changes(along, effect)
    if not changes:
        return np.nan
    if np.isfinite(near):
        change = min(changes, key=lambda one: abs(one.at - near))
    else:
        change = strongest(changes, effect, np.abs(effect))
    # A zero interpolated over a cell without an estimate would have a standard error that ignores that cell.
    return np.nan if np.isnan(effect[change.before : change.after]).any() else change.at
