"""Our own kernel as a peer: `firm` with a cell's parameters, with every parameter given firm by firm, as a user's model
in a file of its own, and `car`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from benchmarks.kernel import users_file
from benchmarks.kernel.parameters import DEFAULTS
from benchmarks.kernel.peer import Cells, Firms, Peer

UNIFORM, PER_LANE, CAR = "firmfate, uniform", "firmfate, per-lane", "firmfate car"
USERS = "firmfate, a user's file"
CAR_STEPS_PER_WEEK = 1 / 13


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


def uniform(cells: Cells, firms: int, seed: int, model: str = "firm") -> Firms:
    """Simulate `firm` by the public function, from its arguments to its dataset."""
    import firmfate

    ds = firmfate.simulate(
        model,
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
    """Simulate `firm` with all parameters given firm by firm: the values are the cell's, the engine cannot know."""
    from firmfate.kernel.engine import Engine, Varying
    from firmfate.models import load_model
    from firmfate.simulation.given_values import cell_words, parameter_table

    model, dt = load_model("firm"), 1 / cells.steps_per_week
    table = parameter_table(model, cells.execution, cells.misalignment, changed(cells), dt)
    values = np.repeat(table[:, None, :], firms, axis=1)
    varying = Varying(fields=np.arange(table.shape[1]), values=values)
    records = Engine(model, dt=dt).run(
        table, key=seed, cells=cell_words(model, table, seed, True), first=0, replicates=firms, steps=cells.steps,
        varying=varying,
    )  # fmt: skip
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
    yield Peer(USERS, partial(uniform, model=users_file.write()), 4000, True)
    yield Peer(PER_LANE, per_lane, 4000, True)
    yield Peer(CAR, car, 40_000, False)
