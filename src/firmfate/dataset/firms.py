"""``firms.nc``: what is recorded of every firm, and what it drew, for ``[record] firms = true``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from firmfate.counts import firm_variables, flags_of_cause
from firmfate.dataset.layout import cell_coordinates, coordinate, describe, label, label_bytes, write_attributes
from firmfate.dataset.netcdf import created
from firmfate.dataset.slabs import slabs
from firmfate.design import Cells
from firmfate.shards.file import ShardContent, ShardFile
from firmfate.shards.schema import RECORDED, recorded_names
from firmfate.study import Study

TIMES = {"event_step": "event_week", "alarm_step": "alarm_week"}
"""What is recorded in steps -> the variable in weeks."""

PIECE = 2**20
"""Firms of a cell in one chunk of the file."""


def write_firms(
    path: Path,
    study: Study,
    cells: Cells,
    by_cell: dict[int, list[ShardFile]],
    load: Callable[[ShardFile], ShardContent],
) -> None:
    """Write ``firms.nc``: week and cause of the event, alarm and marks over (axes..., replicate), and drawn values.

    Parameters
    ----------
    path : Path
    study : Study
    cells : Cells
    by_cell : mapping
        Position of a cell -> the shards that hold its firms.
    load : callable
        Reads a shard.
    """
    register = firm_variables(study.model)
    names = {name: TIMES.get(name, name) for name in recorded_names(study.model.marks)}
    per_firm = sum(np.dtype(register[name].dtype).itemsize for name in names.values())
    drawing = 1 if study.common_random_numbers else len(cells)
    drawn = 8 * len(study.population) * drawing * study.replicates
    with created(path) as output:
        with output.block(label_bytes(cells)) as file:
            describe(file, study, complete=True)
            cell_coordinates(file, cells)
            file.createDimension("replicate", study.replicates)
            number = coordinate(file, "replicate", "i8", ("replicate",))
            number.setncatts({"units": "1", "long_name": "replicate: firms of the same number meet the same shocks"})
            for name in names.values():
                chunks = (*(1 for _ in cells.shape), min(study.replicates, PIECE))
                written = file.createVariable(
                    name, register[name].dtype, (*cells.dims, "replicate"), zlib=True, complevel=1, shuffle=True,
                    chunksizes=chunks, fill_value=False,
                )  # fmt: skip
                write_attributes(written, register[name])
                label(file, written)
            file["cause"].setncatts(flags_of_cause(study.model))
        with output.block(8 * study.replicates) as file:
            file["replicate"][:] = np.arange(study.replicates)
        for index, positions in slabs(cells.shape, 8 * len(names) * study.replicates):
            tables = {name: np.zeros((positions.size, study.replicates)) for name in names}
            for row, position in enumerate(positions.flat):
                for shard in by_cell.get(int(position), ()):
                    content = load(shard)
                    own = content.cell_keys.index(cells.keys[position])
                    for name, table in tables.items():
                        table[row, shard.first : shard.first + shard.replicates] = content.arrays[RECORDED + name][own]
            with output.block(positions.size * study.replicates * per_firm) as file:
                for name, table in tables.items():
                    target = file[names[name]]
                    values = table * study.dt if name in TIMES else table
                    target[index] = values.reshape(*positions.shape, study.replicates).astype(target.dtype)
        with output.block(drawn) as file:
            _write_drawn(file, study, cells)


def _write_drawn(file: Any, study: Study, cells: Cells) -> None:
    """Write what firms drew: over replicates where cells share the draws, over (axes..., replicate) where not."""
    drawing = study.population
    if not len(drawing):
        return
    replicates = np.arange(study.replicates, dtype=np.uint64)
    dims = () if study.common_random_numbers else cells.dims
    variables = []
    for key in drawing.keys:
        variable = file.createVariable(
            key.replace(".", "_"), "f8", (*dims, "replicate"), zlib=True, complevel=1, shuffle=True
        )
        parameter = study.model.parameter(key)
        variable.setncatts({"units": parameter.unit, "long_name": f"drawn: {parameter.meaning}"})
        label(file, variable)
        variables.append(variable)
    if study.common_random_numbers:
        drawn = drawing.draw_keys(study.seed, replicates)
        for column, variable in enumerate(variables):
            variable[:] = drawn[:, column]
        return
    for position, index in enumerate(np.ndindex(cells.shape)):
        drawn = drawing.draw_keys(int(cells.random_keys[position]), replicates)
        for column, variable in enumerate(variables):
            variable[index] = drawn[:, column]
