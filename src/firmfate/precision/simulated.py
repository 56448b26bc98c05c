"""Some firms of a plan's cells, simulated and timed in memory: what a pilot is made of.

Rounds of firms are simulated and timed one after another, in all cells or, where there are too many, in cells drawn
anew each round; what rounds differ by is the spread. They are the firms that the run begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.dataset.summing import as_dataset
from firmfate.kernel.engine import Records
from firmfate.precision.packing import Packing, packing
from firmfate.precision.reached import Measured
from firmfate.precision.rules import Floats
from firmfate.precision.widths import widths
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import ShardContent, encode
from firmfate.shards.plan import Plan, Shard, firm_seconds
from firmfate.shards.schema import RECORDED, Schema, most_cells
from firmfate.shards.work import Worker

if TYPE_CHECKING:
    import xarray as xr

ROUNDS = 5
FEWEST_FIRMS = 64
"""Of a cell in a round: a call of the kernel for fewer is slower than the run's."""

MOST_PACKED = 64
"""Cells of a shard that is packed, to see how many bytes a cell takes and how long that lasts."""

Clock = Callable[[], float]


@dataclass(frozen=True, eq=False)
class Simulated:
    """Firms of some cells.

    Attributes
    ----------
    plan : Plan
    worker : Worker
    cells : (k,) array of int
        Positions of the cells.
    each : int
        Firms of a cell in a round.
    counted : dict
        Counts of all rounds by variable, (k, [stratum], ...).
    steps : (cells,) array
        Mean steps of a firm, by cell of the study; of cells that were not sampled, the mean of those that were.
    by_round : (rounds,) array
        Core-seconds a step of a firm.
    seconds : float
        What all rounds took.
    """

    plan: Plan
    worker: Worker
    cells: NDArray[np.intp]
    each: int
    counted: dict[str, NDArray[np.int64]]
    steps: Floats
    by_round: Floats
    seconds: float

    @property
    def all_cells(self) -> bool:
        """Whether they are of all cells of the study."""
        return len(self.cells) == len(self.plan.cells)

    @property
    def counts(self) -> xr.Dataset:
        """Counts over ``cell``."""
        return self._dataset(self.counted, over_axes=False)

    def measured(self) -> tuple[Measured, ...]:
        """Return how far the study's targets are with these firms, of all cells."""
        study = self.plan.study
        if study.precision is None:
            raise TypeError(f"study '{study.name}' has no [precision]")

        def counts(names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
            chosen = {
                name: self.counted[name] if positions is None else self.counted[name][positions] for name in names
            }
            return self._dataset(chosen, over_axes=positions is None)

        return widths(study.precision, counts, [self.cells], cells=len(self.cells), signs={})

    def _dataset(self, counted: dict[str, NDArray[np.int64]], *, over_axes: bool) -> xr.Dataset:
        return as_dataset(
            self.plan.study, self.plan.cells, self.worker.schema.counters, counted, over_axes=over_axes
        )  # fmt: skip

    def packing(self, plan: Plan, clock: Clock) -> Packing:
        """Return what packing takes in the shards of a plan, by some of the cells."""
        rows = np.arange(len(self.cells))[:: max(1, len(self.cells) // MOST_PACKED)][:MOST_PACKED]
        firms = self.counted["firms"].reshape(len(self.cells), -1).sum(axis=1)
        return packing(
            self._counts_alone, self._keys(self.cells[rows]),
            {name: table[rows] for name, table in self.counted.items()}, round(firms.mean()),
            {shard.replicates for shard in plan.shards}, clock,
        )  # fmt: skip

    def record_bytes(self) -> float:
        """Return bytes of a recorded firm in a shard; 0 where firms are not recorded."""
        study, cells = self.plan.study, self.cells[:MOST_PACKED]
        if not study.record_firms:
            return 0.0
        kept = Records.empty(study.model, len(cells), self.each)
        found: dict[str, Any] = dict(
            self.worker.counts(Shard(tuple(cells.tolist()), 0, self.each, ""), kept=kept)
        )  # fmt: skip
        keys = self._keys(cells)
        without = len(encode(ShardContent(0, self.each, keys, found), self._counts_alone)[1])
        found |= {f"{RECORDED}{name}": values for name, values in kept.named(study.model).items()}
        return (len(encode(ShardContent(0, self.each, keys, found), self.worker.schema)[1]) - without) / kept.cause.size

    @property
    def _counts_alone(self) -> Schema:
        return Schema(self.worker.schema.fingerprint, self.worker.schema.counters, records=False)

    def _keys(self, cells: NDArray[np.intp]) -> tuple[str, ...]:
        return tuple(self.plan.cells.keys[cell] for cell in cells)


def simulated(plan: Plan, seconds: float, clock: Clock) -> Simulated:
    """Simulate some firms of a plan's cells.

    Parameters
    ----------
    plan : Plan
    seconds : float
        Core-seconds that it may take at 10 ns a step, about; compiling the model is no part of it.
    clock : callable
        Seconds of this thread.
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
    by_round = np.array([spent / steps.sum() for spent, steps, _ in rounds])
    return Simulated(plan, worker, cells, each, total, by_cell, by_round, taken)


Round = tuple[float, Floats, dict[str, NDArray[np.int64]]]
"""Core-seconds, steps by cell, and counts."""


def _samples(cells: int, chosen: int) -> list[NDArray[np.intp]]:
    """Return the cells of every round: all of them, or one in each of as many stretches, anew each round."""
    if chosen == cells:
        return [np.arange(cells)] * ROUNDS
    random, edges = np.random.default_rng(0), np.linspace(0, cells, chosen + 1)
    found = [edges[:-1] + random.random(chosen) * np.diff(edges) for _ in range(ROUNDS)]
    return [one.astype(np.intp) for one in found]


def _round(worker: Worker, cells: NDArray[np.intp], first: int, replicates: int, clock: Clock) -> Round:
    shard = Shard(tuple(cells.tolist()), first, replicates, "")
    begin = clock()
    counted = worker.counts(shard)
    spent = clock() - begin
    lived = counted["batch_lifetime"][..., -1]
    return spent, lived.reshape(len(cells), -1).sum(axis=1).astype(np.float64), counted
