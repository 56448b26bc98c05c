"""The engine: arrays in, arrays out. Steps every firm of a block of cells x replicates from birth to its end or the
horizon."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import BIN_WEEKS, COUNTED, EARLY_WEEKS, Counters
from firmfate.errors import ModelError
from firmfate.kernel.compose import LANES, compose
from firmfate.kernel.draws import round_keys
from firmfate.models.model import Mark, Model

INVALID = 255
"""The end of a firm whose arithmetic failed."""

UNKNOWN = 254
"""The end of a firm whose step returned what is no whole number below this: never in records that are handed on."""


class Records(NamedTuple):
    """What is recorded of every firm, each of shape (cells, replicates); `marks` has shape (marks, cells,
    replicates)."""

    event_step: NDArray[np.int32]
    end: NDArray[np.uint8]
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
        return {"event_step": self.event_step, "end": self.end, "alarm_step": self.alarm_step, **marks}


def refuse_records(model: Model, records: Records) -> None:
    """Refuse causes and marks that the model does not name: there is no place to count them.

    Raises
    ------
    ModelError
        Where a step returned such a cause or mark.
    """
    strange = records.end[(records.end > len(model.causes)) & (records.end != INVALID)]
    if strange.size:
        cause = int(strange.min())
        refuse_cause(model, f"cause {cause}" if cause < UNKNOWN else f"a cause that is no whole number below {UNKNOWN}")
    for mark, values in zip(model.marks, records.marks, strict=True):
        if values.max(initial=0) > mark.maximum:
            strange = values[(values > mark.maximum) & (records.end != INVALID)]
            if strange.size:
                refuse_mark(model, mark, int(strange.min()))


def refuse_cause(model: Model, told: str) -> NoReturn:
    """Tell that a step returned a cause that the model does not name."""
    named = ", ".join(f"{place} = {cause.name}" for place, cause in enumerate(model.causes, start=1))
    raise ModelError(f"model '{model.name}': step returned {told}; allowed: 0 = lives on, {named}")


def refuse_mark(model: Model, mark: Mark, value: float) -> NoReturn:
    """Tell that a step returned a mark beyond its maximum, or below 0."""
    told = "one below 0 or above 254" if value == 255 else f"{value:g}"
    raise ModelError(f"model '{model.name}': step returned {told} as mark '{mark.name}'; allowed: 0 to {mark.maximum}")


class Trace(NamedTuple):
    """One firm's life as the engine lived it: (steps, stocks), (steps, shocks), (traits,), and its record."""

    stocks: NDArray[np.float64]
    shocks: NDArray[np.float64]
    traits: NDArray[np.float64]
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
    lanes : int
        Firms side by side, a multiple of 8; results do not depend on it.
    """

    _lock = threading.Lock()

    def __init__(self, model: Model, *, lanes: int = LANES) -> None:
        if lanes % 8 or lanes <= 0:
            raise ValueError(f"lanes = {lanes}; a positive multiple of 8")
        self.model = model
        with Engine._lock:
            self._module = compose(model, lanes)

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
        with Engine._lock:
            if not self.compiled:
                row = np.array([[self.model.defaults[name] for name in self.model.fields]])
                records, _ = self._run(row, 0, 0, 1, 1, 1.0 / self.model.steps_per_week, None, None)
                counts = Counters.of(self.model, weeks=1, batches=1, horizons=1).empty(1)
                self.count(records, counts, first=0, step_weeks=1, week_steps=1, horizons=np.ones(1, np.int64))
        return time.perf_counter() - begin

    def run(
        self,
        parameters: NDArray[np.float64],
        keys: NDArray[np.uint64],
        *,
        first: int,
        replicates: int,
        steps: int,
        dt: float,
        varying: Varying | None = None,
    ) -> Records:
        """Step every firm of a block to its end.

        Parameters
        ----------
        parameters : (cells, fields) array
            Values in the order of ``model.fields``.
        keys : (cells,) array of uint64
            Key of each cell's random numbers.
        first, replicates : int
            The replicates ``first .. first + replicates - 1`` of every cell.
        steps : int
            Horizon in steps.
        dt : float
            Step in weeks.
        varying : Varying, optional
            Values that differ from firm to firm, in place of those in `parameters`.

        Returns
        -------
        Records
            ``event_step`` counts from 1 and is the horizon where the firm is censored (``end`` 0); ``alarm_step`` 0 =
            never; ``end`` 255 = the arithmetic failed.

        Raises
        ------
        ModelError
            Where the model's step returned a cause or a mark that the model does not name.
        """
        self.warm_up()
        if np.all(keys == keys[:1]):
            return self._run(parameters, int(keys[0]), first, replicates, steps, dt, varying, None)[0]
        records = Records.empty(self.model, len(parameters), replicates)
        for cell, key in enumerate(keys.tolist()):
            own = varying
            if varying is not None and len(varying.values) > 1:
                own = Varying(varying.fields, varying.values[cell : cell + 1])
            part, _ = self._run(parameters[cell : cell + 1], key, first, replicates, steps, dt, own, None)
            for name in Records._fields:
                getattr(records, name)[..., cell : cell + 1, :] = getattr(part, name)
        return records

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
        key: int,
        *,
        replicate: int,
        steps: int,
        dt: float,
        varying: Varying | None = None,
    ) -> Trace:
        """Step one firm to its end by the same machine code as `run`, and keep its stocks and shocks at every step."""
        self.warm_up()
        shocks, traits = len(self.model.shocks._fields), self._module.N_TRAITS
        paths = (
            np.full((steps, self._module.N_STOCKS), np.nan),
            np.full((steps, shocks), np.nan),
            np.full(traits, np.nan),
        )
        records, lived = self._run(parameters.reshape(1, -1), key, replicate, 1, steps, dt, varying, paths)
        return Trace(paths[0][:lived], paths[1][:lived], paths[2], records)

    def _run(
        self,
        parameters: NDArray[np.float64],
        key: int,
        first: int,
        replicates: int,
        steps: int,
        dt: float,
        varying: Varying | None,
        paths: tuple[Any, Any, Any] | None,
    ) -> tuple[Records, int]:
        records = Records.empty(self.model, len(parameters), replicates)
        fields = np.zeros(0, np.int64) if varying is None else np.ascontiguousarray(varying.fields, np.int64)
        values = np.zeros((1, 1, 0)) if varying is None else np.ascontiguousarray(varying.values, np.float64)
        traces = paths or (np.empty((0, 0)), np.empty((0, 0)), np.empty(0))
        keys = np.array(round_keys(key), np.uint64).view(np.float64)
        lived = self._module.run(
            np.ascontiguousarray(parameters, np.float64), keys, values, fields, np.int64(first), np.int64(steps),
            float(dt), *records, *traces,
        )  # fmt: skip
        refuse_records(self.model, records)
        return records, min(int(records.event_step[0, 0]), int(lived))
