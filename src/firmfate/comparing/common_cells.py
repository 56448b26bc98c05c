"""The cells that two runs have in common, in one order."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labelled
from firmfate.errors import EstimateError
from firmfate.randomness import canonical

COUNTS = ("events", "firms", "invalid", "batch_firms", "batch_events", "batch_lifetime")
"""What estimators need; runs may count other things, and different ones."""

Cell = tuple[tuple[str, str], ...]
"""Names and values of the axes, the values as they are hashed, or a cell's name."""


def common_cells(first: xr.Dataset, second: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Return both runs with the cells that both have, in the order of the first.

    A cause that one of them does not know has no events there; weeks after the shorter horizon are left out.

    Parameters
    ----------
    first, second : xarray.Dataset
        Counts. Cells are the same where their axes have the same values to 12 digits, on a grid or in a list.

    Raises
    ------
    EstimateError
        Where the axes differ, or no cell is common.
    """
    first, second = (labelled(ds)[[name for name in COUNTS if name in ds]] for ds in (first, second))
    dims = first["firms"].dims
    if set(dims) != set(second["firms"].dims):
        raise EstimateError(
            f"the runs have different axes: {_listed(dims)} and {_listed(second['firms'].dims)}; cells are compared "
            "that are the same in all axes"
        )
    for dim in dims:
        places = _common(_values(first, dim), _values(second, dim))
        if not places:
            raise EstimateError(f"the runs have no value of '{dim}' in common")
        mine, theirs = map(list, zip(*places, strict=True))
        first, second = first.isel({dim: mine}), second.isel({dim: theirs})
        second = second.assign_coords({name: first[name] for name in first.coords if first[name].dims == (dim,)})
    weeks = min(first.sizes["week"], second.sizes["week"])
    if weeks < max(first.sizes["week"], second.sizes["week"]):
        first, second = (_until(ds, weeks) for ds in (first, second))
    first, second = _with_common_horizons(first, second)
    known = first["cause"].values.tolist()
    causes = [*known, *(cause for cause in second["cause"].values.tolist() if cause not in known)]
    kept = [name for name in COUNTS if name in first and name in second]
    second = second.transpose(*dims, ...)
    return first[kept].reindex(cause=causes, fill_value=0), second[kept].reindex(cause=causes, fill_value=0)


def _listed(dims: tuple[Hashable, ...]) -> str:
    return ", ".join(map(str, dims)) or "none"


def _values(ds: xr.Dataset, dim: Hashable) -> list[Cell]:
    """Return what names each position of a dim: its value, or the values of all axes that lie along it."""
    along = [name for name in ds.coords if ds[name].dims == (dim,) and (name != dim or dim != "cell")]
    columns = [(str(name), ds[name].values) for name in sorted(along, key=str)]
    if not columns:
        columns = [(str(dim), np.arange(ds.sizes[dim]))]
    return [tuple((name, _written(values[place])) for name, values in columns) for place in range(ds.sizes[dim])]


def _written(value: object) -> str:
    return value if isinstance(value, str) else canonical(float(value))  # type: ignore[arg-type]


def _common(mine: list[Cell], theirs: list[Cell]) -> list[tuple[int, int]]:
    place = {cell: at for at, cell in enumerate(theirs)}
    return [(at, place[cell]) for at, cell in enumerate(mine) if cell in place]


def _until(ds: xr.Dataset, weeks: int) -> xr.Dataset:
    """Return counts as a run of fewer weeks has them; the last bin may be cut, and batches' counts then go."""
    cut = ds.isel(week=slice(0, weeks))
    if "bin" in ds.coords:
        bins = int(np.searchsorted(ds["bin"].values, weeks, side="right"))
        if bins and int(ds["bin"].values[bins - 1]) == weeks:
            cut = cut.isel(bin=slice(0, bins))
        else:
            cut = cut.drop_dims("bin")
    return cut


def _with_common_horizons(first: xr.Dataset, second: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Keep batches' lifetimes to the horizons that both runs have."""
    if not all("horizon" in ds.coords for ds in (first, second)):
        return first, second
    common = np.intersect1d(first["horizon"], second["horizon"])
    if not common.size:
        return first.drop_dims("horizon"), second.drop_dims("horizon")
    return first.sel(horizon=common), second.sel(horizon=common)
