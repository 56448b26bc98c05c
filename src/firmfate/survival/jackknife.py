"""Standard errors from leaving out one batch of firms at a time: the one place where they are made.

The rules, for everything that is estimated so:

- ``B`` batches that hold firms give B - 1 degrees of freedom, and limits from Student's t(B - 1) (Tukey 1958).
- Where the function is undefined (NaN) without one of these batches, the standard error is NaN, and so are the limits.
- Where batches do not differ at all, the standard error is 0 and the limits are NaN: nothing is known of the error, and
  certainty is never shown.

`leave_one_out` makes the values, `Spread`, `covariance` or `standard_error` their variance, `limits` the limits, and
`estimated` all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival.batches import FEWEST_BATCHES, Resampler
from firmfate.survival.core.limits import student_quantile

Floats = NDArray[np.float64]
T = TypeVar("T")


def leave_one_out(ds: xr.Dataset, f: Callable[[xr.Dataset], T]) -> Iterator[T]:
    """Yield a function of the counts of all firms but those of one batch, for each batch that holds firms.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``batch_firms`` and ``batch_events``.
    f : callable
        Takes a dataset of counts, which are fractions of firms.

    Raises
    ------
    EstimateError
        With fewer than 8 batches that hold firms, or batches that do not add up to the counts.
    """
    resampler = Resampler(ds)
    for batch in resampler.used:
        yield f(resampler.without(int(batch)))


def sums_without(parts: xr.DataArray, dim: str = "batch") -> xr.DataArray:
    """Return sums over all batches but one, (batch, ...): what is left of a total without each of its parts."""
    return parts.sum(dim) - parts


class Spread:
    """Mean and sum of squared deviations of values that come one by one (Welford 1962).

    For values too large to be kept together. ``where`` selects the values that count, so that each may have batches of
    its own; the others are ignored, NaN or not.
    """

    def __init__(self) -> None:
        self.batches: Any = 0
        self._like: xr.DataArray | None = None
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, value: xr.DataArray, where: xr.DataArray | None = None) -> None:
        """Add one value; all have the same dims and coordinates, and ``where`` has some of these dims."""
        if self._like is None:
            self._like = value
        dims = self._like.dims
        values = value.transpose(*dims).values  # arrays: to align labels would take longer than all else
        self.batches = self.batches + (1 if where is None else where.astype(np.int64))
        if where is None:
            counted, counts = self.batches, np.ones(())
        else:
            counted, counts = (_spread_over(dims, part) for part in (self.batches.clip(1), where))
        step = np.where(counts, values - self._mean, 0.0)
        self._mean = self._mean + step / counted
        self._squares = self._squares + step * np.where(counts, values - self._mean, 0.0)

    def jackknife(self) -> Any:
        """Variance of the value of all firms, from values with one batch left out."""
        return self._labelled() * (self.batches - 1) / self.batches

    def means(self) -> Any:
        """Variance of the value of all firms, from values of one batch alone."""
        return self._labelled() / (self.batches * (self.batches - 1))

    def _labelled(self) -> Any:
        if self._like is None:
            return 0.0
        return xr.DataArray(self._squares, self._like.coords, self._like.dims, self._like.name)


def _spread_over(dims: tuple[Hashable, ...], part: xr.DataArray) -> NDArray[Any]:
    """Return the values of an array that has some of these dims, with an axis of length 1 for each of the others."""
    missing = [dim for dim in dims if dim not in part.dims]
    return part.expand_dims(missing).transpose(*dims).values


def covariance(left: Floats) -> Floats:
    """Return the covariance (..., k, k) of values of all firms, from those without one batch, (batch, ..., k)."""
    batches = len(left)
    deviations = left - left.mean(axis=0)
    found: Floats = np.einsum("b...g,b...h->...gh", deviations, deviations) * (batches - 1) / batches
    return found


def standard_error(left: Floats) -> Floats:
    """Return the standard error (...) of values of all firms, from those without one batch, (batch, ...)."""
    found: Floats = np.sqrt(covariance(left[..., np.newaxis])[..., 0, 0])
    return found


def limits(estimate: Any, se: Any, batches: Any, level: float) -> tuple[Any, Any]:
    """Return lower and upper limits by Student's t; NaN where the standard error is 0 or NaN.

    Parameters
    ----------
    estimate, se : arrays or DataArrays
    batches : int, array or DataArray
        Batches that hold firms; fewer than 2 have no limits.
    """
    positive = se.where(se > 0) if isinstance(se, xr.DataArray) else np.where(se > 0, se, np.nan)
    t = student_quantile(level, np.asarray(batches) - 1)
    half = (batches.copy(data=t) if isinstance(batches, xr.DataArray) else t) * positive
    return estimate - half, estimate + half


def estimated(estimate: xr.DataArray, left: Iterable[xr.DataArray], *, level: float = 0.95) -> xr.Dataset:
    """Return ``estimate``, ``se``, ``lower`` and ``upper`` from the values with one batch left out.

    Raises
    ------
    EstimateError
        With fewer than 8 batches.

    Examples
    --------
    >>> from firmfate.survival import example, rmst
    >>> from firmfate.survival.jackknife import estimated, leave_one_out
    >>> ds = example().sel(misalignment=1.0)
    >>> def ratio(counts):
    ...     mean = rmst(counts)["estimate"]
    ...     return mean.sel(execution=1.0, drop=True) / mean.sel(execution=0.0, drop=True)
    >>> found = estimated(ratio(ds), leave_one_out(ds, ratio))
    >>> found.estimate.round(2).item(), found.se.round(3).item()
    (0.56, 0.021)
    """
    spread = Spread()
    for value in left:
        spread.add(value)
    if spread.batches < FEWEST_BATCHES:
        raise EstimateError(f"{spread.batches} batches; a standard error from batches needs {FEWEST_BATCHES}")
    se = spread.jackknife() ** 0.5
    lower, upper = limits(estimate, se, spread.batches, level)
    return xr.Dataset({"estimate": estimate, "se": se, "lower": lower, "upper": upper})
