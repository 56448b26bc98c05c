"""What a pilot of a study's own cells shows: time, bytes, errors and targets to expect of a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.machine import cores
from firmfate.precision.forecast import finite
from firmfate.precision.packing import Packing
from firmfate.precision.reached import Measured
from firmfate.precision.refinement import refinement
from firmfate.precision.rules import Floats, exact_limit
from firmfate.precision.words import asked, unit_of
from firmfate.shards.plan import Plan, human_bytes, human_seconds
from firmfate.survival import rmst
from firmfate.survival.core.limits import student_quantile

if TYPE_CHECKING:
    import xarray as xr

ENOUGH_FIRMS = 32
"""Of a cell, for its standard error and for a warning that it has no events."""


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
        What these firms took.
    beside : float
        Core-seconds of all else: the start of the run, looks at its targets, gathering and typical trajectories.
    targets : tuple of Measured
        Of [precision], with the firms of the pilot; the plan is then that of all rounds. Empty without such, and where
        not all cells were simulated.
    added : tuple of float
        Misalignments that `refine` is predicted to add; their cells are the plan's.
    """

    plan: Plan
    cells: NDArray[np.intp]
    counts: xr.Dataset
    steps: Floats
    by_round: Floats
    packing: Packing
    record_bytes: float
    seconds: float
    beside: float
    targets: tuple[Measured, ...] = ()
    added: tuple[float, ...] = ()

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
        """Work for what is missing: firms, packing their counts, and what is done beside them."""
        entries = sum(len(shard.cells) for shard in self.plan.shards)
        return float(self.by_round.mean()) * self.missing_steps + self.packing.seconds * entries + self.beside

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
            total += self.packing.shard + shard.firms * self.record_bytes
            total += len(shard.cells) * self.packing.of(shard.replicates)
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
            "core_seconds_beside_firms": self.beside,
            "steps_a_firm": float(self.steps.mean()),
            "nanoseconds_a_step": float(self.by_round.mean()) * 1e9,
            "shard_bytes": self.shard_bytes,
            "largest_se_weeks": float(self.se.max()) * WEEKS_PER_YEAR if self.se.size else None,
            "median_se_weeks": float(np.median(self.se)) * WEEKS_PER_YEAR if self.se.size else None,
            "cells_without_events": len(self.without),
            "new_misalignments": list(self.added),
            "expected_half_widths": {one.target.key: finite(self.expected(one)) for one in self.targets},
        }

    def _refinement_words(self) -> list[str]:
        """Return what is foreseen of `refine`, and that targets of sampled cells are not."""
        precision = self.plan.study.precision
        if precision is None:
            return []
        lines = []
        if self.added:
            values = ", ".join(f"{value:g}" for value in self.added)
            lines.append(f"          with new cells at misalignment {values}, or near by: where the pilot sees m*")
        elif precision.refine and self.targets:
            why = "the pilot does not see where m* lies"
            if refinement(precision.refine, self.targets):
                why = "at_most has no room for their pilots"
            elif any(one.around for one in self.targets):
                why = "misalignments beside m* are close enough"
            lines.append(f"          no new cells are foreseen (refine): {why}")
        if not self.targets:
            rounds = "rounds" if self.added else "round"
            lines.append(f"          of the first {rounds} alone: too many cells to see what targets need")
        return lines

    def expected(self, one: Measured) -> float:
        """Return the largest half-width of a target to expect after all rounds; NaN where none is known."""
        return one.expected(self.plan.study.firms_by_cell)

    def __str__(self) -> str:
        work, spread, workers = self.core_seconds, self.spread, cores()
        together = self.beside + (work - self.beside) / workers
        cells = f"{len(self.cells):,} of {len(self.plan.cells):,} cells"
        lines = [
            f"measured  {self.firms:,} firms in {cells}, in {human_seconds(self.seconds)}: "
            f"{self.steps.mean():,.0f} steps a firm, {self.by_round.mean() * 1e9:.2g} ns a step",
            f"          {human_seconds(work)} ± {human_seconds(spread)} on one core ({work / 3600:.3g} core-hours), "
            f"{human_seconds(together)} on {workers} idle ones; {human_bytes(self.shard_bytes)} of shards",
            f"          {human_seconds(self.beside)} of it on one core in any case: start, "
            f"{'looks at targets, ' if self.targets else ''}gathering, typical trajectories",
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
        lines += self._refinement_words()
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
