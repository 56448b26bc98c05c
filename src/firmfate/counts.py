"""The register of every variable that firmfate writes: name, dims, dtype, units and one sentence.

It drives the validation of datasets, the attributes in netCDF files and the documentation. ``CELLS`` in ``dims``
stands for the axes of a study's grid, or for the single dimension ``cell`` where the design is no grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firmfate.errors import FirmfateError

if TYPE_CHECKING:
    import xarray as xr

CELLS = "*cells"

RESERVED_DIMS = frozenset(
    {
        "week",
        "cause",
        "end",
        "batch",
        "bin",
        "horizon",
        "green",
        "cell",
        "replicate",
        "step",
        "division",
        "life",
        "firm",
        "draw",
        "stratum",
        "alarm_kind",
    }
)

WEEKS_PER_YEAR = 52
BIN_WEEKS = 13


@dataclass(frozen=True)
class Variable:
    """One output variable: its name, dimensions, storage type, units and what it holds."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str


def _register(*entries: Variable) -> dict[str, Variable]:
    return {entry.name: entry for entry in entries}


COUNTS = _register(
    Variable("events", (CELLS, "cause", "week"), "u4", "1", "firms that ended in this week, by cause of the end"),
    Variable("censored", (CELLS, "week"), "u4", "1", "firms censored in this week; without it, at the horizon alone"),
    Variable("entered", (CELLS, "week"), "u4", "1", "firms that came under observation at the end of this week"),
    Variable("firms", (CELLS,), "u8", "1", "firms simulated, invalid ones included"),
    Variable("invalid", (CELLS,), "u8", "1", "firms whose arithmetic failed (a stock was not finite at the end)"),
    Variable("first_invalid", (CELLS,), "i8", "1", "lowest replicate whose arithmetic failed; -1 where none did"),
    Variable(
        "batch_firms", (CELLS, "batch"), "u4", "1", "firms in this batch (replicate modulo the number of batches)"
    ),
    Variable(
        "batch_events",
        (CELLS, "batch", "cause", "bin"),
        "u4",
        "1",
        "firms of this batch that ended in this bin, by cause",
    ),
    Variable("batch_censored", (CELLS, "batch", "bin"), "u4", "1", "firms of this batch censored in this bin"),
    Variable("batch_entered", (CELLS, "batch", "bin"), "u4", "1", "firms of this batch that entered in this bin"),
    Variable("batch_lifetime", (CELLS, "batch", "horizon"), "u8", "step", "sum over firms of min(lifetime, horizon)"),
    Variable("alarms", (CELLS, "batch", "end"), "u4", "1", "firms whose alarm rang, by how they ended"),
    Variable(
        "early_alarms",
        (CELLS, "batch", "end"),
        "u4",
        "1",
        "firms whose alarm rang in their first 13 weeks, by how they ended",
    ),
    Variable("warning_steps_sum", (CELLS, "batch", "end"), "u8", "step", "sum of the steps from the alarm to the end"),
    Variable(
        "warning_steps_sumsq",
        (CELLS, "batch", "end"),
        "u8",
        "step2",
        "sum of squares of the steps from the alarm to the end",
    ),
    Variable(
        "early_warning_steps_sum", (CELLS, "batch", "end"), "u8", "step", "as warning_steps_sum, of early alarms alone"
    ),
    Variable(
        "green_kpi_count", (CELLS, "end", "green"), "u4", "1", "firms by green KPIs at the alarm and by how they ended"
    ),
    Variable("early_green_kpi_count", (CELLS, "end", "green"), "u4", "1", "as green_kpi_count, of early alarms alone"),
)

FIRMS = _register(
    Variable("event_week", (CELLS, "replicate"), "f4", "week", "week of the end, or the horizon where censored"),
    Variable("end", (CELLS, "replicate"), "u1", "1", "how the firm ended: 0 = censored, 1.. = cause"),
    Variable("alarm_week", (CELLS, "replicate"), "f4", "week", "week of the alarm; 0 = never"),
    Variable("green_kpis", (CELLS, "replicate"), "u1", "1", "green KPIs at the start of the step of the alarm"),
)

COORDINATES = _register(
    Variable("week", ("week",), "i4", "week", "week of life, counted from 1"),
    Variable("bin", ("bin",), "i4", "week", "last week of a bin of 13 weeks"),
    Variable("batch", ("batch",), "i4", "1", "replicate modulo the number of batches"),
    Variable("horizon", ("horizon",), "i4", "week", "horizon of a restricted lifetime"),
    Variable("cause", ("cause",), "str", "1", "cause of the end, in the order in which they are judged"),
    Variable("end", ("end",), "str", "1", "how a firm ended: censored, or the cause"),
    Variable("green", ("green",), "i4", "1", "KPIs of five that were at least as good as at the start"),
)


def attributes(name: str, register: dict[str, Variable] = COUNTS) -> dict[str, str]:
    """Return the netCDF attributes (``units``, ``long_name``) of a registered variable."""
    entry = register[name]
    return {"units": entry.units, "long_name": entry.long_name}


def check_counts(ds: xr.Dataset) -> None:
    """Refuse a dataset whose registered variables are missing, or differ in dims or integer kind from the register.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them.

    Raises
    ------
    FirmfateError
        With the variable's name, what it has and what it should have.
    """
    for name in ("events", "firms"):
        if name not in ds:
            raise FirmfateError(f"the dataset has no variable '{name}'; it holds {sorted(map(str, ds.data_vars))}")
    cell_dims = ds["firms"].dims
    for entry in COUNTS.values():
        if entry.name not in ds:
            continue
        held = ds[entry.name]
        expected = tuple(d for dim in entry.dims for d in (cell_dims if dim == CELLS else (dim,)))
        if held.dims != expected:
            raise FirmfateError(f"variable '{entry.name}' has dims {held.dims}; expected {expected}")
        if not np.issubdtype(held.dtype, np.integer):
            raise FirmfateError(f"variable '{entry.name}' has type {held.dtype}; counts are integers")
