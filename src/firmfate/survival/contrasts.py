"""Differences, derivatives and interactions between cells, with standard errors that know common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.bands import simultaneous_quantile
from firmfate.survival.batches import (
    Resampler,
    batches_in_use,
    between_bins,
    has_exact_lifetimes,
    lifetimes_without,
)
from firmfate.survival.comparisons import Comparison, comparison_of
from firmfate.survival.core.limits import check_level, student_quantile
from firmfate.survival.quantiles import quantile
from firmfate.survival.restricted import rmst, rmst_curve

Estimator = Callable[..., xr.Dataset | xr.DataArray]
Cell = Mapping[str, Any]


def contrast(
    ds: xr.Dataset,
    f: Estimator,
    *,
    between: tuple[Cell, Cell] | None = None,
    along: str | None = None,
    interaction: tuple[str, str] | Mapping[str, tuple[Any, Any]] | None = None,
    level: float = 0.95,
    paired: bool = True,
    simultaneous: bool | Sequence[str] = False,
    resampling: Literal["jackknife", "means"] = "jackknife",
    **options: Any,
) -> xr.Dataset:
    """Contrast an estimator between cells, with a standard error from batches of firms.

    Under common random numbers the cells of a study share their luck. Leaving the same batch of firms out of all
    cells at once keeps what they share: the jackknife over B batches, t(B - 1). With 32 batches the independent
    formula overstates the standard error of a derivative about 4 times, of an interaction about 7 times.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``batch_firms`` and ``batch_events`` (or, for `rmst` at its horizons, ``batch_lifetime``).
        Dask-backed counts are computed once.
    f : callable
        An estimator of this package, or any function of a dataset of counts that returns a Dataset with
        ``estimate``, or a DataArray: ``lambda ds: rmst(ds, tau=520).estimate / rmst(ds, tau=1040).estimate``. Counts
        of resampled datasets are fractions; everything else is as in ``ds``. Where it returns a curve over ``week``
        with the ``se`` of independent firms, that shapes the variance between the ends of the batches' bins.
    between : pair of cells, optional
        ``({"execution": 1.0}, {"execution": 0.05})``: f of the first less f of the second, at every point of other
        axes.
    along : str, optional
        An axis: the derivative by it, central differences (one-sided at the ends), at every point.
    interaction : pair of axes, or mapping of two axes to two values each, optional
        The mixed derivative at every point, or the difference of differences (high, high) - (high, low) - (low, high)
        + (low, low) for ``{"execution": (low, high), "misalignment": (low, high)}``.
    level : float
        Confidence level.
    paired : bool
        False for cells whose firms are unrelated (observed groups, or runs with different steps): variances add up.
    simultaneous : bool or names of dims
        Limits that hold at all points at once: over all dims, or over those named and separately for the others.
        Wants 128 batches (32 cover 92 % of a nominal 95 %).
    resampling : {"jackknife", "means"}
        "means": f of each batch alone, standard error sd/√B; for what is not smooth, as `quantile`, where it is the
        default.
    **options
        Passed to ``f``, for example ``tau=1040``.

    Returns
    -------
    xarray.Dataset
        ``estimate`` (of all firms, weekly counts), ``se``, ``lower``, ``upper``; with none of between, along and
        interaction, f itself in every cell. Limits are NaN where the batches do not differ at all. ``attrs`` tell
        the number of batches and whether the standard error is exact or from bins (see ``batches.py``).

    Raises
    ------
    EstimateError
        With fewer than 8 non-empty batches, batches that do not add up to the counts, unequal sets of firms in the
        contrasted cells, or unknown cells.

    Examples
    --------
    >>> from firmfate.survival import contrast, example, rmst
    >>> ds = example()
    >>> slope = contrast(ds, rmst, along="execution", tau=104)
    >>> slope.sel(misalignment=1.0).estimate.values.round(1)
    array([-45.7, -36.6, -27.5])
    >>> slope.sel(misalignment=1.0).se.values.round(1)
    array([2.5, 1.7, 1.4])
    >>> gap = contrast(ds, rmst, between=({"execution": 1.0}, {"execution": 0.0}), tau=104)
    >>> gap.sel(misalignment=0.0).estimate.round(1).item()
    0.0
    """
    check_level(level)
    if simultaneous and not paired:
        raise EstimateError("simultaneous bands of unpaired cells are not available; ask for pointwise limits")
    labels.counts_of(ds)
    ds = labels.computed(ds)
    comparison = comparison_of(ds, between=between, along=along, interaction=interaction, paired=paired)
    cells, used = comparison.cells, batches_in_use(comparison.cells)
    if f is quantile:
        options, resampling = {**options, "interpolate": True}, "means"
    found = f(cells, **options)
    value = _value(found)
    estimate = comparison.of(value)
    exact = f is rmst and resampling == "jackknife" and has_exact_lifetimes(cells, _tau(cells, options))
    resampled = _exact_lifetimes(cells, options, used) if exact else _resampled(cells, f, options, resampling)
    spread = _Spread(keep=bool(simultaneous))
    for other in resampled:
        spread.add(comparison.of(other) if paired else other)
    variance = spread.variance(used.size, resampling)
    if not paired:
        variance = comparison.of_variances(variance)
    told = variance
    if interpolates := "week" in variance.dims and f is not rmst_curve:
        variance = between_bins(told, ds["bin"].values, _independent(found, comparison))
    se: xr.DataArray = (variance**0.5).transpose(*estimate.dims)
    t: float | xr.DataArray = student_quantile(level, used.size - 1)
    if simultaneous:
        t = simultaneous_quantile(
            xr.concat(spread.kept, "batch"),
            over=list(estimate.dims) if simultaneous is True else list(simultaneous),
            level=level,
            untold=(1.0 - told / variance.where(variance > 0)).clip(0.0, 1.0) if interpolates else None,
        )
    half = t * se.where(se > 0)
    result = xr.Dataset({"estimate": estimate, "se": se, "lower": estimate - half, "upper": estimate + half})
    return labels.describe(
        result.transpose(*estimate.dims),
        units=comparison.units(value.attrs.get("units", "1")),
        long_name=f"{comparison.words} of the {value.attrs.get('long_name', getattr(f, '__name__', 'estimate'))}",
        contrast=comparison.words,
        batches=int(used.size),
        limits="simultaneous" if simultaneous else "pointwise",
        standard_error=f"batch {resampling}" + ("" if exact else f", bins ending at weeks {_bins(ds)}"),
        approximate=int(resampling == "means"),
    )


def _bins(ds: xr.Dataset) -> str:
    last = ds["bin"].values
    return ", ".join(str(week) for week in last[:2]) + f", .. {last[-1]}"


def _tau(ds: xr.Dataset, options: Mapping[str, Any]) -> int:
    return labels.whole_weeks(options.get("tau"), ds.sizes["week"])


def _value(result: object) -> xr.DataArray:
    if isinstance(result, xr.Dataset) and "estimate" in result:
        return result["estimate"]
    if isinstance(result, xr.DataArray):
        return result
    raise EstimateError(
        f"the contrasted function must return a Dataset with `estimate` or a DataArray, not {type(result).__name__}"
    )


def _independent(found: xr.Dataset | xr.DataArray, comparison: Comparison) -> xr.DataArray | None:
    """Return the variance of a comparison of independent cells; None where the function tells no standard error."""
    if not isinstance(found, xr.Dataset) or "se" not in found or found["se"].dims != found["estimate"].dims:
        return None
    return comparison.of_variances(found["se"] ** 2)


def _exact_lifetimes(ds: xr.Dataset, options: Mapping[str, Any], used: Any) -> Iterator[xr.DataArray]:
    for batch in used:
        yield lifetimes_without(ds, _tau(ds, options), int(batch))


def _resampled(ds: xr.Dataset, f: Estimator, options: Mapping[str, Any], resampling: str) -> Iterator[xr.DataArray]:
    if resampling not in ("jackknife", "means"):
        raise EstimateError(f"resampling = {resampling!r}: 'jackknife' or 'means'")
    batches = Resampler(ds)
    for batch in batches.used:
        part = batches.without(int(batch)) if resampling == "jackknife" else batches.alone(int(batch))
        yield _value(f(part, **options))


class _Spread:
    """Mean and sum of squared deviations of values that come one by one (Welford 1962)."""

    def __init__(self, *, keep: bool) -> None:
        self._n = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0
        self._keep = keep
        self.kept: list[xr.DataArray] = []

    def add(self, value: xr.DataArray) -> None:
        self._n += 1
        step = value - self._mean
        self._mean = self._mean + step / self._n
        self._squares = self._squares + step * (value - self._mean)
        if self._keep:
            self.kept.append(value)

    def variance(self, batches: int, resampling: str) -> xr.DataArray:
        """Variance of the value of all firms: the delete-one jackknife's, or that of a mean of batches."""
        factor = (batches - 1) / batches if resampling == "jackknife" else 1.0 / (batches * (batches - 1))
        squares: xr.DataArray = self._squares * factor
        return squares
