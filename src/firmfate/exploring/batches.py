"""Counts of batches at the horizons of a run: what paired standard errors of differences between cells come from."""

from __future__ import annotations

import numpy as np
import xarray as xr


def horizons_of(ds: xr.Dataset) -> list[int]:
    """Return the horizons, in weeks, up to which batches' lifetimes are summed and at which a bin of theirs ends.

    At these, leaving out a batch is exact for mean lifetimes, survival and incidence. Without any such horizon, or
    without batches, it is the run's own horizon alone.
    """
    if "horizon" not in ds.coords or "bin" not in ds.coords:
        return [ds.sizes["week"]]
    found = np.intersect1d(ds["horizon"].values, ds["bin"].values).tolist()
    return [int(week) for week in found] or [ds.sizes["week"]]


def ended_by_batch(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the firms of each batch with an event by each horizon, (axes..., batch, cause, horizon).

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, which may lie on disk; they are read by pieces along the first axis.

    Returns
    -------
    DataArray or None
        None where the run counts no events or no lifetimes by batch.
    """
    if not {"batch_events", "batch_lifetime"} <= set(ds.variables) or not {"horizon", "bin"} <= set(ds.coords):
        return None
    places = np.searchsorted(ds["bin"].values, horizons_of(ds))
    counted = ds["batch_events"]
    first = str(counted.dims[0])
    dims = [dim for dim in counted.dims if dim != "bin"]
    shape = (*(counted.sizes[dim] for dim in dims), len(places))
    ended = np.empty(shape, np.uint32)
    for place in range(counted.sizes[first]):
        piece = counted.isel({first: place}).transpose(..., "bin").values
        ended[place] = piece.cumsum(axis=-1, dtype=np.uint32)[..., places]
    return xr.DataArray(ended, dims=(*dims, "horizon"), coords={"horizon": horizons_of(ds)})
