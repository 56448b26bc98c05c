"""Grouped tables, from the counts: one row for every cell, week and outcome (a cause, or censored)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from firmfate.dataset import open_run
from firmfate.dataset.netcdf import loaded
from firmfate.exporting.tables import Column, Exported, Table
from firmfate.survival import to_rows

SLAB_BYTES = 64 * 1024**2
"""Counts made into rows at a time."""


def export_counts(directory: Path | str, to: Path | str) -> Exported:
    """Write the counts of a gathered run: one row for every cell, week and outcome, and how many firms.

    Parameters
    ----------
    directory : path
        A gathered run.
    to : path
        ``.csv``, ``.csv.gz`` or ``.parquet``; ``NAME.dictionary.csv`` appears beside it.

    Returns
    -------
    Exported

    Raises
    ------
    FirmfateError
        Where there is no result, no such format, or no pyarrow. The table appears complete, or not at all.
    """
    with open_run(directory) as ds:
        axes = [_axis_column(str(name), coord) for name, coord in ds["firms"].coords.items()]
        columns = [
            *axes,
            Column(
                "week",
                "integer",
                "week",
                "week of the event, counted from 1, or of censoring at the horizon",
            ),
            Column("end", "text", "1", f"how they ended: {', '.join(map(str, ds['end'].values))}"),
            Column(
                "firms",
                "integer",
                "1",
                "number of firms: the frequency weight of the row; cells with invalid firms are left out",
            ),
        ]
        with Table(to, columns) as table:
            for slab in _slabs(ds):
                table.add(to_rows(loaded(slab, Path(ds.encoding["source"]))))
    return table.exported


def _slabs(ds: xr.Dataset) -> Iterator[xr.Dataset]:
    """Yield a dataset of counts in slices of its first axis that are small in memory."""
    dims = ds["firms"].dims
    ds = ds[["events", "firms", "invalid"]]
    if not dims:
        yield ds
        return
    each = max(1, int(SLAB_BYTES * ds.sizes[dims[0]] // (8 * ds["events"].size)))
    for begin in range(0, ds.sizes[dims[0]], each):
        yield ds.isel({dims[0]: slice(begin, begin + each)})


def _axis_column(name: str, coord: xr.DataArray) -> Column:
    kind = "number" if coord.dtype.kind == "f" else "integer" if coord.dtype.kind in "iu" else "text"
    return Column(name, kind, str(coord.attrs.get("units", "1")), str(coord.attrs.get("long_name", name)))
