"""Counts of the firms that `firmfate.simulate` returns: `counts_from_firms`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import BIN_WEEKS, attributes
from firmfate.errors import EstimateError
from firmfate.survival.tabulation import Cells, Rows, grid_of, tabulate

REPLICATE = "replicate"
FAILED = 255
"""Flag of a firm whose arithmetic failed; NaN is another."""

ROUNDING = 1e-6
"""Steps: weeks are stored in single precision."""


def counts_from_firms(
    ds: xr.Dataset, *, batches: int = 32, bin_weeks: int = BIN_WEEKS, horizons: Sequence[int] = ()
) -> xr.Dataset:
    """Count simulated firms by cell, cause and week, so that all estimators take them.

    Estimators and `contrast` do this themselves with what `firmfate.simulate` returns; done once, it is not done again
    by each of them.

    Parameters
    ----------
    ds : xarray.Dataset
        ``event_week (cells..., replicate)``, weeks from the start to the event, or to the horizon where there was
        none; ``cause (cells..., replicate)``, integers named by the attributes ``flag_values`` and ``flag_meanings``, 0
        = censored, 255 or NaN = failed arithmetic; attributes ``weeks`` (the horizon) and ``steps_per_week`` (1 where
        there is none).
    batches : int
        Replicate r is of batch r modulo ``batches``, in every cell: firms of a batch may share random numbers.
    bin_weeks : int
        Weeks in a bin of the batches' events.
    horizons : sequence of int
        Horizons of ``batch_lifetime``; the horizon itself is added.

    Returns
    -------
    xarray.Dataset
        As `counts_from_table` returns, with the coordinates of the cells, and ``invalid``, the firms whose arithmetic
        failed: cells that have any are NaN in estimates.

    Raises
    ------
    EstimateError
        Where a variable or attribute is missing, or holds what it cannot.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from firmfate.survival import counts_from_firms, rmst
    >>> firms = xr.Dataset(
    ...     {
    ...         "event_week": (("cell", "replicate"), [[3.0, 8.0, 10.0], [10.0, 10.0, 2.0]]),
    ...         "cause": (("cell", "replicate"), [[1, 2, 0], [0, 0, 1]]),
    ...     },
    ...     coords={"execution": ("cell", [0.9, 0.1])},
    ...     attrs={"weeks": 10},
    ... )
    >>> firms.cause.attrs = {"flag_values": [0, 1, 2], "flag_meanings": "censored insolvency exit"}
    >>> counts_from_firms(firms).events.sum("week").values.tolist()
    [[1, 1], [1, 0]]
    >>> rmst(firms).estimate.values
    array([7.        , 7.33333333])
    """
    week, cause = (_variable(ds, name) for name in ("event_week", "cause"))
    if "weeks" not in ds.attrs:
        raise EstimateError("the firms have no attribute `weeks`, the horizon of the simulation")
    grid = grid_of(ds.attrs["weeks"], batches, bin_weeks, horizons)
    values, names = _flags(cause)
    cause = cause.transpose(*week.dims)
    code, failed = _codes(np.asarray(cause.values), values)
    failed |= ~np.isfinite(week.values)
    per_week = float(ds.attrs.get("steps_per_week", 1))
    steps = np.asarray(week.values, dtype=np.float64) * per_week
    step = np.rint(np.where(failed, 1.0, steps)).astype(np.int64)
    wrong = ~failed & ((step < 1) | (step > grid.horizon * per_week + ROUNDING))
    if wrong.any():
        raise EstimateError(
            f"event_week = {week.values[wrong][0]}: above 0, and at most the horizon, weeks = {grid.horizon}"
        )
    begun = np.ceil(step / per_week - ROUNDING).astype(np.int64)
    dims = [str(dim) for dim in week.dims[:-1]]
    shape = week.shape[:-1]
    cell = np.broadcast_to(np.arange(int(np.prod(shape, dtype=np.int64))).reshape(*shape, 1), week.shape)
    number = ds[REPLICATE].values if REPLICATE in ds.coords else np.arange(week.sizes[REPLICATE])
    batch = np.broadcast_to(np.asarray(number, dtype=np.int64) % grid.batches, week.shape)
    valid = ~failed
    rows = Rows(cell[valid], code[valid], begun[valid], batch[valid], step=step[valid])
    coords = {
        str(name): coord
        for name, coord in week.coords.items()
        if REPLICATE not in coord.dims and set(coord.dims) <= set(dims)
    }
    counted = tabulate(rows, Cells(dims, coords, shape), names, grid, steps_per_week=per_week)
    invalid = failed.sum(axis=-1)
    counted["firms"] = counted["firms"] + invalid
    counted["invalid"] = (tuple(dims), invalid)
    for name in ("firms", "invalid"):
        counted[name].attrs = attributes(name)
    return counted.assign_attrs({**ds.attrs, **counted.attrs})


def as_counts(ds: Any) -> Any:
    """Return counts of what `firmfate.simulate` returns, and anything else as it is."""
    if isinstance(ds, xr.Dataset) and "events" not in ds and "event_week" in ds:
        return counts_from_firms(ds)
    return ds


def _variable(ds: xr.Dataset, name: str) -> xr.DataArray:
    if name not in ds or REPLICATE not in ds[name].dims:
        raise EstimateError(
            f"simulated firms need `{name} (cells.., {REPLICATE})`; the dataset holds {sorted(map(str, ds))}"
        )
    return ds[name].transpose(..., REPLICATE)


def _flags(cause: xr.DataArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return the values and the names of the causes, in the order of their values."""
    values, meanings = cause.attrs.get("flag_values"), cause.attrs.get("flag_meanings")
    names = str(meanings).split()
    if values is None or meanings is None or len(np.atleast_1d(values)) != len(names):
        raise EstimateError(
            "`cause` needs the attributes `flag_values` and `flag_meanings`, one name for each value; it has "
            f"{sorted(map(str, cause.attrs))}"
        )
    known = sorted((int(value), name) for value, name in zip(np.atleast_1d(values), names, strict=True))
    named = [(value, name) for value, name in known if value not in (0, FAILED)]
    if not named:
        raise EstimateError("`flag_meanings` of `cause` names no cause besides the censoring")
    return np.array([value for value, _ in named]), [name for _, name in named]


def _codes(cause: NDArray[np.float64], values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return 0 for a censoring and 1.. for the causes in their order, and which firms' arithmetic failed."""
    failed = np.isnan(cause) | (cause == FAILED)
    present = np.where(failed, 0, cause)
    place = np.clip(np.searchsorted(values, present), 0, len(values) - 1)
    named = values[place] == present
    if (unknown := ~(named | (present == 0))).any():
        raise EstimateError(f"cause = {present[unknown][0]}: `flag_values` names {[0, *values.tolist()]} and {FAILED}")
    return np.where(named, place + 1, 0), failed
