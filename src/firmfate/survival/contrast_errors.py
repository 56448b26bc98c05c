"""The standard error of a comparison of cells, in the three ways in which their firms may be related."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.bands import simultaneous_quantile
from firmfate.survival.batches import FEWEST_BATCHES, Resampler, batches_in_use, between_bins, valid_batch_firms
from firmfate.survival.comparisons import Comparison
from firmfate.survival.core.limits import normal_quantile, student_quantile
from firmfate.survival.jackknife import Spread, limits
from firmfate.survival.traits import Found

Estimator = Callable[..., xr.Dataset | xr.DataArray]
Resampling = Literal["jackknife", "means"]


class Asked(NamedTuple):
    """What is compared, and how its error is to be found."""

    comparison: Comparison
    f: Estimator
    options: Mapping[str, Any]
    known: Found
    resampling: Resampling | None
    level: float

    @property
    def interpolates(self) -> bool:
        """Whether the variance of a curve follows that of independent cells between the ends of bins."""
        return self.known.traits is None or self.known.traits.interpolates


def of_common_batches(asked: Asked, found: xr.Dataset | xr.DataArray, simultaneous: bool | Sequence[str]) -> xr.Dataset:
    """Leave the same batch out of all cells at once: cells are correlated.

    Parameters
    ----------
    asked : Asked
    found : Dataset or DataArray
        The estimator of all firms, in every cell.
    simultaneous : bool or names of dims
        As for `contrast`.
    """
    comparison, cells = asked.comparison, asked.comparison.cells
    used = batches_in_use(cells)
    values, exact = _batch_by_batch(asked, same=True)
    estimate = comparison.of(value_of(found))
    spread, kept = Spread(), []
    for value in values:
        compared = comparison.of(value)
        spread.add(compared)
        if simultaneous:
            kept.append(compared)
    batch_variance: xr.DataArray = spread.jackknife() if asked.resampling == "jackknife" else spread.means()
    variance = batch_variance
    if interpolates := "week" in variance.dims and asked.interpolates:
        own = _own_variance(found)
        variance = between_bins(variance, cells["bin"].values, None if own is None else comparison.of_variances(own))
    se = (variance**0.5).transpose(*estimate.dims)
    lower, upper = limits(estimate, se, used.size, asked.level)
    if simultaneous:
        t = simultaneous_quantile(
            xr.concat(kept, "batch"),
            over=list(estimate.dims) if simultaneous is True else list(simultaneous),
            level=asked.level,
            unresolved_share=(
                (1.0 - batch_variance / variance.where(variance > 0)).clip(0.0, 1.0) if interpolates else None
            ),
        )
        half = t * se.where(se > 0)
        lower, upper = estimate - half, estimate + half
    result = xr.Dataset({"estimate": estimate, "se": se, "lower": lower, "upper": upper})
    return result.assign_attrs(
        batches=used.size,
        limits="simultaneous" if simultaneous else "pointwise",
        standard_error=f"batch {asked.resampling}{_bins(cells, exact)}",
        approximate=int(asked.resampling == "means"),
    )


def of_own_batches(asked: Asked, found: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Add up the variances of unrelated cells, each from the batches that hold firms of it.

    Raises
    ------
    EstimateError
        Where no compared cells have 8 batches each.
    """
    cells = asked.comparison.cells
    filled = valid_batch_firms(cells) > 0
    used = batches_in_use(cells, same=False)
    values, exact = _batch_by_batch(asked, same=False)
    spread = Spread()
    for batch, value in zip(used, values, strict=True):
        spread.add(value, where=filled.isel(batch=int(batch), drop=True))
    variance = spread.jackknife() if asked.resampling == "jackknife" else spread.means()
    variance = variance.where(spread.batches >= FEWEST_BATCHES)
    if "week" in variance.dims and asked.interpolates:
        variance = between_bins(variance, cells["bin"].values, _own_variance(found))
    comparison = asked.comparison
    estimate = comparison.of(value_of(found))
    total = comparison.of_variances(variance).transpose(*estimate.dims)
    # Degrees of freedom of Satterthwaite (1946) and Welch (1947).
    parts = comparison.of_fourth_powers(variance**2 / (spread.batches - 1).clip(1)).transpose(*estimate.dims)
    se, df = total**0.5, total**2 / parts.where(parts > 0)
    half = student_quantile(asked.level, df.values) * se.where(se > 0)
    result = xr.Dataset({"estimate": estimate, "se": se, "lower": estimate - half, "upper": estimate + half})
    if bool(result["se"].isnull().all() & result["estimate"].notnull().any()):
        raise EstimateError(
            f"the compared cells have {int(spread.batches.min())} to {int(spread.batches.max())} non-empty batches; a "
            f"standard error from batches needs {FEWEST_BATCHES} in each: add firms"
        )
    return result.assign_attrs(
        batches=used.size,
        limits="pointwise",
        standard_error=f"batch {asked.resampling} in each cell{_bins(cells, exact)}",
        approximate=int(asked.resampling == "means"),
    )


def has_own_errors(ds: xr.Dataset, known: Found) -> bool:
    """Return whether an estimator's own standard errors are right for the firms of a dataset."""
    return known.itself and ds.attrs.get(labels.DEPENDENCE) == labels.INDEPENDENT


def of_own_errors(asked: Asked, found: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Add up the estimator's own variances in unrelated cells of independent firms, and combine its own limits."""
    if not isinstance(found, xr.Dataset):
        raise EstimateError(f"an estimator must return a Dataset with its errors, not {type(found).__name__}")
    comparison = asked.comparison
    value = found["estimate"]
    # Student's t in place of the normal quantile, as the variances are estimated.
    firms = labels.counts_of(comparison.cells).firms
    wider = firms.copy(data=student_quantile(asked.level, firms.clip(2).values - 1) / normal_quantile(asked.level))
    lower, upper = (value + (limit - value) * wider for limit in (found["lower"], found["upper"]))
    estimate = comparison.of(value)
    lower, upper = comparison.of_limits(value, lower.transpose(*value.dims), upper.transpose(*value.dims))
    se = comparison.of_variances(found["se"] ** 2) ** 0.5
    result = xr.Dataset({"estimate": estimate, "se": se, "lower": lower, "upper": upper})
    return result.assign_attrs(batches=0, limits="pointwise", standard_error="independent firms", approximate=0)


def _batch_by_batch(asked: Asked, *, same: bool) -> tuple[Iterator[xr.DataArray], bool]:
    """Return the estimator with one batch left out, or of one batch alone, and whether that is exact."""
    cells, traits = asked.comparison.cells, asked.known.traits
    if asked.resampling == "jackknife" and asked.known.itself and traits and traits.without_batch:
        without = traits.without_batch(cells, **asked.options)
        if without is not None:
            return (without(int(batch)) for batch in batches_in_use(cells, same=same)), True
    resampler = Resampler(cells, same=same)
    part = resampler.without if asked.resampling == "jackknife" else resampler.alone
    return (value_of(asked.f(part(int(batch)), **asked.options)) for batch in resampler.used), False


def _bins(cells: xr.Dataset, exact: bool) -> str:
    if exact:
        return ""
    last = cells["bin"].values
    return ", bins ending at weeks " + ", ".join(str(week) for week in last[:2]) + f", .. {last[-1]}"


def value_of(result: object) -> xr.DataArray:
    """Return the value of what an estimator returned.

    Raises
    ------
    EstimateError
        Where it is something else than a DataArray or a Dataset with ``estimate``.
    """
    if isinstance(result, xr.Dataset) and "estimate" in result:
        return result["estimate"]
    if isinstance(result, xr.DataArray):
        return result
    raise EstimateError(
        f"the contrasted function must return a Dataset with `estimate` or a DataArray, not {type(result).__name__}"
    )


def _own_variance(found: xr.Dataset | xr.DataArray) -> xr.DataArray | None:
    """Return the variance in each cell if firms are independent; None where the function returns no such error."""
    if not isinstance(found, xr.Dataset) or "se" not in found or found["se"].dims != found["estimate"].dims:
        return None
    variance: xr.DataArray = found["se"] ** 2
    return variance
