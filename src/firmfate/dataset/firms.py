"""``firms.nc``: what is recorded of every firm, and what it drew, for ``[record] firms = true``."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from firmfate.dataset.layout import cell_coordinates, describe, label
from firmfate.dataset.slabs import slabs
from firmfate.design import Cells
from firmfate.shards.file import NETCDF_LOCK, ShardFile, read
from firmfate.shards.work import RECORDED
from firmfate.study import Study
from firmfate.counts import FIRMS

BYTES_PER_FIRM = 40


def write_firms(path: Path, study: Study, cells: Cells, by_cell: dict[int, list[ShardFile]]) -> None:
    """Write ``firms.nc``: end, week of the end, alarm and marks over (axes..., replicate), and drawn values.

    Parameters
    ----------
    path : Path
    study : Study
    cells : Cells
    by_cell : mapping
        Position of a cell -> the shards that hold its firms.
    """
    import netCDF4

    model = study.model
    names = {"event_step": "event_week", "end": "end", "alarm_step": "alarm_week"} | {
        m.name: m.name for m in model.marks
    }
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with NETCDF_LOCK:
        file = netCDF4.Dataset(aside, "w", format="NETCDF4")
        describe(file, study, complete=True)
        cell_coordinates(file, cells)
        file.createDimension("replicate", study.replicates)
        number = file.createVariable("replicate", "i8", ("replicate",))
        number.setncatts({"units": "1", "long_name": "replicate: firms of the same number meet the same shocks"})
        number[:] = np.arange(study.replicates)
        for name in names.values():
            entry = FIRMS.get(name)
            chunks = (*(1 for _ in cells.shape), min(study.replicates, 2**20))
            written = file.createVariable(
                name, entry.dtype if entry else "u1", (*cells.dims, "replicate"), zlib=True, complevel=1, shuffle=True,
                chunksizes=chunks, fill_value=False,
            )  # fmt: skip
            mark = next((mark for mark in model.marks if mark.name == name), None)
            meaning = entry.long_name if entry else (mark.meaning if mark else name)
            written.setncatts({"units": entry.units if entry else "1", "long_name": meaning})
            label(file, written)
    load = lru_cache(maxsize=8)(read)
    for index, positions in slabs(cells.shape, BYTES_PER_FIRM * study.replicates):
        tables = {name: np.zeros((positions.size, study.replicates)) for name in names}
        for row, position in enumerate(positions.flat):
            for shard in by_cell.get(int(position), ()):
                content = load(shard)
                own = content.cell_keys.index(cells.keys[position])
                for name, table in tables.items():
                    table[row, shard.first : shard.first + shard.replicates] = content.counts[RECORDED + name][own]
        with NETCDF_LOCK:
            for name, table in tables.items():
                target = file[names[name]]
                values = table * study.dt if name.endswith("_step") else table
                target[index] = values.reshape(*positions.shape, study.replicates).astype(target.dtype)
    with NETCDF_LOCK:
        _write_drawn(file, study, cells)
        file.close()
    aside.replace(path)


def _write_drawn(file: Any, study: Study, cells: Cells) -> None:
    """Write what firms drew: over replicates where cells share the draws, over (axes..., replicate) where not."""
    people = study.population
    if not len(people):
        return
    replicates = np.arange(study.replicates, dtype=np.uint64)
    dims = () if study.common_random_numbers else cells.dims
    variables = []
    for key in people.keys:
        variable = file.createVariable(
            key.replace(".", "_"), "f8", (*dims, "replicate"), zlib=True, complevel=1, shuffle=True
        )
        parameter = study.model.parameter(key)
        variable.setncatts({"units": parameter.unit, "long_name": f"drawn: {parameter.meaning}"})
        label(file, variable)
        variables.append(variable)
    if study.common_random_numbers:
        drawn = people.draw_keys(study.seed, replicates)
        for column, variable in enumerate(variables):
            variable[:] = drawn[:, column]
        return
    for position, index in enumerate(np.ndindex(cells.shape)):
        drawn = people.draw_keys(int(cells.random_keys[position]), replicates)
        for column, variable in enumerate(variables):
            variable[index] = drawn[:, column]
