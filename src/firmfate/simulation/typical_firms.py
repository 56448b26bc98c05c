"""Trajectories of a few firms of a run, typical and extreme ones, kept in ``trajectories.nc`` for its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.dataset.netcdf import created, open_dataset
from firmfate.errors import RunDirectoryError, command
from firmfate.shards.directory import RunDirectory
from firmfate.simulation.replaying import Replayer, together

if TYPE_CHECKING:
    import xarray as xr

CANDIDATES = 2_000
"""Firms of a cell among which a typical one is looked for."""


def candidates(replayer: Replayer) -> int:
    """Return how many firms of a cell are looked at: no more than the cell that has least."""
    return min(CANDIDATES, int(replayer.study.firms_by_cell.min()))


def typical(replayer: Replayer, cell: int) -> dict[str, int]:
    """Return replicates that represent a cell: the median one of its most frequent cause, the shortest, the longest."""
    count = candidates(replayer)
    records = replayer.worker.records(np.array([cell]), 0, count)
    weeks: NDArray[Any] = records.event_step[0]
    members = np.flatnonzero(records.cause[0] == np.bincount(records.cause[0]).argmax())
    ordered = members[np.argsort(weeks[members], kind="stable")]
    by_length = np.argsort(weeks, kind="stable")
    return {"typical": int(ordered[len(ordered) // 2]), "shortest": int(by_length[0]), "longest": int(by_length[-1])}


def shown_cells(replayer: Replayer) -> dict[str, int]:
    """Return the cells whose firms are kept: corners of execution and misalignment, or the first and the last cell."""
    axes = {key.replace(".", "_") for key in replayer.cells.axes}
    if {"execution", "misalignment"} <= axes:
        return {
            "strong misaligned": replayer.nearest({"execution": 1.0, "misalignment": 1.0}),
            "weak misaligned": replayer.nearest({"execution": 0.05, "misalignment": 1.0}),
            "strong aligned": replayer.nearest({"execution": 1.0, "misalignment": 0.0}),
        }
    if "execution" in axes:
        return {"strong": replayer.nearest({"execution": 1.0}), "weak": replayer.nearest({"execution": 0.05})}
    return {"first cell": 0, "last cell": len(replayer.cells) - 1}


def write_trajectories(directory: Path | str) -> Path:
    """Write ``trajectories.nc``: every step of a few typical and extreme firms, for the report.

    Parameters
    ----------
    directory : path
        A run directory.

    Returns
    -------
    Path
        Of the file: variables over (trajectory, step), and over trajectory which firm it is (``role``, ``kind``), its
        event week and cause.
    """
    from xarray.backends import NetCDF4DataStore

    replayer = Replayer(directory)
    parts, roles, kinds = [], [], []
    for role, cell in shown_cells(replayer).items():
        for kind, replicate in typical(replayer, cell).items():
            parts.append(replayer.trajectory(cell, replicate))
            roles.append(role)
            kinds.append(kind)
    ds = together(parts).assign_coords(role=("trajectory", roles), kind=("trajectory", kinds))
    ds.attrs["candidates"] = candidates(replayer)
    for name in ds.data_vars:
        ds[name].encoding = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True, "dtype": "f4"}
    with created(replayer.run.trajectories) as output, output.block(ds.nbytes) as file:
        ds.dump_to_store(NetCDF4DataStore(file))  # type: ignore[no-untyped-call]
    return replayer.run.trajectories


def read_trajectories(directory: Path | str) -> xr.Dataset | None:
    """Return what `write_trajectories` wrote, in memory; None where it wrote nothing.

    Raises
    ------
    RunDirectoryError
        Where the file is damaged.
    """
    path = RunDirectory(Path(directory)).trajectories
    if not path.is_file():
        return None
    try:
        return open_dataset(path, load=True)
    except RunDirectoryError as fault:
        raise RunDirectoryError(f"{fault}; gather the run again: {command('gather', directory)}") from fault
