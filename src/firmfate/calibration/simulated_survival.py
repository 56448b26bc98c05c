"""Simulated survival by age at points of a box of free parameters."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import INVALID, WEEKS_PER_YEAR
from firmfate.design.population import WORDS
from firmfate.errors import StudyError
from firmfate.kernel.compiler import VERSION
from firmfate.kernel.engine import Engine, Varying
from firmfate.models import Model, load_model
from firmfate.parameter_range import ParameterRange, Ranges, ranges_of
from firmfate.study import Study
from firmfate.tables.source import Source

Floats = NDArray[np.float64]


class SimulatedSurvival:
    """Survival of a population at any values of its free parameters.

    Parameters
    ----------
    model : str
    ages : (ages,) array
        Years.
    free : mapping
        Key -> range. A key is that of a parameter (``cash_buffer``), or ``population.KEY.ARGUMENT`` for an argument of
        a distribution (``population.execution.a``); ``misalignment_sales`` is ``misalignment.sales``.
    parameters, population : mapping
        As the tables [parameters] and [population] of a study; a free parameter takes the place of its value there. Of
        a distribution with a free argument, all arguments by name: ``{"beta": {"a": 2, "b": 2}}``.
    steps_per_week : float, optional
        The model's own where not given.
    threads : int

    Raises
    ------
    StudyError
        Where a range is empty or leaves what the model allows, or a key is unknown or written twice.

    Examples
    --------
    >>> import numpy as np
    >>> from firmfate.calibration import SimulatedSurvival
    >>> simulated = SimulatedSurvival("car", np.array([1.0, 5.0]), {"drift": (-0.5, 0)}, parameters={"execution": 0})
    >>> simulated.values([0.5])
    {'drift': -0.25}
    >>> lowest, highest = simulated.curves([[0.0], [1.0]], firms=500, seed=1)  # the same 500 firms twice
    >>> lowest < highest
    array([ True,  True])
    """

    def __init__(
        self,
        model: str,
        ages: Floats,
        free: Ranges,
        *,
        parameters: Mapping[str, Any] | None = None,
        population: Mapping[str, Any] | None = None,
        steps_per_week: float | None = None,
        threads: int = 1,
    ) -> None:
        self.ages = ages
        self._given: dict[str, Any] = {
            "study": {"name": "calibrated", "model": model, "years": float(np.max(ages))},
            "parameters": dict(parameters or {}),
            **({"population": dict(population)} if population else {}),
        }
        if steps_per_week is not None:
            self._given["study"]["steps_per_week"] = steps_per_week
        self._threads = threads
        read = load_model(model)
        self.free = _free_of(read, free)
        dt = Study(**self._given).dt
        self._given |= _by_keys(read, self._given)
        self._engine = Engine(read, dt=dt)
        self._engine.warm_up()
        self._drawn: dict[tuple[int, int, int, str], Varying] = {}
        for key, span in self.free.items():
            if not span.low < span.high or (span.log and span.low <= 0):
                raise StudyError(
                    f"free {key} = {span.low:g} to {span.high:g}: low must be below high, and above 0 on a log scale"
                )
        for corner in (0.0, 1.0):
            for key in self.free:
                Study(**self.tables({key: self.free[key].value(corner)}))

    def values(self, unit: Sequence[float] | Floats) -> dict[str, float]:
        """Return the values of the free parameters at a point of the unit cube."""
        inside = np.clip(np.asarray(unit, dtype=np.float64), 0.0, 1.0)
        return {key: span.value(at) for (key, span), at in zip(self.free.items(), inside.tolist(), strict=True)}

    def tables(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Return the tables of a study with these values, which is what is simulated."""
        tables = copy.deepcopy(self._given)
        for key, value in values.items():
            first, _, rest = key.partition(".")
            if first != "population":
                tables["parameters"][key] = value
                continue
            name, _, argument = rest.rpartition(".")
            family = tables.get("population", {}).get(name)
            arguments = next(iter(family.values())) if isinstance(family, dict) and len(family) == 1 else None
            if not isinstance(arguments, dict) or argument not in arguments:
                raise StudyError(
                    f"free {key}: [population] has no distribution of '{name}' with a named argument '{argument}'"
                )
            arguments[argument] = value
        return tables

    @property
    def identity(self) -> str:
        """Return as text what simulated counts depend on beside points, ages, firms and seed."""
        known = {**self._given, "free": self.free, "program": self._engine.model.program.digest, "kernel": VERSION}
        return json.dumps(known, sort_keys=True, default=str)

    def curves(
        self,
        units: Sequence[Sequence[float]] | Floats,
        *,
        firms: int,
        seed: int,
        first: Sequence[int] | None = None,
    ) -> Floats:
        """Return the share alive at every age, (points, ages), at points of the unit cube.

        NaN where the arithmetic of a firm fails, or the values break a joint condition of the model. Firms of every
        point are the replicates 0 .. firms - 1, the same ones; with `first`, from a number of the point's own on.
        """
        starts = [0] * len(units) if first is None else first
        with ThreadPoolExecutor(self._threads) as pool:
            found = list(
                pool.map(lambda unit, start: self._curve(self.values(unit), firms, seed, start), units, starts)
            )
        return np.array(found)

    def _curve(self, values: Mapping[str, float], firms: int, seed: int, first: int) -> Floats:
        tables = self.tables(values)
        study = Study(**{**tables, "study": {**tables["study"], "seed": seed}})
        try:
            cells = study.cells
        except StudyError:
            return np.full(len(self.ages), np.nan)
        records = self._engine.run(
            cells.parameters, key=study.seed, cells=cells.random_words, first=first, replicates=firms,
            steps=study.steps, varying=self._varying(study, firms, first),
        )  # fmt: skip
        end, lived = records.cause[0], records.event_step[0]
        if (end == INVALID).any():
            return np.full(len(self.ages), np.nan)
        lived = np.where(end == 0, study.steps + 1, lived)
        steps = np.round(self.ages * WEEKS_PER_YEAR / study.dt).astype(np.int64)
        alive: Floats = (lived > steps[:, np.newaxis]).mean(axis=1)
        return alive

    def _varying(self, study: Study, firms: int, first: int) -> Varying | None:
        """Return the parameters that firms draw; kept while the distributions stay the same."""
        people = study.population
        if not len(people):
            return None
        key = (study.seed, firms, first, str(people.described))
        if (held := self._drawn.get(key)) is not None:
            return held
        drawn = Varying(
            np.asarray(people.fields, np.int64),
            people.draw(study.seed, np.arange(first, first + firms, dtype=np.uint64))[np.newaxis],
        )
        if len(self._drawn) > 8 * self._threads:
            self._drawn.clear()  # another thread may hold one of these, and has it
        self._drawn[key] = drawn
        return drawn


def _by_keys(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables [parameters] and [population] with the keys of the model: ``misalignment.sales``, however it
    is written."""
    source = Source(model, Path())
    tables: dict[str, Any] = {"parameters": dict(source.parameters(given["parameters"], "parameters"))}
    if population := given.get("population"):
        more = {word: population[word] for word in WORDS if word in population}
        tables["population"] = {**dict(source.parameters(population, "population", words=WORDS)), **more}
    return tables


def _free_of(model: Model, given: Ranges) -> dict[str, ParameterRange]:
    """Return the ranges by the keys of the model."""
    found: dict[str, ParameterRange] = {}
    for written, span in ranges_of(given).items():
        first, _, rest = written.partition(".")
        name, _, argument = rest.rpartition(".")
        key = f"population.{model.key(name)}.{argument}" if first == "population" and name else model.key(written)
        if key in found:
            raise StudyError(f"free {key} is written twice, with '.' and with '_'; keep one")
        found[key] = span
    return found
