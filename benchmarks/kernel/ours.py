"""Our own kernel as a peer: version 1 of `firm`, a user's model in a file of its own, with a cell's parameters and with
those of each firm; and the built-in models, whose equations are others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.kernel.parameters import DEFAULTS
from benchmarks.kernel.peer import Cells, Firms, Peer

if TYPE_CHECKING:
    from firmfate import Model

UNIFORM = "firmfate, uniform"
CAR_STEPS_PER_WEEK = 1 / 13


@cache
def version_1() -> Model:
    """Return version 1 of `firm`, loaded by path and name like any user's model."""
    from firmfate.models import load_model

    return load_model(f"{Path(__file__).with_name('firm_version_1.py')}:MODEL")


def to_firms(ds: Any, steps_per_week: float) -> Firms:
    """Return the dataset of `firmfate.simulate` as plain arrays in steps; `car` has no green KPIs."""
    event, alarm = (
        np.rint(ds[name].to_numpy() * steps_per_week).astype(np.int32) for name in ("event_week", "alarm_week")
    )
    end = ds["cause"].to_numpy()
    green = ds["green_kpis"].to_numpy() if "green_kpis" in ds else np.zeros_like(end)
    return Firms(event, end, alarm, green)


def changed(cells: Cells) -> dict[str, float]:
    """Return the parameters that are not at their defaults."""
    return {
        name: float(value)
        for (name, default), value in zip(DEFAULTS.items(), cells.parameters, strict=True)
        if value != default
    }


def uniform(cells: Cells, firms: int, seed: int, model: str | None = None) -> Firms:
    """Simulate version 1, or a built-in model, by the public function, from its arguments to its dataset."""
    import firmfate

    ds = firmfate.simulate(
        model or version_1(),
        execution=cells.execution,
        misalignment=cells.misalignment,
        parameters=changed(cells),
        weeks=cells.steps // cells.steps_per_week,
        steps_per_week=cells.steps_per_week,
        seed=seed,
        replicates=firms,
        threads=1,
    )
    return to_firms(ds, cells.steps_per_week)


def per_lane(cells: Cells, firms: int, seed: int) -> Firms:
    """Simulate version 1 with all parameters given firm by firm: the values are the cell's, the engine cannot know."""
    from firmfate.kernel.engine import Engine, Varying
    from firmfate.simulation.given_values import parameter_table

    model, dt = version_1(), 1 / cells.steps_per_week
    table = parameter_table(model, cells.execution, cells.misalignment, changed(cells), dt)
    varying = Varying(fields=np.arange(table.shape[1]), values=np.repeat(table[:, None, :], firms, axis=1))
    common = np.zeros(len(table), np.uint64)
    records = Engine(model, dt=dt).run(
        table, key=seed, cells=common, first=0, replicates=firms, steps=cells.steps, varying=varying
    )
    return Firms(records.event_step, records.cause, records.alarm_step, records.marks[0])


def car(cells: Cells, firms: int, seed: int) -> Firms:
    """Simulate `car` over the same nine cells and years, in its own steps of a quarter."""
    import firmfate

    weeks = cells.steps // cells.steps_per_week
    ds = firmfate.simulate(
        "car",
        execution=cells.execution[:, 0],
        misalignment=cells.misalignment[:, 0],
        weeks=weeks,
        seed=seed,
        replicates=firms,
        threads=1,
    )
    return to_firms(ds, CAR_STEPS_PER_WEEK)


def peers() -> Iterator[Peer]:
    """Yield our kernel's four."""
    yield Peer(UNIFORM, uniform, 4000, True)
    yield Peer("firmfate, per-lane", per_lane, 4000, True)
    yield Peer("firmfate, built-in firm (version 2)", partial(uniform, model="firm"), 4000, True, same_model=False)
    yield Peer("firmfate, built-in car", car, 40_000, True, same_model=False)
