"""The engine: arrays in, arrays out. Steps every firm of a block of cells x replicates from birth to its end or the
horizon."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import BIN_WEEKS, COUNTED, EARLY_WEEKS, INVALID, Counters
from firmfate.errors import ModelError
from firmfate.kernel.compiler import collection_paused
from firmfate.kernel.compose import compose, usual_lanes
from firmfate.models.model import Model


class Records(NamedTuple):
    """What is recorded of every firm, each of shape (cells, replicates); `marks` has shape (marks, cells,
    replicates)."""

    event_step: NDArray[np.int32]
    cause: NDArray[np.uint8]
    alarm_step: NDArray[np.int32]
    marks: NDArray[np.uint8]

    @classmethod
    def empty(cls, model: Model, cells: int, replicates: int) -> Records:
        """Return arrays to be filled."""
        shape = (cells, replicates)
        return cls(
            np.empty(shape, np.int32),
            np.empty(shape, np.uint8),
            np.empty(shape, np.int32),
            np.empty((len(model.marks), *shape), np.uint8),
        )

    def named(self, model: Model) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, one a mark, each (cells, replicates)."""
        marks = {mark.name: values for mark, values in zip(model.marks, self.marks, strict=True)}
        return {"event_step": self.event_step, "cause": self.cause, "alarm_step": self.alarm_step, **marks}


def refuse_records(model: Model, records: Records) -> None:
    """Refuse marks that are no integers from 0 to their maximum: there is no place to count them.

    Raises
    ------
    ModelError
        Where a step returned such a mark.
    """
    for mark, values in zip(model.marks, records.marks, strict=True):
        if values.max(initial=0) > mark.maximum:
            strange = values[(values > mark.maximum) & (records.cause != INVALID)]
            if strange.size:
                refuse_mark(model, mark.name, int(strange.min()), mark.maximum)


def refuse_mark(model: Model, name: str, value: float, maximum: int) -> None:
    """Refuse a mark beyond its maximum, below 0, or between integers."""
    found = "a value below 0, above 254 or between integers" if value == 255 else f"{value:g}"
    raise ModelError.numbered(
        "FF120", f"step returned {found} as mark '{name}'; allowed: an integer from 0 to {maximum}", model=model.name
    )


class Trace(NamedTuple):
    """One firm's trajectory in the engine: its stocks at the start of every step, (steps, stocks), and its record."""

    stocks: NDArray[np.float64]
    records: Records


@dataclass(frozen=True)
class Varying:
    """Parameters that differ from firm to firm.

    Attributes
    ----------
    fields : (varying,) array of int64
        Which of the model's fields.
    values : (1 or cells, replicates, varying) array of float64
        Axis 0 has length 1 where all cells share the draws.
    """

    fields: NDArray[np.int64]
    values: NDArray[np.float64]


class Engine:
    """A model, compiled.

    Parameters
    ----------
    model : Model
    dt : float
        Step in weeks.
    lanes : int, optional
        Firms side by side, a multiple of 8; results do not depend on it.
    """

    _lock = threading.Lock()

    def __init__(self, model: Model, *, dt: float, lanes: int | None = None) -> None:
        lanes = usual_lanes() if lanes is None else lanes
        if lanes % 8 or lanes <= 0:
            raise ValueError(f"lanes = {lanes}; a positive multiple of 8")
        self.model, self.dt = model, float(dt)
        with Engine._lock, collection_paused():
            self._module = compose(model, lanes, weekly=self.dt == 1.0)

    @property
    def cached(self) -> bool:
        """Whether machine code is at hand, in this process or on disk from an earlier one."""
        folder = Path(self._module.__file__ or "").parent / "__pycache__"
        return self.compiled or any(folder.glob(f"{self._module.__name__}.run*.nbc"))

    @property
    def compiled(self) -> bool:
        """Whether machine code is at hand in this process."""
        return bool(self._module.run.signatures)

    def warm_up(self) -> float:
        """Compile, or load what an earlier process compiled; return the seconds that took."""
        begin = time.perf_counter()
        with Engine._lock, collection_paused() if self.cached else nullcontext():
            if not self.compiled:
                row = np.array([[self.model.defaults[name] for name in self.model.fields]])
                records, _ = self._run(row, 0, np.zeros(1, np.uint64), 0, 1, 1, None, 0)
                counts = Counters.of(self.model, weeks=1, batches=1, horizons=1).empty(1)
                self.count(records, counts, first=0, step_weeks=1, week_steps=1, horizons=np.ones(1, np.int64))
        return time.perf_counter() - begin

    def run(
        self,
        parameters: NDArray[np.float64],
        *,
        key: int,
        cells: NDArray[np.uint64],
        first: int,
        replicates: int,
        steps: int,
        varying: Varying | None = None,
    ) -> Records:
        """Step every firm of a block to its end.

        Parameters
        ----------
        parameters : (cells, fields) array
            Values in the order of ``model.fields``.
        key : int
            Key of all random numbers, 64 bits.
        cells : (cells,) array of uint64
            What tells the random numbers of cells apart (`firmfate.randomness.cell_word`); 0 where they are common.
        first, replicates : int
            The replicates ``first .. first + replicates - 1`` of every cell.
        steps : int
            Horizon in steps.
        varying : Varying, optional
            Values that differ from firm to firm, in place of those in `parameters`.

        Returns
        -------
        Records
            ``event_step`` counts from 1 and is the horizon where the firm is censored (``cause`` 0); ``alarm_step`` 0 =
            never; ``cause`` 255 = the arithmetic failed.

        Raises
        ------
        ModelError
            Where the model's step returned a mark beyond its maximum.
        """
        self.warm_up()
        return self._run(parameters, key, cells, first, replicates, steps, varying, 0)[0]

    def count(
        self,
        records: Records,
        counts: Mapping[str, NDArray[np.int64]],
        *,
        first: int,
        step_weeks: int,
        week_steps: int,
        horizons: NDArray[np.int64],
        stratum: NDArray[np.int64] | None = None,
        strata: int = 1,
    ) -> None:
        """Add the records of a block to its counts, in place.

        Parameters
        ----------
        records : Records
        counts : mapping
            Tables as `firmfate.counts.Counters.empty` makes them.
        first : int
            Replicate of the block's first column.
        step_weeks, week_steps : int
            A step is ``step_weeks / week_steps`` weeks; an event's week is that of the step's end, rounded up.
        horizons : (horizon,) array of int64
            In steps.
        stratum : (1 or cells, replicates) array of int64, optional
            Stratum of every firm; row ``cell * strata + stratum`` of the counts is that of the firm.
        strata : int
        """
        self._module.count(
            *records,
            np.zeros((1, 1), np.int64) if stratum is None else stratum,
            np.int64(strata),
            *(np.int64(number) for number in (first, step_weeks, week_steps, BIN_WEEKS, EARLY_WEEKS)),
            horizons,
            *(counts[counter.name] for counter in COUNTED),
        )

    def trace(
        self,
        parameters: NDArray[np.float64],
        *,
        key: int,
        cell: int,
        replicate: int,
        steps: int,
        varying: Varying | None = None,
    ) -> Trace:
        """Step one firm to its end by the same machine code as `run`, and keep its stocks at the start of every
        step."""
        self.warm_up()
        cells = np.array([cell], np.uint64)
        records, path = self._run(parameters.reshape(1, -1), key, cells, replicate, 1, steps, varying, steps)
        return Trace(path, records)

    def _run(
        self,
        parameters: NDArray[np.float64],
        key: int,
        cells: NDArray[np.uint64],
        first: int,
        replicates: int,
        steps: int,
        varying: Varying | None,
        traced: int,
    ) -> tuple[Records, NDArray[np.float64]]:
        records = Records.empty(self.model, len(parameters), replicates)
        fields = np.zeros(0, np.int64) if varying is None else np.ascontiguousarray(varying.fields, np.int64)
        values = np.zeros((1, 1, 0)) if varying is None else np.ascontiguousarray(varying.values, np.float64)
        path = np.full((traced, self._module.N_STOCKS), np.nan)
        lived = self._module.run(
            np.ascontiguousarray(parameters, np.float64), np.uint64(key), np.ascontiguousarray(cells, np.uint64),
            values, fields, np.int64(first), np.int64(steps), self.dt, *records, path,
        )  # fmt: skip
        refuse_records(self.model, records)
        return records, path[: min(int(records.event_step[0, 0]), int(lived))]
