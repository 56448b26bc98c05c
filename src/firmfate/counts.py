"""The register of what a run counts, and of every other variable that firmfate writes: names, dims, types, units.

A counter is declared here and nowhere else. Shapes, bytes, empty arrays, how shards add up, the attributes in netCDF
files and the validation of datasets follow from its line; `COUNTED` is in the order in which the compiled ``count`` of
a model takes its tables. ``CELLS`` in ``dims`` stands for the axes of a study's grid, or for the single dimension
``cell`` where the design is no grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import FirmfateError

if TYPE_CHECKING:
    import xarray as xr

    from firmfate.models.declarations import Mark
    from firmfate.models.model import Model

INVALID = 255
"""The cause in the record of a firm whose arithmetic failed."""

CELLS = "*cells"

WEEKS_PER_YEAR = 52
BIN_WEEKS = 13
"""Weeks in a bin of ``batch_events``."""

EARLY_WEEKS = 13
"""An alarm in the first quarter of a firm's first year is early: it reflects how the firm began."""


@dataclass(frozen=True)
class Variable:
    """One output variable: its name, dimensions, storage type, units and what it holds."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str


@dataclass(frozen=True)
class Counter(Variable):
    """A variable that a run counts: a sum over firms, or, where `lowest`, the lowest number met and -1 for none."""

    lowest: bool = False

    @property
    def start(self) -> int:
        """The value before any firm is counted."""
        return -1 if self.lowest else 0

    def stored(self, replicates: int) -> str:
        """Return the type in which so many firms a cell are stored."""
        # The largest number of a type stands in the file for one that was never written.
        return "u8" if self.dtype == "u4" and replicates >= 2**32 - 1 else self.dtype

    def merged(self, held: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
        """Return what the counts of two sets of firms come to together."""
        less = (found >= 0) & ((held < 0) | (found < held))
        merged: NDArray[Any] = np.where(less, found, held) if self.lowest else held + found
        return merged


MARKS = "mark_count"
"""In the names of counters that become one variable a mark of the model, with one dim for ``mark`` and ``value``."""

COUNTED = (
    Counter("events", (CELLS, "cause", "week"), "u4", "1", "firms with an event in this week, by cause"),
    Counter("firms", (CELLS,), "u8", "1", "firms simulated, invalid ones included"),
    Counter("invalid", (CELLS,), "u8", "1", "firms whose arithmetic failed (a stock was not finite at the end)"),
    Counter("first_invalid", (CELLS,), "i8", "1", "lowest replicate whose arithmetic failed; -1 where none did", True),
    Counter("batch_firms", (CELLS, "batch"), "u4", "1", "firms in this batch (replicate modulo the number of batches)"),
    Counter(
        "batch_events", (CELLS, "batch", "cause", "bin"), "u4", "1",
        "firms of this batch with an event in this bin, by cause",
    ),
    Counter("batch_lifetime", (CELLS, "batch", "horizon"), "u8", "step", "sum over firms of min(lifetime, horizon)"),
    Counter("alarms", (CELLS, "batch", "end"), "u4", "1", "firms whose alarm rang, by cause, or censored"),
    Counter(
        "early_alarms", (CELLS, "batch", "end"), "u4", "1",
        f"firms whose alarm rang in their first {EARLY_WEEKS} weeks, by cause, or censored",
    ),
    Counter("warning_steps_sum", (CELLS, "batch", "end"), "u8", "step", "sum of the steps from the alarm to the end"),
    Counter(
        "warning_steps_sumsq", (CELLS, "batch", "end"), "u8", "step2",
        "sum of squares of the steps from the alarm to the event",
    ),
    Counter(
        "early_warning_steps_sum", (CELLS, "batch", "end"), "u8", "step", "as warning_steps_sum, of early alarms alone"
    ),
    Counter(
        MARKS, (CELLS, "mark", "end", "value"), "u4", "1", "firms by {mark} at the alarm and by cause, or censored"
    ),
    Counter(
        f"early_{MARKS}", (CELLS, "mark", "end", "value"), "u4", "1", "as {counted}, of early alarms alone"
    ),
)  # fmt: skip

OBSERVED = (
    Variable("censored", (CELLS, "week"), "u4", "1", "firms censored in this week; without it, at the horizon alone"),
    Variable("entered", (CELLS, "week"), "u4", "1", "firms that came under observation at the end of this week"),
    Variable("batch_censored", (CELLS, "batch", "bin"), "u4", "1", "firms of this batch censored in this bin"),
    Variable("batch_entered", (CELLS, "batch", "bin"), "u4", "1", "firms of this batch that entered in this bin"),
)
"""Counted of observed firms alone: simulated ones are censored at the horizon."""


def _register(entries: Iterable[Variable]) -> dict[str, Variable]:
    return {entry.name: entry for entry in entries}


COUNTS = _register(entry for entry in (*COUNTED, *OBSERVED) if MARKS not in entry.name)
"""Every variable of counts that does not depend on the model."""

FIRMS = _register(
    (
        Variable("event_week", (CELLS, "replicate"), "f4", "week", "week of the event, or the horizon where censored"),
        Variable("cause", (CELLS, "replicate"), "u1", "1", "cause of the event: 0 = censored, 255 = arithmetic failed"),
        Variable("alarm_week", (CELLS, "replicate"), "f4", "week", "week of the alarm; 0 = never"),
    )
)


def firm_variables(model: Model) -> dict[str, Variable]:
    """Return the variables of single firms: `FIRMS`, and the marks of a model."""
    marks = (Variable(mark.name, (CELLS, "replicate"), "u1", "1", mark.meaning) for mark in model.marks)
    return FIRMS | _register(marks)


COORDINATES = _register(
    (
        Variable("week", ("week",), "i4", "week", "week of life, counted from 1"),
        Variable("bin", ("bin",), "i4", "week", f"last week of a bin of {BIN_WEEKS} weeks"),
        Variable("batch", ("batch",), "i4", "1", "replicate modulo the number of batches"),
        Variable("horizon", ("horizon",), "i4", "week", "horizon of a restricted lifetime"),
        Variable("cause", ("cause",), "str", "1", "cause of the end, in the order in which they are judged"),
        Variable("end", ("end",), "str", "1", "how a firm ended: censored, or the cause"),
    )
)

DRAWN_FROM = "drawn_from"
"""Attribute of the coordinates that hold draws of a posterior."""

RESERVED_DIMS = frozenset(
    {*COORDINATES, "cell", "replicate", "step", "division", "trajectory", "firm", "draw", "stratum", "alarm_kind"}
)


def reserved(model: Model) -> frozenset[str]:
    """Return the names that results use themselves, which no axis of a study may have."""
    of_marks = {name for mark in model.marks for name in (mark.dim, mark.counted, f"early_{mark.counted}")}
    texts = {f"{name}_characters" for name in ("cell", "cause", "end")}
    return RESERVED_DIMS | COUNTS.keys() | firm_variables(model).keys() | of_marks | texts


@dataclass(frozen=True)
class Counters:
    """The counters of one study: which there are, and how large.

    Attributes
    ----------
    marks : tuple of Mark
        Of the model.
    sizes : mapping
        Size of every dimension behind those of cells and strata.
    strata : int
        Rows of counts a cell; where there are several, counts have the dimension ``stratum`` behind those of cells.

    Examples
    --------
    >>> from firmfate.models import load_model
    >>> counters = Counters.of(load_model("car"), weeks=520, batches=32, horizons=2)
    >>> counters.shape("batch_events"), counters.bytes_per_cell
    ((32, 1, 40), 9912)
    """

    marks: tuple[Mark, ...]
    sizes: Mapping[str, int]
    strata: int = 1

    @classmethod
    def of(cls, model: Model, *, weeks: int, batches: int, horizons: int, strata: int = 1) -> Counters:
        """Return the counters of a model for a horizon, and so many batches, horizons and strata."""
        sizes = {
            "week": weeks,
            "bin": math.ceil(weeks / BIN_WEEKS),
            "batch": batches,
            "horizon": horizons,
            "cause": len(model.causes),
            "end": len(model.causes) + 1,
            "mark": len(model.marks),
            "value": max((mark.maximum for mark in model.marks), default=0) + 1,
            **{mark.dim: mark.maximum + 1 for mark in model.marks},
        }
        return cls(tuple(model.marks), sizes, strata)

    @cached_property
    def variables(self) -> dict[str, Counter]:
        """The variables of a dataset by name: those of `COUNTED`, the last ones once a mark."""
        found: dict[str, Counter] = {}
        for counter in COUNTED:
            for mark in self.marks if MARKS in counter.name else (None,):
                own = counter if mark is None else _of_mark(counter, mark)
                found[own.name] = own
        return found

    def dims(self, name: str) -> tuple[str, ...]:
        """Return the dims of a variable behind those of cells."""
        return (*(("stratum",) if self.strata > 1 else ()), *self.variables[name].dims[1:])

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable behind the dims of cells."""
        return tuple(self.strata if dim == "stratum" else self.sizes[dim] for dim in self.dims(name))

    @cached_property
    def bytes_per_cell(self) -> int:
        """Bytes of one cell's counts in the types of the register."""
        return sum(np.dtype(one.dtype).itemsize * math.prod(self.shape(name)) for name, one in self.variables.items())

    @cached_property
    def bytes_while_counting(self) -> int:
        """Bytes of one cell's counts while they are counted, eight a number."""
        return 8 * self.strata * sum(math.prod(self._table(counter)) for counter in COUNTED)

    def _table(self, counter: Counter) -> tuple[int, ...]:
        return tuple(self.sizes[dim] for dim in counter.dims[1:])

    def empty(self, cells: int) -> dict[str, NDArray[np.int64]]:
        """Return the tables of `COUNTED` without any firm, (cells * strata, ...), as the kernel fills them."""
        rows = cells * self.strata
        return {one.name: np.full((rows, *self._table(one)), one.start, np.int64) for one in COUNTED}

    def named(self, tables: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return views of the kernel's tables by variable, (cells, [stratum], ...)."""
        found = {}
        for counter in COUNTED:
            table = tables[counter.name]
            if self.strata > 1:
                table = table.reshape(len(table) // self.strata, self.strata, *table.shape[1:])
            if MARKS not in counter.name:
                found[counter.name] = table
                continue
            for place, mark in enumerate(self.marks):
                found[_of_mark(counter, mark).name] = table[..., place, :, : mark.maximum + 1]
        return found


def _of_mark(counter: Counter, mark: Mark) -> Counter:
    """Return a counter of marks as the variable of one of them."""
    return replace(
        counter,
        name=counter.name.replace(MARKS, mark.counted),
        dims=(CELLS, "end", mark.dim),
        long_name=counter.long_name.format(mark=mark.name, counted=mark.counted),
    )


def outcomes(model: Model) -> tuple[str, ...]:
    """Return the names of the values of `cause`: censored, the causes from 1 on, and last what stands for `INVALID`."""
    return ("censored", *(cause.name for cause in model.causes), "invalid")


def flags_of_cause(model: Model) -> dict[str, Any]:
    """Return the attributes that name the values of `cause`, as the CF conventions have them."""
    values = np.array([*range(len(model.causes) + 1), INVALID], np.uint8)
    return {"flag_values": values, "flag_meanings": " ".join(outcomes(model))}


def attributes(name: str, register: Mapping[str, Variable] = COUNTS) -> dict[str, str]:
    """Return the netCDF attributes (``units``, ``long_name``) of a registered variable."""
    entry = register[name]
    return {"units": entry.units, "long_name": entry.long_name}


def markdown(variables: Iterable[Variable] = COUNTS.values()) -> str:
    """Return variables as a table in Markdown.

    Examples
    --------
    >>> print(markdown([COUNTS["firms"]]))
    | variable | over | type | unit | meaning |
    |---|---|---|---|---|
    | `firms` | axes… | u8 | 1 | firms simulated, invalid ones included |
    """
    lines = ["| variable | over | type | unit | meaning |", "|---|---|---|---|---|"]
    for entry in variables:
        over = ", ".join("axes…" if dim == CELLS else dim for dim in entry.dims)
        lines.append(f"| `{entry.name}` | {over} | {entry.dtype} | {entry.units} | {entry.long_name} |")
    return "\n".join(lines)


def check_counts(ds: xr.Dataset) -> None:
    """Refuse a dataset whose registered variables are missing, or differ in dims or integer kind from the register.

    Its weeks must be all of 1, 2, .. H.

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
    if "week" in ds.coords and not np.array_equal(ds["week"].values, np.arange(1, ds.sizes["week"] + 1)):
        raise FirmfateError("the coordinate `week` must count 1, 2, .. H: estimates need every week from the start")
