"""The work of one shard: from cells and replicates to counts, and on to a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate import files
from firmfate.design import Cells, Population
from firmfate.devices import engine_on, firms_a_call
from firmfate.errors import BrokenShardError, IncompleteRunError
from firmfate.kernel.engine import Records, Varying
from firmfate.shards.file import ShardContent, ShardFile, read, write
from firmfate.shards.plan import Shard, week_ratio
from firmfate.shards.schema import RECORDED, Schema
from firmfate.study import Study

if TYPE_CHECKING:
    from firmfate.devices.choosing import AnyEngine

PIECE = 65_536
"""Firms stepped in one call of the kernel on a processor: bounds memory, and how long a signal has to wait."""


class DroppedShard(IncompleteRunError):
    """A shard that was dropped half-way, because the run is to stop; nothing of it is on disk."""


@dataclass(frozen=True)
class Receipt:
    """What travels back from a worker: which shard is done, and where."""

    name: str
    file: str
    firms: int
    firm_steps: int


@dataclass(frozen=True, eq=False)
class Worker:
    """Simulates shards of one study; one a process, shared by its threads.

    Attributes
    ----------
    study : Study
    fingerprint : str
        Of the study.
    device : str
        Of `firmfate.devices.DEVICES`; results do not depend on it.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.shards import Worker
    >>> from firmfate.shards.directory import fingerprint_of
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> worker = Worker(study, fingerprint_of(study))
    >>> counts = worker.counts(firmfate.plan(study).shards[0])
    >>> counts["firms"], counts["events"].shape  # of two cells, one cause, 260 weeks
    (array([64, 64]), (2, 1, 260))
    """

    study: Study
    fingerprint: str
    device: str = "cpu"

    @cached_property
    def cells(self) -> Cells:
        """The study's cells."""
        return self.study.cells

    @cached_property
    def population(self) -> Population | None:
        """The study's population, None where all firms of a cell have the same parameters."""
        found = self.study.population
        return found if len(found.fields) else None

    @cached_property
    def engine(self) -> AnyEngine:
        """The model, compiled."""
        return engine_on(self.device, self.study.model, dt=self.study.dt)

    @cached_property
    def schema(self) -> Schema:
        """What a shard holds."""
        return Schema.of(self.study, self.fingerprint)

    @property
    def strata(self) -> int:
        """Strata in which the firms of a cell are counted, 1 where the study has none."""
        return self.schema.counters.strata

    def records(self, cells: NDArray[np.intp], first: int, replicates: int, varying: Varying | None = None) -> Records:
        """Simulate a block and return what is recorded of every firm; `varying` where the draws are at hand."""
        return self.engine.run(
            self.cells.parameters[cells], key=self.study.seed, cells=self.cells.random_words[cells], first=first,
            replicates=replicates, steps=self.study.steps,
            varying=varying or self.varying(cells, first, replicates),
        )  # fmt: skip

    def stratum(self, varying: Varying | None) -> NDArray[np.int64] | None:
        """Return the stratum of every firm of a block, (1 or cells, replicates); None where there is only one."""
        if varying is None or self.population is None or self.strata == 1:
            return None
        return np.stack([self.population.stratum(values) for values in varying.values])

    def varying(self, cells: NDArray[np.intp], first: int, replicates: int) -> Varying | None:
        """Return what the population draws for these firms; cells share the draws where random numbers are common."""
        if self.population is None:
            return None
        numbers = np.arange(first, first + replicates, dtype=np.uint64)
        keys = [self.study.seed] if self.study.common_random_numbers else self.cells.random_keys[cells].tolist()
        values = np.stack([self.population.draw(int(key), numbers) for key in keys])
        return Varying(np.asarray(self.population.fields, np.int64), values)

    def counts(
        self, shard: Shard, stopped: Callable[[], bool] = lambda: False, *, kept: Records | None = None
    ) -> dict[str, NDArray[np.int64]]:
        """Simulate a shard, piece by piece, and return its counts by variable, (cells, [stratum], ...).

        Parameters
        ----------
        shard : Shard
        stopped : callable
        kept : Records, optional
            Arrays (cells, replicates) of the shard, filled with what is recorded of every firm.

        Raises
        ------
        DroppedShard
            Where `stopped` returns True before one of its pieces: a second or less after it began to.
        """
        study = self.study
        tables = self.schema.counters.empty(len(shard.cells))
        step_weeks, week_steps = week_ratio(study)
        horizons = np.array([weeks * week_steps // step_weeks for weeks in study.horizons], np.int64)
        cells = np.asarray(shard.cells)
        piece = firms_a_call(self.device, PIECE)
        per_piece = max(1, piece // shard.replicates)
        for begin in range(0, len(cells), per_piece):
            block = slice(begin, begin + per_piece)
            rows = slice(begin * self.strata, (begin + per_piece) * self.strata)
            part = {name: table[rows] for name, table in tables.items()}
            for first in range(shard.first, shard.first + shard.replicates, piece):
                if stopped():
                    raise DroppedShard(f"shard {shard.name} was dropped")
                replicates = min(piece, shard.first + shard.replicates - first)
                varying = self.varying(cells[block], first, replicates)
                records = self.records(cells[block], first, replicates, varying)
                self.engine.count(
                    records, part, first=first, step_weeks=step_weeks, week_steps=week_steps, horizons=horizons,
                    stratum=self.stratum(varying), strata=self.strata,
                )  # fmt: skip
                if kept is not None:
                    columns = slice(first - shard.first, first - shard.first + replicates)
                    for name in Records._fields:
                        getattr(kept, name)[..., block, columns] = getattr(records, name)
        return self.schema.counters.named(tables)

    def run(self, shard: Shard, folder: Path, stopped: Callable[[], bool] = lambda: False) -> Receipt:
        """Simulate a shard and write its file into `folder`; `stopped` as in `counts`."""
        kept = Records.empty(self.study.model, len(shard.cells), shard.replicates) if self.study.record_firms else None
        arrays: dict[str, NDArray[Any]] = dict(self.counts(shard, stopped, kept=kept))
        if kept is not None:
            arrays |= {f"{RECORDED}{name}": values for name, values in kept.named(self.study.model).items()}
        keys = tuple(self.cells.keys[cell] for cell in shard.cells)
        content = ShardContent(shard.first, shard.replicates, keys, arrays)
        return _receipt(shard, write(folder, shard.name, content, self.schema), content)

    def finished(self, shard: Shard, folder: Path) -> Receipt | None:
        """Return the receipt of a shard whose file is in `folder`, undamaged; None where there is none."""
        for name in files.names(folder):
            if not name.startswith(f"{shard.name}-"):  # of 20,000 names
                continue
            file = ShardFile.parse(folder / name)
            with contextlib.suppress(BrokenShardError):
                if file is not None:
                    return _receipt(shard, file.path, read(file, self.schema))
        return None


def _receipt(shard: Shard, path: Path, content: ShardContent) -> Receipt:
    """Return what travels back; at the last horizon, the study's, lifetimes add up to the steps that were simulated."""
    return Receipt(shard.name, path.name, shard.firms, int(content.arrays["batch_lifetime"][..., -1].sum()))
