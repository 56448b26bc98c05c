"""Finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily.

Counts are added block of cells by block of cells and written as they are complete, so memory stays bounded however many
cells, firms or shards there are.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firmfate import files
from firmfate.counts import Counters
from firmfate.dataset.firms import write_firms
from firmfate.dataset.layout import (
    cell_coordinates,
    count_coordinates,
    describe,
    label,
    label_bytes,
    stratum_coordinates,
    write_attributes,
)
from firmfate.dataset.netcdf import Output, created
from firmfate.dataset.opening import open_run
from firmfate.dataset.slabs import chunk, slabs
from firmfate.dataset.summing import BrokenShards, Load, firms_held, loader, refuse_incomplete, shards_by_cell, sums
from firmfate.design import Cells
from firmfate.errors import IncompleteRunError
from firmfate.shards.directory import RunDirectory
from firmfate.shards.file import ShardFile
from firmfate.shards.schema import Schema
from firmfate.study import Study

if TYPE_CHECKING:
    import xarray as xr


def gather(directory: Path | str, *, allow_incomplete: bool = False) -> xr.Dataset:
    """Add up the shards of a run directory and write ``result.nc``.

    Parameters
    ----------
    directory : path
        A run directory.
    allow_incomplete : bool
        Write a result of the firms that there are; ``firms`` holds how many in every cell, and the attribute
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
        Where a shard's content does not match its name.

    Examples
    --------
    Two tasks of an array, which may run on two machines, and what they did together:

    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> for part in (0, 1):
    ...     firmfate.run(study, into="runs/cars", on=firmfate.execute.ArrayPart(part, 2), progress=False)
    >>> ds = firmfate.gather("runs/cars")
    >>> ds.firms.values.tolist()
    [64, 64]
    """
    run = RunDirectory(Path(directory))
    study = run.study()
    cells = study.cells
    schema = Schema.of(study, run.claim(study, cells))
    holdings = run.holdings(study, cells)
    run.settle()
    held, wanted = firms_held(holdings), int(study.firms_by_cell.sum())
    if not allow_incomplete:
        refuse_incomplete(run, holdings, study, cells)
    if held == 0:
        raise IncompleteRunError(f"{run.path} holds no finished shard")
    load = loader(schema)
    by_cell = shards_by_cell(cells, holdings)
    try:
        with created(run.result) as output:
            _define(output, study, cells, schema.counters, complete=held == wanted, rounds=run.read_rounds())
            _add_up(output, cells, schema.counters, by_cell, load)
        if study.record_firms and held == wanted:
            write_firms(run.firms, study, cells, by_cell, load)
        elif study.record_firms:
            files.remove(run.firms)  # missing firms would look like censored ones in it
    except BrokenShards as fault:
        if not allow_incomplete:
            raise
        for shard in fault.shards:
            run.set_aside(shard)
        return gather(directory, allow_incomplete=True)
    return open_run(run.path)


def _define(output: Output, study: Study, cells: Cells, counters: Counters, *, complete: bool, rounds: str) -> None:
    """Write the header: attributes, coordinates, and variables without their counts."""
    with output.block(label_bytes(cells)) as file:
        describe(file, study, complete=complete, rounds=rounds)
        cell_coordinates(file, cells)
        count_coordinates(file, study)
        if counters.strata > 1:
            stratum_coordinates(file, study, study.population)
        for name, counter in counters.variables.items():
            kind, dims = counter.stored(study.replicates), (*cells.dims, *counters.dims(name))
            own = counters.shape(name)
            together = chunk(cells.shape, np.dtype(kind).itemsize * math.prod(own))
            written = file.createVariable(
                name, kind, dims, zlib=True, complevel=1, shuffle=True,
                chunksizes=(*together, *own) if own else None,
            )  # fmt: skip
            write_attributes(written, counter)
            label(file, written)


def _add_up(output: Output, cells: Cells, counters: Counters, by_cell: dict[int, list[ShardFile]], load: Load) -> None:
    """Write the counts, a block of cells at a time."""
    broken: dict[Path, ShardFile] = {}
    for index, positions in slabs(cells.shape, counters.bytes_while_counting):
        found = sums(positions.ravel(), cells, counters, by_cell, load, broken)
        if broken:
            continue
        with output.block(positions.size * counters.bytes_per_cell) as file:
            for name, table in found.items():
                target = file[name]
                target[index] = table.reshape(*positions.shape, *table.shape[1:]).astype(target.dtype)
    if broken:
        raise BrokenShards(list(broken.values()))
