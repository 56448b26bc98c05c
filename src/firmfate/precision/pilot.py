"""A pilot: a few seconds of a study's own cells, measured, in place of round numbers in its plan.

Firms are simulated in memory (`firmfate.precision.simulated`). Of [precision] all rounds are predicted from them, with
the cells that `refine` adds, of which some firms are simulated too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from firmfate.precision.allocation import Allowed, at_the_end
from firmfate.precision.around_firms import around_firms
from firmfate.precision.prediction import Pilot
from firmfate.precision.reached import Measured
from firmfate.precision.refinement import refined, refinement
from firmfate.precision.rules import MOST_GROWTH
from firmfate.precision.simulated import Clock, Simulated, simulated
from firmfate.shards.plan import Plan
from firmfate.shards.plan import plan as plan_of
from firmfate.study import Study

SECONDS = 3.0
"""What a pilot takes, in core-seconds, about; and once more where cells are going to be added."""


def pilot(plan: Plan, *, seconds: float = SECONDS, clock: Clock = time.thread_time) -> Pilot:
    """Simulate some firms of a plan's cells, and return what they show.

    Parameters
    ----------
    plan : Plan
    seconds : float
        Core-seconds that it may take at 10 ns a step, about. Compiling the model comes first, and is not part of it.
    clock : callable
        Seconds of this thread.

    Examples
    --------
    >>> from firmfate import Study, plan
    >>> from firmfate.precision import pilot
    >>> study = Study(name="cars", model="car", replicates=20_000, grid={"misalignment": [0, 1]})
    >>> found = pilot(plan(study), seconds=0.01)
    >>> found.cells.tolist(), bool(found.core_seconds > 0)
    ([0, 1], True)
    """
    firms = simulated(plan, seconds, clock)
    if plan.study.precision is None or not firms.all_cells:
        return _predicted(firms, [plan], clock)
    measured, look = _looked_at(firms, clock)
    rounds, added = [plan], refinement(plan.study.precision.refine, measured)
    finer = refined(plan.study, added)
    if not Allowed.of(plan.study).holds(finer.firms_by_cell):
        added = ()
    if added:
        rounds = [_in_cells_of(plan, finer), _of_new_cells(plan, finer)]
        firms = simulated(plan_of(finer), seconds, clock)
        if not firms.all_cells:
            return _predicted(firms, rounds, clock, added=added)
        measured, look = _looked_at(firms, clock)
    rounds += _later_rounds(rounds[-1].study, measured)
    return _predicted(firms, rounds, clock, added=added, targets=measured, looks=len(rounds) * look)


def _looked_at(firms: Simulated, clock: Clock) -> tuple[tuple[Measured, ...], float]:
    """Return how far targets are, and the core-seconds it takes to see that, but for imports of the first time."""
    firms.measured()
    begin = clock()
    return firms.measured(), clock() - begin


def _in_cells_of(plan: Plan, finer: Study) -> Plan:
    """Return the same shards of the study with new cells."""
    cells, place = finer.cells, {key: position for position, key in enumerate(finer.cells.keys)}
    shards = (
        replace(shard, cells=tuple(place[plan.cells.keys[cell]] for cell in shard.cells)) for shard in plan.shards
    )
    return replace(plan, study=finer, cells=cells, shards=tuple(shards))


def _of_new_cells(plan: Plan, finer: Study) -> Plan:
    held = zip(plan.cells.keys, plan.study.firms_by_cell.tolist(), strict=True)
    return plan_of(finer, covered={key: [(0, firms)] for key, firms in held})


def _later_rounds(study: Study, measured: Sequence[Measured]) -> Iterator[Plan]:
    """Yield plans of the rounds that targets are predicted to take after the first."""
    held, cells = study.firms_by_cell, study.cells
    firms = at_the_end(measured, held, Allowed.of(study), batches=study.batches, alike=study.record_firms)
    while (held < firms).any():
        covered = {key: [(0, count)] for key, count in zip(cells.keys, held.tolist(), strict=True)}
        held = np.minimum(firms, (MOST_GROWTH * held).astype(np.int64))
        yield plan_of(study.grown(held), covered=covered, cells=cells)


def _predicted(
    firms: Simulated, rounds: Sequence[Plan], clock: Clock, *, added: tuple[float, ...] = (),
    targets: tuple[Measured, ...] = (), looks: float = 0.0,
) -> Pilot:  # fmt: skip
    """Return what firms show of all rounds."""
    all_rounds = replace(rounds[-1], shards=tuple(shard for one in rounds for shard in one.shards), done=rounds[0].done)
    return Pilot(
        all_rounds, firms.cells, firms.counts, firms.steps, firms.by_round, firms.packing(all_rounds, clock),
        firms.record_bytes(), firms.seconds, around_firms(all_rounds, clock) + looks, targets, added,
    )  # fmt: skip
