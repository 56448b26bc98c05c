"""Leave out one batch of firms at a time, in all cells together: how contrasts allow for common random numbers.

Batches hold events in bins (13 weeks by default). The weeks within a bin are filled in proportion to all of the cell's
events of that cause and bin, so that the batches add up to the exact weekly counts. What is exact then, and what is
not:

- Survival, incidence and cumulative hazard at the ends of bins are exact. In between, batches differ too little:
  contrasts take the ratio of the variance to that of independent cells from the ends of bins (`between_bins`).
- Hazards of bins that end with batches' bins are exact; finer ones are refused (in `hazards.py`).
- Restricted means at the horizons of ``batch_lifetime`` are exact; the difference from the binned ones is spread
  linearly between horizons (in `restricted.py`). Elsewhere, where paired lifetimes differ by less than a bin, their
  standard error comes out too large.
- With several steps a week ``batch_lifetime`` counts steps, estimates count begun weeks: the standard error is that
  of the mean in steps, which rounding up to weeks hardly changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival.labels import DEPENDENCE, PSEUDO, observed_throughout

Floats = NDArray[np.float64]

FEWEST_BATCHES = 8
"""With fewer, Student's t is so wide, and the error of the error so large, that no interval is worth showing."""

BINS = "bins_of_batches"
"""Attribute of resampled datasets: the last weeks of the batches' bins."""

LIFETIME = "lifetime"
"""Variable of resampled datasets: the sum of min(lifetime, horizon) over their firms, in steps."""


def batches_in_use(ds: xr.Dataset, *, same: bool = True) -> NDArray[np.int_]:
    """Return the positions of the batches that hold firms in any cell.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``batch_firms``.
    same : bool
        Refuse cells of a simulation that fill different batches. Observed firms may: a batch that a cell has no firms
        of leaves the cell's estimate as it is.

    Raises
    ------
    EstimateError
        Where there are fewer than 8, cells of a simulation fill different ones, or they do not add up to the cells'
        firms.
    """
    if "batch_firms" not in ds:
        raise EstimateError(
            "contrasts need `batch_firms` and `batch_events` or `batch_lifetime`; the dataset has no batches"
        )
    firms = valid_batch_firms(ds)
    if not bool(firms.any()):
        # Every estimate is NaN, whatever the batches.
        firms = ds["batch_firms"].sum([dim for dim in firms.dims if dim != "batch"])
    filled = firms.transpose(..., "batch").values.reshape(-1, firms.sizes["batch"]) > 0
    filled = filled[filled.any(axis=1)]
    if same and DEPENDENCE not in ds.attrs and filled.size and (filled != filled[0]).any():
        raise EstimateError("cells have different non-empty batches; simulate the same replicates in every cell")
    used = np.flatnonzero(filled.any(axis=0))
    if used.size < FEWEST_BATCHES:
        raise EstimateError(
            f"{used.size} non-empty batches; a standard error from batches needs {FEWEST_BATCHES}: add replicates"
        )
    _check_sums(ds)
    return used


def valid_batch_firms(ds: xr.Dataset) -> xr.DataArray:
    """Return the firms of each batch; none in cells with invalid firms, which have no estimate to be compared."""
    return ds["batch_firms"].where(ds["invalid"] == 0, 0) if "invalid" in ds else ds["batch_firms"]


def _check_sums(ds: xr.Dataset) -> None:
    """Refuse batches of other firms or other events than the counts', as they are where some are selected."""
    firms = ds["firms"]
    valid = ds["invalid"] == 0 if "invalid" in ds else firms >= 0
    if bool((valid & (ds["batch_firms"].sum("batch") != firms)).any()):
        raise EstimateError("`batch_firms` summed over batches differs from `firms`: keep all batches of the dataset")
    if "batch_lifetime" not in ds or "horizon" not in ds.coords or not observed_throughout(ds):
        return
    steps, horizon = float(ds.attrs.get("steps_per_week", 1)), ds["horizon"].astype(np.float64)
    weeks_left = horizon - xr.DataArray(np.arange(1.0, ds.sizes["week"] + 1), dims="week")
    ended = ds["events"].sum("cause").drop_vars("week", errors="ignore").astype(np.float64)
    lived = (horizon * firms - xr.dot(ended, weeks_left.clip(0), dim="week")) * steps
    # A firm with an event within a week is counted with all of the week.
    rounded_up = max(steps - 1, 0) * xr.dot(ended, (weeks_left >= 0).astype(np.float64), dim="week")
    excess, slack = lived - ds["batch_lifetime"].sum("batch"), 1e-9 * lived
    if bool((valid & ((excess < -slack) | (excess > rounded_up + slack))).any()):
        raise EstimateError(
            "`batch_lifetime` summed over batches differs from the weeks lived by `events`: keep all causes of the "
            "dataset, or drop `batch_lifetime`"
        )


class Resampler:
    """Datasets of the same cells with one batch left out, or with one batch alone.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``batch_firms``, ``batch_events`` and, where firms are censored early or enter late,
        ``batch_censored`` and ``batch_entered``.
    same : bool
        As for `batches_in_use`.

    Raises
    ------
    EstimateError
        Where batches are missing, too few, or do not add up to the weekly counts.
    """

    def __init__(self, ds: xr.Dataset, *, same: bool = True) -> None:
        self.used = batches_in_use(ds, same=same)
        if "batch_events" not in ds:
            raise EstimateError(
                "the dataset has no `batch_events`: only `rmst` at a horizon of `batch_lifetime` can be contrasted"
            )
        self._ds = ds
        self._of_week = _bin_of_week(ds)
        self._names = {"events": "batch_events"}
        throughout = observed_throughout(ds)
        for name, words in (("censored", "are censored before the horizon"), ("entered", "enter late")):
            if throughout or name not in ds:
                continue
            if f"batch_{name}" not in ds:
                raise EstimateError(f"firms {words}, but there is no `batch_{name} (axes.., batch, bin)`")
            self._names[name] = f"batch_{name}"
        self._weekly = {name: _Weekly.of(ds, name, batched, self._of_week) for name, batched in self._names.items()}
        sums = {"firms": "batch_firms"}
        if "batch_lifetime" in ds and len(self._names) == 1:
            sums[LIFETIME] = "batch_lifetime"
        self._sums = {name: ds[batched].transpose("batch", ...).astype(np.float64) for name, batched in sums.items()}
        self._totals = {name: parts.sum("batch") for name, parts in self._sums.items()}
        kept = {dim for counted in self._weekly.values() for dim in counted.dims} | {
            dim for total in self._totals.values() for dim in total.dims
        }
        self._coords = {name: coord for name, coord in ds.coords.items() if set(coord.dims) <= kept}

    def without(self, batch: int) -> xr.Dataset:
        """Return the counts of all firms but those of one batch."""
        weekly = {name: counted.scaled(1.0 - counted.shares[batch]) for name, counted in self._weekly.items()}
        return self._dataset(
            weekly, {name: self._totals[name].values - parts.values[batch] for name, parts in self._sums.items()}
        )

    def alone(self, batch: int) -> xr.Dataset:
        """Return the counts of the firms of one batch."""
        weekly = {name: counted.scaled(counted.shares[batch]) for name, counted in self._weekly.items()}
        return self._dataset(weekly, {name: parts.values[batch] for name, parts in self._sums.items()})

    def _dataset(self, weekly: dict[str, Floats], sums: dict[str, Floats]) -> xr.Dataset:
        ds = self._ds
        variables = {name: (self._weekly[name].dims, counted) for name, counted in weekly.items()}
        variables |= {name: (self._totals[name].dims, counted) for name, counted in sums.items()}
        if "invalid" in ds:
            variables["invalid"] = (ds["invalid"].dims, ds["invalid"].values)
        attributes = {**ds.attrs, PSEUDO: True, BINS: tuple(ds["bin"].values.tolist())}
        return xr.Dataset(variables, coords=self._coords, attrs=attributes)


class _Weekly(NamedTuple):
    """Weekly counts, and how they are shared out among batches."""

    dims: tuple[Hashable, ...]  # axes..., [cause], week
    counted: NDArray[Any]
    shares: Floats  # (batch, axes..., [cause], bin)  each batch's share of a cell's firms in a bin
    of_week: NDArray[np.int_]

    @classmethod
    def of(cls, ds: xr.Dataset, name: str, batched: str, of_week: NDArray[np.int_]) -> _Weekly:
        weekly = ds[name].transpose(..., "week")
        dims = weekly.dims
        starts = np.flatnonzero(np.diff(of_week, prepend=-1))
        binned = np.add.reduceat(weekly.values, starts, axis=-1, dtype=np.int64)
        in_batches = ds[batched].transpose("batch", *dims[:-1], "bin").values
        total = in_batches.sum(axis=0)
        if not np.array_equal(total, binned):
            raise EstimateError(
                f"`{batched}` summed over batches differs from `{name}` summed over the weeks of each bin"
            )
        return cls(dims, weekly.values, in_batches / np.where(total > 0, total, 1).astype(np.float64), of_week)

    def scaled(self, factor: Floats) -> Floats:
        """Return the counts times a factor of their bin."""
        scaled: Floats = self.counted * factor[..., self.of_week]
        return scaled


def _bin_of_week(ds: xr.Dataset) -> NDArray[np.int_]:
    """Return the position of each week's bin, from the bins' last weeks."""
    last = np.asarray(ds["bin"].values)
    weeks = ds.sizes["week"]
    if "bin" not in ds.coords or last[-1] != weeks or (np.diff(last) <= 0).any() or last[0] < 1:
        raise EstimateError(f"the coordinate `bin` must hold the last week of each bin, ascending to {weeks}")
    return np.searchsorted(last, np.arange(1, weeks + 1))


def lifetimes_without(ds: xr.Dataset, tau: int) -> Callable[[int], xr.DataArray]:
    """Return a function of a batch: the mean of min(lifetime, tau) in weeks without it, exact from the steps lived."""
    position = int(np.flatnonzero(ds["horizon"].values == tau)[0])
    lived = ds["batch_lifetime"].isel(horizon=position, drop=True)
    firms = ds["batch_firms"].transpose(*lived.dims)
    like = lived.isel(batch=0, drop=True)
    axis = lived.get_axis_num("batch")
    lived_in, firms_in = (np.moveaxis(parts.values, axis, 0).astype(np.float64) for parts in (lived, firms))
    lived_of_all, firms_of_all = lived_in.sum(axis=0), firms_in.sum(axis=0)
    valid = np.True_ if "invalid" not in ds else ds["invalid"].transpose(*like.dims).values == 0
    per_week = float(ds.attrs.get("steps_per_week", 1))

    def without(batch: int) -> xr.DataArray:
        left = firms_of_all - firms_in[batch]
        mean = (lived_of_all - lived_in[batch]) / np.where(valid & (left > 0), left, np.nan) / per_week
        return xr.DataArray(mean, like.coords, like.dims)

    return without


def has_exact_lifetimes(ds: xr.Dataset, tau: int) -> bool:
    """Return whether the batches' restricted means to tau are known exactly."""
    known = "batch_lifetime" in ds and "horizon" in ds.coords and observed_throughout(ds)
    return known and bool((ds["horizon"] == tau).any())


def between_bins(
    variance: xr.DataArray, bins: NDArray[np.int_], independent: xr.DataArray | None = None
) -> xr.DataArray:
    """Interpolate variances (.., week) between the ends of bins, where batches give them exactly.

    Parameters
    ----------
    variance : (.., week) DataArray
        From batches; exact in week 0 and in the last weeks of bins.
    bins : (bin,) array
        Last weeks of the batches' bins.
    independent : (.., week) DataArray, optional
        The variance if cells were independent, exact in every week. Their ratio, what is left of it under common
        random numbers, changes slowly, and so it is the ratio that is interpolated linearly. Without it, or from an
        end where it is 0 (no event yet, or no firm left), the variance is.
    """
    weeks = variance["week"].values
    ends = np.flatnonzero(np.isin(weeks, [0, *bins]))
    if ends.size < 2:
        return variance
    after = np.clip(np.searchsorted(weeks[ends], weeks), 1, ends.size - 1)
    low, high = ends[after - 1], ends[after]
    share = (weeks - weeks[low]) / (weeks[high] - weeks[low])
    share = xr.DataArray(share, dims="week", coords={"week": weeks})

    def between(values: xr.DataArray) -> xr.DataArray:
        at_low, at_high = (values.isel(week=end).assign_coords(week=weeks) for end in (low, high))
        return at_low * (1 - share) + at_high * share

    interpolated = between(variance)
    if independent is not None:
        scaled = independent * between(variance / independent.where(independent > 0))
        interpolated = scaled.where(scaled.notnull(), interpolated)
    return variance.where((share <= 0) | (share >= 1), interpolated)
