"""Survival from a later week on, of the firms that are alive then: `landmark`."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.batches import BINS
from firmfate.survival.traits import takes_counts


@takes_counts
def landmark(ds: xr.Dataset, *, week: int) -> xr.Dataset:
    """Return the counts of the firms that are alive and observed at the end of a week, weeks counted from there.

    Every estimate of them is conditional on survival to the landmark (Anderson, Cain and Gelber 1983): `kaplan_meier`
    is P(T > week + t | T > week), `rmst` the mean residual lifetime, `logrank` and regressions are landmark analyses.

    Firms that enter later do so in the weeks counted from the landmark. The firms of cells are no longer the same
    replicates: a contrast of a simulation's cells takes the landmark within its function,
    ``contrast(ds, lambda counts: rmst(landmark(counts, week=52)), between=...)``.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    week : int
        From 1 to the horizon less 1. Where batches are counted in bins of several weeks, the last week of one.

    Returns
    -------
    xarray.Dataset
        Counts, with the attribute ``landmark``.

    Raises
    ------
    EstimateError
        Where the week is out of range, or within a bin of the batches.

    Examples
    --------
    >>> from firmfate.survival import example, kaplan_meier, landmark
    >>> cell = example().sel(execution=1.0, misalignment=1.0)
    >>> residual, alive = kaplan_meier(landmark(cell, week=52)), kaplan_meier(cell)
    >>> residual.estimate.sel(week=26).round(4).item()
    0.6923
    >>> (alive.estimate.sel(week=78) / alive.estimate.sel(week=52)).round(4).item()
    0.6923
    """
    counts = labels.counts_of(ds)
    most = counts.weeks - 1
    week = labels.check_integer(week, most, f"week = {week}: an integer number of weeks from 1 to {most}")
    batched = "batch_events" in ds
    last = np.asarray(ds["bin"].values if batched else ds.attrs.get(BINS, [week]))
    if week not in last:
        if ds.attrs.get(labels.DEPENDENCE) != labels.INDEPENDENT or not batched:
            ends = ", ".join(map(str, last[:4])) + (", .." if last.size > 4 else "")
            raise EstimateError(
                f"week = {week}: the batches hold events in bins ending in weeks {ends}; choose one of these, or drop "
                "the batches"
            )
        batched = False  # errors of independent firms need no batches
    leaving = [counts.events.sum("cause"), *([] if counts.censored is None else [counts.censored])]
    kept = {name: ds[name].isel(week=slice(week, None)) for name in ("events", *labels.WEEKLY) if name in ds}
    kept = {name: counted.assign_coords(week=np.arange(1, most + 2 - week)) for name, counted in kept.items()}
    kept["firms"] = ds["firms"] - sum(part.isel(week=slice(None, week)).sum("week") for part in leaving)
    if "invalid" in ds:
        kept["invalid"] = ds["invalid"]
    if batched:
        kept |= _batches(ds, week)
    result = xr.Dataset(kept, attrs={**ds.attrs, "landmark": week})
    if BINS in ds.attrs:
        result.attrs[BINS] = tuple((last[last > week] - week).tolist())
    for name in result.data_vars:
        result[name].attrs = dict(ds[name].attrs)
    return result


def _batches(ds: xr.Dataset, week: int) -> dict[str, xr.DataArray]:
    """Return the batches' counts after the end of a bin."""
    last = ds["bin"].values
    first = int((last <= week).sum())
    names = [f"batch_{name}" for name in ("events", *labels.WEEKLY) if f"batch_{name}" in ds]
    kept = {name: ds[name].isel(bin=slice(first, None)).assign_coords(bin=last[first:] - week) for name in names}
    leaving = [ds["batch_events"].sum("cause"), *(ds[name] for name in names if name == "batch_censored")]
    kept["batch_firms"] = ds["batch_firms"] - sum(part.isel(bin=slice(None, first)).sum("bin") for part in leaving)
    if "batch_lifetime" in ds and "horizon" in ds.coords and week in ds["horizon"]:
        until = ds["batch_lifetime"].sel(horizon=week, drop=True)
        later = ds["batch_lifetime"].sel(horizon=ds["horizon"] > week)
        if later.sizes["horizon"]:
            kept["batch_lifetime"] = (later - until).assign_coords(horizon=later["horizon"] - week)
    return kept
