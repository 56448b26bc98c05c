"""What the shards of a study hold: counters and, for ``[record] firms = true``, records of every firm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from firmfate.counts import Counters
from firmfate.kernel.engine import Records
from firmfate.models.declarations import Mark
from firmfate.study import Study

RECORDED = "recorded_"
"""Begins the names of a shard's arrays that hold records of every firm, (cell, replicate)."""

HELD_BYTES = 64 * 1024**2
"""Counts of one shard in memory, eight bytes each, at most: many cells of few firms make more shards, not larger."""


def counters_of(study: Study) -> Counters:
    """Return the counters of a study."""
    return Counters.of(
        study.model, weeks=study.weeks, batches=study.batches, horizons=len(study.horizons),
        strata=study.population.strata_count,
    )  # fmt: skip


def most_cells(counters: Counters) -> int:
    """Return how many cells a shard holds at most."""
    return max(1, HELD_BYTES // counters.bytes_while_counting)


def recorded_names(marks: tuple[Mark, ...]) -> tuple[str, ...]:
    """Return the names of what is recorded of every firm, a name a mark."""
    return (*(name for name in Records._fields if name != "marks"), *(mark.name for mark in marks))


@dataclass(frozen=True)
class Schema:
    """What any shard of a study holds; reading checks every file against it.

    Attributes
    ----------
    fingerprint : str
        Of the study.
    counters : Counters
    records : bool
        Whether every firm is recorded.
    """

    fingerprint: str
    counters: Counters
    records: bool

    @classmethod
    def of(cls, study: Study, fingerprint: str) -> Schema:
        """Return the schema of a study."""
        return cls(fingerprint, counters_of(study), study.record_firms)

    @cached_property
    def most_cells(self) -> int:
        """Cells of a shard, at most."""
        return most_cells(self.counters)

    def arrays(self, cells: int, replicates: int) -> Iterator[tuple[str, tuple[str, ...], tuple[int, ...]]]:
        """Yield name, dims and shape of every array of a shard of so many cells and replicates, in the file's order."""
        for name, dims, shape in self._counted:
            yield name, dims, (cells, *shape)
        if self.records:
            for name in recorded_names(self.counters.marks):
                yield RECORDED + name, ("cell", "replicate"), (cells, replicates)

    @cached_property
    def _counted(self) -> tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...]:
        """Name, dims, and shape behind that of cells of every counter."""
        return tuple(
            (name, ("cell", *self.counters.dims(name)), self.counters.shape(name)) for name in self.counters.variables
        )
