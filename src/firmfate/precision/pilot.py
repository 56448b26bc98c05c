"""A pilot in memory: a few seconds of a study's own cells, measured, in place of round numbers in its plan.

Rounds of firms are simulated and timed one after another, in all cells or, where there are too many, in cells drawn
anew each round; what rounds differ by is the spread. Nothing is written, and the firms are those that the run begins
with, so the pilot shows what the run will count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR, Counters
from firmfate.dataset.summing import as_dataset
from firmfate.kernel.engine import Records
from firmfate.machine import cores
from firmfate.precision.allocation import Allowed, at_the_end
from firmfate.precision.forecast import finite
from firmfate.precision.packing import Packing, packing
from firmfate.precision.reached import Measured
from firmfate.precision.rules import MOST_GROWTH, Floats, exact_limit
from firmfate.precision.widths import widths
from firmfate.precision.words import asked, unit_of
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import ShardContent, encode
from firmfate.shards.plan import (
    SHARD_BYTES,
    Plan,
    Shard,
    firm_seconds,
    human_bytes,
    human_seconds,
)
from firmfate.shards.plan import plan as plan_of
from firmfate.shards.schema import RECORDED, Schema, most_cells
from firmfate.shards.work import Worker
from firmfate.survival import rmst
from firmfate.survival.core.limits import student_quantile

if TYPE_CHECKING:
    import xarray as xr

SECONDS = 3.0
"""What a pilot takes, in core-seconds, about."""

ROUNDS = 5
FEWEST_FIRMS = 64
"""Of a cell in a round: a call of the kernel for fewer is slower than the run's."""

ENOUGH_FIRMS = 32
"""Of a cell, for its standard error and for a warning that it has no events."""

MOST_PACKED = 64
"""Cells of a shard that is packed, to see how many bytes a cell takes and how long that lasts."""


@dataclass(frozen=True, eq=False)
class Pilot:
    """What was measured, and what follows for a plan.

    Attributes
    ----------
    plan : Plan
    cells : (k,) array of int
        Positions of the cells of which firms were simulated.
    counts : xarray.Dataset
        Of these firms, over ``cell``.
    steps : (cells,) array
        Mean steps of a firm, by cell of the study; of cells that were not sampled, the mean of those that were.
    by_round : (rounds,) array
        Core-seconds a step of a firm.
    packing : Packing
        Bytes and core-seconds of a cell's counts in a shard.
    record_bytes : float
        Bytes of a recorded firm.
    seconds : float
        What the pilot took.
    targets : tuple of Measured
        Of [precision], with the firms of the pilot; the plan is then that of all rounds. Empty without such, and where
        not all cells were simulated.
    """

    plan: Plan
    cells: NDArray[np.intp]
    counts: xr.Dataset
    steps: Floats
    by_round: Floats
    packing: Packing
    record_bytes: float
    seconds: float
    targets: tuple[Measured, ...] = ()

    @property
    def firms(self) -> int:
        """Firms that were simulated."""
        return int(self.counts["firms"].sum())

    @cached_property
    def missing_steps(self) -> float:
        """Steps of the firms that are to be run."""
        return float(sum(self.steps[list(shard.cells)].sum() * shard.replicates for shard in self.plan.shards))

    @property
    def core_seconds(self) -> float:
        """Work for what is missing: firms, and packing their counts."""
        entries = sum(len(shard.cells) for shard in self.plan.shards)
        return float(self.by_round.mean()) * self.missing_steps + self.packing.seconds * entries

    @property
    def spread(self) -> float:
        """Half the width of 95 % limits of `core_seconds`, by what rounds differ by."""
        rounds = len(self.by_round)
        se = float(self.by_round.std(ddof=1)) / math.sqrt(rounds)
        return float(student_quantile(0.95, np.asarray(rounds - 1))) * se * self.missing_steps

    @property
    def shard_bytes(self) -> int:
        """Bytes of all shards' files, from those of the pilot."""
        total = 0.0
        for shard in self.plan.shards:
            total += (
                SHARD_BYTES + shard.firms * self.record_bytes + len(shard.cells) * self.packing.of(shard.replicates)
            )
        return round(total)

    @cached_property
    def se(self) -> Floats:
        """Standard errors of mean lifetimes to expect, years, in the cells of which enough firms were simulated."""
        now, later = self.counts["firms"].values, self.plan.study.firms_by_cell[self.cells]
        found: Floats = rmst(self.counts)["se"].values * np.sqrt(now / later) / WEEKS_PER_YEAR
        return found[np.isfinite(found) & (now >= ENOUGH_FIRMS)]

    @property
    def without(self) -> NDArray[np.intp]:
        """Positions of the cells in which none of enough firms had an event."""
        events = self.counts["events"].sum(("cause", "week")).values
        found: NDArray[np.intp] = self.cells[(events == 0) & (self.counts["firms"].values >= ENOUGH_FIRMS)]
        return found

    @property
    def most_events(self) -> float:
        """Events to expect at most in a cell in which the pilot had none (exact limit, 97.5 %)."""
        none = np.isin(self.cells, self.without)
        if not none.any():
            return 0.0
        limit = exact_limit(self.counts["firms"].values[none], 0.95)
        return float((limit * self.plan.study.firms_by_cell[self.cells[none]]).max())

    def table(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "firms": self.firms,
            "cells": len(self.cells),
            "seconds": self.seconds,
            "core_seconds": self.core_seconds,
            "core_seconds_spread": self.spread,
            "steps_a_firm": float(self.steps.mean()),
            "nanoseconds_a_step": float(self.by_round.mean()) * 1e9,
            "shard_bytes": self.shard_bytes,
            "largest_se_weeks": float(self.se.max()) * WEEKS_PER_YEAR if self.se.size else None,
            "median_se_weeks": float(np.median(self.se)) * WEEKS_PER_YEAR if self.se.size else None,
            "cells_without_events": len(self.without),
            "expected_half_widths": {one.target.key: finite(self.expected(one)) for one in self.targets},
        }

    def expected(self, one: Measured) -> float:
        """Return the largest half-width of a target to expect after all rounds; NaN where none is known."""
        return one.expected(self.plan.study.firms_by_cell)

    def __str__(self) -> str:
        work, spread, workers = self.core_seconds, self.spread, cores()
        cells = f"{len(self.cells):,} of {len(self.plan.cells):,} cells"
        lines = [
            f"measured  {self.firms:,} firms in {cells}, in {human_seconds(self.seconds)}: "
            f"{self.steps.mean():,.0f} steps a firm, {self.by_round.mean() * 1e9:.2g} ns a step",
            f"          {human_seconds(work)} ± {human_seconds(spread)} on one core ({work / 3600:.3g} core-hours), "
            f"{human_seconds(work / workers)} on {workers} idle ones; {human_bytes(self.shard_bytes)} of shards",
        ]
        if self.se.size:
            lines.append(
                f"          standard error of a cell's mean lifetime {np.median(self.se):.2g} years, at most "
                f"{self.se.max():.2g}"
            )
        if self.targets:
            firms = self.plan.study.firms_by_cell
            each = f"{'up to ' if np.unique(firms).size > 1 else ''}{int(firms.max()):,} a cell"
            lines.append(f"          all rounds: {self.plan.firms:,} firms ({each})")
        lines += [
            f"expected  {one.target.key}: ± {self.expected(one):.2g}{unit_of(one.target.key)} at {one.level:.4g}; "
            f"asked for {asked(one.target.key, one.target.within)}"
            for one in self.targets
            if math.isfinite(self.expected(one))
        ]
        if len(self.without):
            lines.append(
                f"warning   no firm of the pilot had an event in {len(self.without):,} cell(s); expect at most "
                f"{self.most_events:.2g} in each"
            )
        return "\n".join(lines)


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
