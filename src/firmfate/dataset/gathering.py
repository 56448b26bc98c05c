"""Finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily.

Counts are added cell block by cell block and written as they are complete, so memory stays bounded however many cells,
firms or shards there are.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.dataset.firms import write_firms
from firmfate.dataset.layout import (
    cell_coordinates,
    count_coordinates,
    describe,
    label,
    registered,
    stratum_coordinates,
)
from firmfate.dataset.opening import open_run
from firmfate.dataset.slabs import slabs
from firmfate.design import Cells
from firmfate.errors import BrokenShardError, IncompleteRunError, RunDirectoryError, command
from firmfate.kernel.engine import Counts
from firmfate.shards.directory import Holdings, RunDirectory
from firmfate.shards.file import NETCDF_LOCK, ShardContent, ShardFile, read
from firmfate.shards.plan import human_bytes
from firmfate.shards.work import tabulate
from firmfate.study import Study
from firmfate.counts import BIN_WEEKS

if TYPE_CHECKING:
    import xarray as xr


class BrokenShards(BrokenShardError):
    """Shards whose content is not what their names say; `shards` are their files."""

    def __init__(self, shards: list[ShardFile]) -> None:
        self.shards = shards
        names = ", ".join(shard.path.name for shard in shards[:3]) + (" ..." if len(shards) > 3 else "")
        run = shards[0].path.parents[1]
        again = command("run", run / "study.toml", "--into", run)
        super().__init__(f"{len(shards)} broken shard(s): {names}; run the study to replace them: {again}")


def shards_by_cell(cells: Cells, holdings: Holdings) -> dict[int, list[ShardFile]]:
    """Return the shards that hold firms of each cell, by its position."""
    place = {key: position for position, key in enumerate(cells.keys)}
    found: dict[int, list[ShardFile]] = {}
    for shard, keys in holdings.used:
        for key in keys:
            found.setdefault(place[key], []).append(shard)
    return found


def gather(directory: Path | str, *, allow_incomplete: bool = False) -> xr.Dataset:
    """Add up the shards of a run directory and write ``result.nc``.

    Parameters
    ----------
    directory : path
        A run directory.
    allow_incomplete : bool
        Write a result of the firms that there are; ``firms`` says how many in every cell, and the attribute
        ``complete`` that it is not all of them. Broken shards are set aside, into the folder ``broken``.

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
    cells = study.cells
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
        _write(aside, study, cells, holdings, complete=held == wanted)
        aside.replace(run.result)
    except BrokenShards as fault:
        if not allow_incomplete:
            raise
        for shard in fault.shards:
            run.set_aside(shard)
        return gather(directory, allow_incomplete=True)
    except OSError as fault:
        raise RunDirectoryError(
            f"{run.result} cannot be written: {fault.strerror or fault}; it takes up to {human_bytes(2**20 + 4 * held)}"
        ) from fault
    finally:
        aside.unlink(missing_ok=True)
    if study.record_firms:
        write_firms(run.path / "firms.nc", study, cells, shards_by_cell(cells, holdings))
    return open_run(run.path)


def _write(path: Path, study: Study, cells: Cells, holdings: Holdings, *, complete: bool) -> None:
    import netCDF4

    model = study.model
    bins = math.ceil(study.weeks / BIN_WEEKS)
    variables = registered(model)
    people = study.population
    strata = people.strata_count
    layout = Counts.empty(
        model, cells=strata, weeks=study.weeks, bins=bins, batches=study.batches, horizons=len(study.horizons)
    )
    tables, dims = tabulate(layout, model, strata=strata)
    bytes_per_cell = sum(table.nbytes for table in tables.values())
    by_cell = shards_by_cell(cells, holdings)
    load = lru_cache(maxsize=8)(read)

    with NETCDF_LOCK:
        file = netCDF4.Dataset(path, "w", format="NETCDF4")
    try:
        with NETCDF_LOCK:
            describe(file, study, complete=complete)
            cell_coordinates(file, cells)
            count_coordinates(file, study, bins=bins)
            if strata > 1:
                stratum_coordinates(file, study, people)
            for name, table in tables.items():
                entry = variables[name]
                kind = "u8" if entry.dtype == "u4" and study.replicates >= 2**32 else entry.dtype
                shape = (*(1 for _ in cells.shape), *table.shape[1:])
                written = file.createVariable(
                    name, kind, (*cells.dims, *dims[name][1:]), zlib=True, complevel=1, shuffle=True,
                    chunksizes=shape if table.ndim > 1 else None,
                )  # fmt: skip
                written.setncatts({"units": entry.units, "long_name": entry.long_name})
                label(file, written)
        broken: dict[Path, ShardFile] = {}
        for index, positions in slabs(cells.shape, bytes_per_cell):
            sums = _add(positions.ravel(), cells, by_cell, load, study, strata, broken)
            with NETCDF_LOCK:
                for name, table in sums.items():
                    target = file[name]
                    target[index] = table.reshape(*positions.shape, *table.shape[1:]).astype(target.dtype)
        if broken:
            raise BrokenShards(list(broken.values()))
    finally:
        with NETCDF_LOCK:
            file.close()


def _add(
    positions: NDArray[np.intp], cells: Cells, by_cell: dict[int, list[ShardFile]], load: Any, study: Study,
    strata: int, broken: dict[Path, ShardFile],
) -> dict[str, NDArray[np.int64]]:  # fmt: skip
    """Return the counts of some cells, added over their shards."""
    counts = Counts.empty(
        study.model,
        cells=len(positions) * strata,
        weeks=study.weeks,
        bins=math.ceil(study.weeks / BIN_WEEKS),
        batches=study.batches,
        horizons=len(study.horizons),
    )
    sums, _ = tabulate(counts, study.model, strata=strata)
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
