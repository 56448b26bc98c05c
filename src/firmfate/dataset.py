"""Finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily.

Counts are added cell block by cell block and written as they are complete, so memory stays bounded however many cells,
firms or shards there are.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate import provenance
from firmfate.design import Cells, design
from firmfate.errors import BrokenShardError, IncompleteRunError, RunDirectoryError
from firmfate.kernel.engine import Counts
from firmfate.models.model import Model
from firmfate.shards.directory import Holdings, RunDirectory
from firmfate.shards.file import NETCDF_LOCK, ShardContent, ShardFile, read
from firmfate.shards.plan import human_bytes
from firmfate.shards.work import tabulate
from firmfate.study import Study
from firmfate.variables import BIN_WEEKS, CELLS, COORDINATES, COUNTS, Variable, check_counts

if TYPE_CHECKING:
    import xarray as xr

SLAB_BYTES = 256 * 1024**2
"""Counts held in memory at a time while gathering."""


class BrokenShards(BrokenShardError):
    """Shards whose content is not what their names say; `shards` are their files."""

    def __init__(self, shards: list[ShardFile]) -> None:
        self.shards = shards
        names = ", ".join(shard.path.name for shard in shards[:3]) + (" ..." if len(shards) > 3 else "")
        super().__init__(f"{len(shards)} broken shard(s): {names}; run the same command again to replace them")


def registered(model: Model) -> dict[str, Variable]:
    """Return the register of a model's counts: the common ones, and one table a mark."""
    entries = {name: entry for name, entry in COUNTS.items() if not name.endswith("green_kpi_count")}
    for mark in model.marks:
        entries[mark.counted] = Variable(
            mark.counted,
            (CELLS, "end", mark.dim),
            "u4",
            "1",
            f"firms by {mark.name} at the alarm and by how they ended",
        )
        entries[f"early_{mark.counted}"] = Variable(
            f"early_{mark.counted}", (CELLS, "end", mark.dim), "u4", "1", f"as {mark.counted}, of early alarms alone"
        )
    return entries


def slabs(shape: tuple[int, ...], bytes_per_cell: int) -> Iterator[tuple[tuple[slice | int, ...], NDArray[np.intp]]]:
    """Yield (index into the axes, flat positions) of blocks of cells that fit into `SLAB_BYTES`."""
    flat = np.arange(math.prod(shape)).reshape(shape)
    leading = 0
    while leading < len(shape) and math.prod(shape[leading:]) * bytes_per_cell > SLAB_BYTES:
        leading += 1
    for index in np.ndindex(shape[:leading]):
        whole = (*index, *(slice(None),) * (len(shape) - leading))
        yield whole, np.atleast_1d(flat[whole]).ravel()


def gather(directory: Path | str, *, allow_incomplete: bool = False) -> xr.Dataset:
    """Add up the shards of a run directory and write ``result.nc``.

    Parameters
    ----------
    directory : path
        A run directory.
    allow_incomplete : bool
        Write a result of the firms that there are; ``firms`` says how many in every cell, and the attribute
        ``complete`` that it is not all of them.

    Returns
    -------
    xarray.Dataset
        As `open_run` returns it.

    Raises
    ------
    IncompleteRunError
        Where firms are missing.
    BrokenShardError
        Where a shard is not what its name says.
    """
    run = RunDirectory(Path(directory))
    study = run.study()
    run.claim(study)
    cells = design(study)
    holdings = run.holdings(study, cells)
    held = sum(count for ranges in holdings.covered.values() for _, count in ranges)
    wanted = len(cells) * study.replicates
    if held < wanted and not allow_incomplete:
        raise IncompleteRunError(
            f"{run.path} holds {held:,} of {wanted:,} firms; run it again to go on, or gather with --allow-incomplete"
        )
    if held == 0:
        raise IncompleteRunError(f"{run.path} holds no finished shard")
    aside = run.path / f".result.nc.{os.getpid()}.part"
    try:
        _write(aside, study, cells, holdings, run, complete=held == wanted)
        aside.replace(run.result)
    except OSError as fault:
        raise RunDirectoryError(
            f"{run.result} cannot be written: {fault.strerror or fault}; it takes up to {human_bytes(2**20 + 4 * held)}"
        ) from fault
    finally:
        aside.unlink(missing_ok=True)
    return open_run(run.path)


def _write(path: Path, study: Study, cells: Cells, holdings: Holdings, run: RunDirectory, *, complete: bool) -> None:
    import netCDF4

    model = study.model
    bins = math.ceil(study.weeks / BIN_WEEKS)
    variables = registered(model)
    layout = Counts.empty(
        model, cells=1, weeks=study.weeks, bins=bins, batches=study.batches, horizons=len(study.horizons)
    )
    tables, dims = tabulate(layout, model)
    bytes_per_cell = sum(table.nbytes for table in tables.values())
    place = {key: position for position, key in enumerate(cells.keys)}
    by_cell: dict[int, list[ShardFile]] = {}
    for shard, keys in holdings.used:
        for key in keys:
            by_cell.setdefault(place[key], []).append(shard)
    load = lru_cache(maxsize=8)(read)

    with NETCDF_LOCK:
        file = netCDF4.Dataset(path, "w", format="NETCDF4")
    try:
        with NETCDF_LOCK:
            _describe(file, study, cells, complete=complete)
            _coordinates(file, study, cells, tables, dims)
            for name, table in tables.items():
                entry = variables[name]
                kind = "u8" if entry.dtype == "u4" and study.replicates >= 2**32 else entry.dtype
                shape = (*(1 for _ in cells.shape), *table.shape[1:])
                written = file.createVariable(
                    name, kind, (*cells.dims, *dims[name][1:]), zlib=True, complevel=1, shuffle=True,
                    chunksizes=shape if table.ndim > 1 else None,
                )  # fmt: skip
                written.setncatts({"units": entry.units, "long_name": entry.long_name})
        broken: dict[Path, ShardFile] = {}
        for index, positions in slabs(cells.shape, bytes_per_cell):
            sums = _add(positions, cells, by_cell, load, study, bins, broken)
            with NETCDF_LOCK:
                for name, table in sums.items():
                    target = file[name]
                    block = tuple(cells.shape[i] for i, part in enumerate(index) if isinstance(part, slice))
                    target[index] = table.reshape(*block, *table.shape[1:]).astype(target.dtype)
        if broken:
            raise BrokenShards(list(broken.values()))
    finally:
        with NETCDF_LOCK:
            file.close()


def _add(
    positions: NDArray[np.intp], cells: Cells, by_cell: dict[int, list[ShardFile]], load: Any, study: Study, bins: int,
    broken: dict[Path, ShardFile],
) -> dict[str, NDArray[np.int64]]:  # fmt: skip
    """Return the counts of some cells, added over their shards."""
    counts = Counts.empty(
        study.model,
        cells=len(positions),
        weeks=study.weeks,
        bins=bins,
        batches=study.batches,
        horizons=len(study.horizons),
    )
    sums, _ = tabulate(counts, study.model)
    local = {cells.keys[position]: i for i, position in enumerate(positions)}
    shards = {shard.path: shard for position in positions for shard in by_cell.get(int(position), ())}
    for shard in shards.values():
        try:
            content: ShardContent = load(shard)
        except BrokenShardError:
            broken[shard.path] = shard
            continue
        rows = [i for i, key in enumerate(content.cell_keys) if key in local]
        targets = [local[content.cell_keys[i]] for i in rows]
        for name, table in sums.items():
            if name == "first_invalid":
                found = content.counts[name][rows]
                old = table[targets]
                table[targets] = np.where((found >= 0) & ((old < 0) | (found < old)), found, old)
            else:
                table[targets] += content.counts[name][rows]
    return sums


def _describe(file: Any, study: Study, cells: Cells, *, complete: bool) -> None:
    """Write the global attributes: what this is, where it comes from, how to repeat it."""
    import firmfate

    file.setncatts(
        {
            "Conventions": "CF-1.11",
            "title": study.name,
            "question": study.question,
            "summary": f"Counts of simulated firms by week and cause of their end; {study.model.summary}",
            "source": f"firmfate {firmfate.__version__}, model {study.model_name}",
            "model": study.model.name,
            "steps_per_week": float(study.steps_per_week),
            "weeks": study.weeks,
            "replicates": study.replicates,
            "seed": str(study.seed),
            "common_random_numbers": int(study.common_random_numbers),
            "complete": int(complete),
            "parameters": json.dumps(dict(study.base)),
            "study": study.text,
            "provenance": json.dumps(provenance.record()),
            "history": f"{provenance.now()} gathered by firmfate {firmfate.__version__}",
        }
    )


def _text_variable(file: Any, name: str, values: list[str]) -> Any:
    """Write text as characters, which every reader of netCDF understands."""
    width = max(len(value) for value in values)
    dim = f"{name}_characters"
    file.createDimension(dim, width)
    variable = file.createVariable(name, "S1", (name, dim))
    variable.setncattr("_Encoding", "utf-8")
    variable[:] = np.array([list(value.ljust(width, "\0")) for value in values], dtype="S1")
    return variable


def _coordinates(
    file: Any, study: Study, cells: Cells, tables: dict[str, NDArray[np.int64]], dims: dict[str, tuple[str, ...]]
) -> None:
    """Write dimensions and coordinates."""
    model = study.model
    for dim, size in zip(cells.dims, cells.shape, strict=True):
        file.createDimension(dim, size)
    for name, (own_dims, values, attributes) in cells.coords.items():
        values = np.asarray(values)
        variable = file.createVariable(name, values.dtype, own_dims)
        variable.setncatts(attributes)
        variable[:] = values
    sizes = {
        dim: size for name, table in tables.items() for dim, size in zip(dims[name][1:], table.shape[1:], strict=True)
    }
    causes = [cause.name for cause in model.causes]
    bins = sizes["bin"]
    coordinates: dict[str, Any] = {
        "cause": causes,
        "end": ["censored", *causes],
        "week": np.arange(1, study.weeks + 1),
        "bin": np.minimum(np.arange(1, bins + 1) * BIN_WEEKS, study.weeks),
        "batch": np.arange(study.batches),
        "horizon": np.array(study.horizons),
        **{mark.dim: np.arange(mark.maximum + 1) for mark in model.marks},
    }
    for dim, values in coordinates.items():
        file.createDimension(dim, len(values))
        if isinstance(values, list):
            variable = _text_variable(file, dim, values)
        else:
            variable = file.createVariable(dim, "i4", (dim,))
            variable[:] = values
        mark = next((mark for mark in model.marks if mark.dim == dim), None)
        entry = COORDINATES.get(dim)
        variable.setncatts(
            {
                "units": entry.units if entry else "1",
                "long_name": entry.long_name if entry else (mark.meaning if mark else dim),
            }
        )


def open_run(directory: Path | str) -> xr.Dataset:
    """Open the gathered counts of a run, lazily.

    Parameters
    ----------
    directory : path
        A run directory, or a ``result.nc``.

    Returns
    -------
    xarray.Dataset
        Counts over the study's axes; see `firmfate.variables.COUNTS`.

    Raises
    ------
    RunDirectoryError
        Where there is no result, or a file that is none.
    """
    import xarray as xr

    path = Path(directory)
    path = path / "result.nc" if path.is_dir() else path
    if not path.is_file():
        raise RunDirectoryError(f"{path} does not exist; gather the run first (firmfate gather {path.parent})")
    try:
        with NETCDF_LOCK:
            ds = xr.open_dataset(path, engine="netcdf4")
    except (OSError, ValueError) as fault:
        raise RunDirectoryError(f"{path} cannot be opened as netCDF: {fault}") from fault
    check_counts(ds)
    return ds
