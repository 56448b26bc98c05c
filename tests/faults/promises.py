"""What must hold of the run directory that is attacked, and the bits that it is held to.

One small study in three extents, of which each holds the one before. A command ends well, or refuses in a message that
names a file; where nothing goes wrong it ends well; what was reported as finished is there after every crash; and
whatever is complete has the bits of a run that nothing disturbed.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np
from tests.faults.simulated_disk import Dead

from firmfate import Study, provenance
from firmfate.dataset.summing import Counted
from firmfate.errors import FirmfateError
from firmfate.execute import run
from firmfate.execute.base import Executor, Work
from firmfate.shards import RunDirectory
from firmfate.shards.schema import counters_of

EXPECTED = (
    "a run may grow, but not shrink",
    "a run may grow, but not lose cells",
    "is not empty and holds no run",
    "is no run directory",
    "holds no finished shard",
    "; run it again to go on, or gather with --allow-incomplete",
    "broken shard(s)",
)
"""Refusals that nothing has to go wrong for: a smaller extent, a run that is not begun or not complete, decay."""


@functools.cache
def studies() -> tuple[Study, ...]:
    """Return the study in its three extents."""
    extents = ((30, [0.1, 0.9]), (50, [0.1, 0.9]), (50, [0.1, 0.5, 0.9]))
    return tuple(
        Study(
            study={"name": "attacked", "model": "car", "years": 2, "replicates": replicates, "seed": 7},
            grid={"execution": execution}, record={"batches": 8},
        )
        for replicates, execution in extents
    )  # fmt: skip


def counts(directory: RunDirectory, study: Study) -> dict[str, bytes]:
    """Return the counts of a complete run, added up in memory, as bytes."""
    found = Counted(directory, study, study.cells).sums(tuple(counters_of(study).variables))
    return {name: values.tobytes() for name, values in found.items()}


def gathered(path: Path) -> dict[str, bytes]:
    """Return every variable of a netCDF file as bytes."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return {name: np.ascontiguousarray(variable[...]).tobytes() for name, variable in file.variables.items()}


@dataclass(frozen=True)
class InTurn(Executor):
    """Run shards one after another in this thread, and note those that are finished."""

    finished: set[str]

    def run(self, work: Work) -> None:
        """Run shards until all are finished."""
        for shard in work.shards:
            receipt = work.worker.run(shard, work.directory.shards)
            self.finished.add(receipt.file)
            work.done(receipt)


@functools.cache
def undisturbed() -> tuple[tuple[dict[str, bytes], dict[str, bytes]], ...]:
    """Return of every extent the counts in memory and those of ``result.nc``, of a run on the system's own disk."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for place, study in enumerate(studies()):
            directory = RunDirectory(Path(folder) / str(place))
            run(study, into=directory.path, on=InTurn(set()), progress=False).close()
            found.append((counts(directory, study), gathered(directory.result)))
    return tuple(found)


class Violation(AssertionError):
    """What must hold and did not."""


@contextmanager
def prepared() -> Iterator[None]:
    """Ask for versions and commit once, not in every schedule: that takes 20 ms."""
    own = provenance.versions, provenance.commit
    undisturbed()
    provenance.versions, provenance.commit = (functools.cache(call) for call in own)  # type: ignore[assignment]
    try:
        yield
    finally:
        provenance.versions, provenance.commit = own


@dataclass
class Promises:
    """What commands have reported of a run directory, which holds ever after.

    Attributes
    ----------
    directory : RunDirectory
    finished : set of str
        Names of shards.
    gathered : bool
        Whether there is a ``result.nc``.
    claimed : int
        The extent that the directory has at least; below 0 where it has none.
    """

    directory: RunDirectory
    finished: set[str] = field(default_factory=set)
    gathered: bool = False
    claimed: int = -1

    def outcome(self, fault: BaseException | None, *, disturbed: bool) -> str:
        """Return how a command ended: well, dead, or refused by the name of a file; without cause, only as expected."""
        if fault is None:
            return "unharmed"
        if isinstance(fault, Dead):
            return "died"
        if not isinstance(fault, FirmfateError):
            raise fault
        if str(self.directory.path.parents[2]) not in str(fault):
            raise Violation(f"a refusal that names no file: {fault}")
        if any(words in str(fault) for words in EXPECTED):
            return "not the extent, or not complete"
        if not disturbed:
            raise Violation(f"a refusal without a cause: {fault}")
        return "refused, naming the file"

    def check(self) -> None:
        """See that what was finished is there, and that what is complete has the right bits."""
        held = {path.name for folder in ("shards", "broken") for path in (self.directory.path / folder).glob("*.shard")}
        if lost := self.finished - held:
            raise Violation(f"lost: {sorted(lost)}")
        if self.claimed >= 0:
            record = json.loads(self.directory.provenance_file.read_text())
            texts = [study.text for study in studies()]
            wanted = studies()[self.claimed]
            if (
                record["replicates"] < wanted.replicates
                or record["cells"] < len(wanted.cells)
                or texts.index(self.directory.study_file.read_text()) < self.claimed
            ):
                raise Violation(f"lost: the record of extent {self.claimed}")
        if self.gathered and not self.directory.result.exists():
            raise Violation("lost: result.nc")
        if self.directory.result.exists():
            found = gathered(self.directory.result)
            if not any(found == expected for _, expected in undisturbed()):
                raise Violation("result.nc has other bits")

    def compare(self, study: Study) -> None:
        """See that the counts of a complete run have the right bits."""
        place = next(place for place, other in enumerate(studies()) if other.text == study.text)
        if counts(self.directory, study) != undisturbed()[place][0]:
            raise Violation(f"the counts of extent {place} have other bits")
