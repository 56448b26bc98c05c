"""A pilot in memory: a few seconds of a study's own cells, measured, in place of round numbers in its plan.

Rounds of firms are simulated and timed one after another, in all cells or, where there are too many, in cells drawn
anew each round; what rounds differ by is the spread. Nothing is written, and the firms are those that the run begins
with, so the pilot shows what the run will count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import Counters
from firmfate.dataset.summing import as_dataset
from firmfate.kernel.engine import Records
from firmfate.precision.allocation import Allowed, at_the_end
from firmfate.precision.packing import Packing, packing
from firmfate.precision.prediction import Pilot
from firmfate.precision.rules import MOST_GROWTH, Floats
from firmfate.precision.widths import widths
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import ShardContent, encode
from firmfate.shards.plan import (
    Plan,
    Shard,
    firm_seconds,
)
from firmfate.shards.plan import plan as plan_of
from firmfate.shards.schema import RECORDED, Schema, most_cells
from firmfate.shards.work import Worker

if TYPE_CHECKING:
    import xarray as xr

SECONDS = 3.0
"""What a pilot takes, in core-seconds, about."""

ROUNDS = 5
FEWEST_FIRMS = 64
"""Of a cell in a round: a call of the kernel for fewer is slower than the run's."""

MOST_PACKED = 64
"""Cells of a shard that is packed, to see how many bytes a cell takes and how long that lasts."""


def pilot(plan: Plan, *, seconds: float = SECONDS, clock: Callable[[], float] = time.thread_time) -> Pilot:
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
    study = plan.study
    worker = Worker(study, fingerprint_of(study))
    worker.engine.warm_up()
    allowed = max(1, int(seconds / firm_seconds(study) / ROUNDS))
    chosen = min(len(plan.cells), max(1, allowed // FEWEST_FIRMS), most_cells(worker.schema.counters))
    each = max(1, min(allowed // chosen, int(study.firms_by_cell.min()) // ROUNDS))
    samples = _samples(len(plan.cells), chosen)
    begin = clock()
    rounds = [_round(worker, cells, place * each, each, clock) for place, cells in enumerate(samples)]
    taken = clock() - begin
    by_round = np.array([spent / steps.sum() for spent, steps, _ in rounds])
    cells = np.unique(np.concatenate(samples))
    total = {name: np.zeros((len(cells), *table.shape[1:]), np.int64) for name, table in rounds[0][2].items()}
    lived = np.zeros(len(cells))
    for at, (_, steps, counted) in zip(samples, rounds, strict=True):
        rows = np.searchsorted(cells, at)
        lived[rows] += steps
        for name, table in counted.items():
            total[name][rows] += table
    firms = total["firms"].reshape(len(cells), -1).sum(axis=1)
    by_cell = np.full(len(plan.cells), lived.sum() / firms.sum())
    by_cell[cells] = lived / firms
    counters = worker.schema.counters
    found = Pilot(
        plan, cells, as_dataset(study, plan.cells, counters, total, over_axes=False), by_cell, by_round,
        _packing(worker, cells, total, round(firms.mean()), _sizes(plan), clock),
        _record_bytes(worker, cells[:MOST_PACKED], each), taken,
    )  # fmt: skip
    if study.precision is None or len(cells) < len(plan.cells):
        return found
    found = _of_all_rounds(found, total, counters)
    return replace(found, packing=_packing(worker, cells, total, round(firms.mean()), _sizes(found.plan), clock))


def _of_all_rounds(found: Pilot, total: Mapping[str, NDArray[np.int64]], counters: Counters) -> Pilot:
    """Return the same of the rounds that the targets are predicted to take."""
    first = found.plan
    study, cells = first.study, first.cells

    def counts(names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
        chosen = {name: total[name] if positions is None else total[name][positions] for name in names}
        return as_dataset(study, cells, counters, chosen, over_axes=positions is None)

    assert study.precision is not None
    measured = widths(study.precision, counts, [found.cells], cells=len(cells), signs={})
    firms = at_the_end(
        measured, study.firms_by_cell, Allowed.of(study), batches=study.batches, alike=study.record_firms
    )
    held, plan, shards = study.firms_by_cell, first, first.shards
    while (held < firms).any():
        covered = {key: [(0, count)] for key, count in zip(cells.keys, held.tolist(), strict=True)}
        held = np.minimum(firms, (MOST_GROWTH * held).astype(np.int64))
        plan = plan_of(study.grown(held), covered=covered, cells=cells)
        shards += plan.shards
    return replace(found, plan=replace(plan, shards=shards, done=first.done), targets=measured)


Round = tuple[float, Floats, dict[str, NDArray[np.int64]]]
"""Core-seconds, steps by cell, and counts."""


def _samples(cells: int, chosen: int) -> list[NDArray[np.intp]]:
    """Return the cells of every round: all of them, or one in each of as many stretches, anew each round."""
    if chosen == cells:
        return [np.arange(cells)] * ROUNDS
    random, edges = np.random.default_rng(0), np.linspace(0, cells, chosen + 1)
    found = [edges[:-1] + random.random(chosen) * np.diff(edges) for _ in range(ROUNDS)]
    return [one.astype(np.intp) for one in found]


def _round(worker: Worker, cells: NDArray[np.intp], first: int, replicates: int, clock: Callable[[], float]) -> Round:
    shard = Shard(tuple(cells.tolist()), first, replicates, "")
    begin = clock()
    counted = worker.counts(shard)
    spent = clock() - begin
    lived = counted["batch_lifetime"][..., -1]
    return spent, lived.reshape(len(cells), -1).sum(axis=1).astype(np.float64), counted


def _sizes(plan: Plan) -> set[int]:
    return {shard.replicates for shard in plan.shards}


def _packing(
    worker: Worker, cells: NDArray[np.intp], counts: Mapping[str, NDArray[np.int64]], firms: int, sizes: set[int],
    clock: Callable[[], float],
) -> Packing:  # fmt: skip
    """Return what packing takes, by some of the cells."""
    some = cells[:: max(1, len(cells) // MOST_PACKED)][:MOST_PACKED]
    rows = np.searchsorted(cells, some)
    schema = Schema(worker.schema.fingerprint, worker.schema.counters, records=False)
    keys = tuple(worker.cells.keys[cell] for cell in some)
    return packing(schema, keys, {name: table[rows] for name, table in counts.items()}, firms, sizes, clock)


def _record_bytes(worker: Worker, cells: NDArray[np.intp], replicates: int) -> float:
    """Return bytes of a recorded firm in a shard; 0 where firms are not recorded."""
    study = worker.study
    if not study.record_firms:
        return 0.0
    kept = Records.empty(study.model, len(cells), replicates)
    counted: dict[str, Any] = dict(worker.counts(Shard(tuple(cells.tolist()), 0, replicates, ""), kept=kept))
    keys = tuple(worker.cells.keys[cell] for cell in cells)
    counts_alone = Schema(worker.schema.fingerprint, worker.schema.counters, records=False)
    without = len(encode(ShardContent(0, replicates, keys, counted), counts_alone)[1])
    counted |= {f"{RECORDED}{name}": values for name, values in kept.named(study.model).items()}
    return (len(encode(ShardContent(0, replicates, keys, counted), worker.schema)[1]) - without) / kept.cause.size
