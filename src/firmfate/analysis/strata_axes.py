"""Strata of a population as axes: one dim for each stratified parameter, which holds its quantile bins."""

from __future__ import annotations

import numpy as np
import xarray as xr

STRATUM = "stratum"
SUFFIX = "_quantile_bin"


def unfolded(ds: xr.Dataset) -> xr.Dataset:
    """Return counts whose strata lie along one dim for each stratified parameter, with the bins 1, 2, ... as values.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, with or without strata.

    Returns
    -------
    xarray.Dataset
        The dims are called ``execution_quantile_bin`` and so on; the dim ``cell`` of a single cell is gone.
        Other datasets are returned as they are.
    """
    if STRATUM not in ds["firms"].dims:
        return ds
    lower = {
        str(name): values.values
        for name, values in ds.coords.items()
        if values.dims == (STRATUM,) and str(name).endswith("_lower")
    }
    edges = {name.removesuffix("_lower") + SUFFIX: np.unique(values) for name, values in lower.items()}
    shape = [values.size for values in edges.values()]
    places = [np.unique(values, return_inverse=True)[1] for values in lower.values()]
    if not lower or int(np.prod(shape)) != ds.sizes[STRATUM]:
        return ds
    order = np.argsort(np.ravel_multi_index(places, shape))  # edges come in alphabetical order, strata as written
    flat = ds.isel({STRATUM: order}).drop_vars([n for n, v in ds.coords.items() if v.dims == (STRATUM,)])
    bins = {name: np.arange(1, values.size + 1) for name, values in edges.items()}
    if "cell" in flat.dims and flat.sizes["cell"] == 1:
        flat = flat.isel(cell=0, drop=True)
    unstacked = {
        str(name): _unstacked(values, bins) if STRATUM in values.dims else values
        for name, values in flat.data_vars.items()
    }
    return xr.Dataset(unstacked, {**flat.coords, **bins}, ds.attrs)


def _unstacked(values: xr.DataArray, bins: dict[str, np.ndarray]) -> xr.Variable:
    at = values.dims.index(STRATUM)
    dims = (*values.dims[:at], *bins, *values.dims[at + 1 :])
    shape = (*values.shape[:at], *(bin_.size for bin_ in bins.values()), *values.shape[at + 1 :])
    return xr.Variable(dims, values.values.reshape(shape), values.attrs)
