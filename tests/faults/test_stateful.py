"""Run, killed, crashed, extended, gathered, replayed, exported, in any order: what hypothesis finds, it shortens."""

from __future__ import annotations

import functools
import random
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.faults.promises import InTurn, counts, gathered, prepared, studies, undisturbed
from tests.faults.simulated_disk import Dead, Faults, SimulatedDisk

import firmfate
from firmfate import files
from firmfate.cli import main
from firmfate.dataset import gather
from firmfate.errors import IncompleteRunError, RunDirectoryError
from firmfate.execute import ArrayPart, run
from firmfate.shards import RunDirectory, status

REPLAYED = (0, 7, 29)
CALLS = st.integers(0, 80)


@functools.cache
def references() -> tuple[tuple[bytes, dict[int, tuple[object, object]]], ...]:
    """Return of every extent, of a run that nothing disturbed, the table that is exported, and how firms end."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for place, study in enumerate(studies()):
            into, table = Path(folder) / str(place), Path(folder) / f"{place}.csv"
            run(study, into=into, on=InTurn(set()), progress=False).close()
            assert main(["export", str(into), "--into", str(table), "--quiet"]) == 0
            found.append((table.read_bytes(), {replicate: ending(into, replicate) for replicate in REPLAYED}))
    return tuple(found)


def ending(directory: Path, replicate: int) -> tuple[object, object]:
    """Replay a firm; return its cause and how far it came, step by step."""
    firm = firmfate.replay(directory, execution=0.9, replicate=replicate)
    return firm.attrs["cause"], firm["distance"].values.tobytes()


class RunMachine(RuleBasedStateMachine):
    """A run directory on a disk that fails; `extent` is the largest that was claimed to a good end."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """Begin with nothing."""
        self.root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.disk = SimulatedDisk(self.root, random.Random(seed))
        self.own, files.disk = files.disk, self.disk
        self.directory = RunDirectory(self.root / "run")
        self.finished: set[str] = set()
        self.extent, self.process, self.complete = -1, 0, False

    def teardown(self) -> None:
        """Give the disk back."""
        if hasattr(self, "root"):
            files.disk = self.own
            shutil.rmtree(self.root)

    def _be(self) -> None:
        self.process += 1
        self.disk.alive = {self.process}
        self.disk.begin(self.process)

    def _see_named(self, fault: Exception, place: Path, wrong: str = "") -> None:
        assert str(place) in str(fault)
        assert not wrong, f"{wrong}: {fault}"

    def _run(self, extent: int, faults: Faults, part: tuple[int, int] = (0, 1)) -> bool:
        """Run an extent or a part of it; return whether it has ended well."""
        self._be()
        on = ArrayPart(*part, InTurn(self.finished))
        with self.disk.step(faults):
            try:
                run(studies()[extent], into=self.directory.path, on=on, progress=False, shard_scale=1e-6)
            except Dead:
                return False
            except RunDirectoryError as fault:
                self._see_named(fault, self.root.parent)
                return False
        self.extent = max(self.extent, extent)
        self.complete = part == (0, 1)
        return True

    @rule(more=st.booleans())
    def run_or_extend(self, more: bool) -> None:
        """Run what is missing; with more replicates, or cells, than before."""
        extent = min(max(self.extent, 0) + more, 2)
        well = self._run(extent, Faults())
        # Where a larger extent was claimed and then killed, the smaller is refused: the larger one goes on.
        assert well or any(self._run(larger, Faults()) for larger in range(extent + 1, 3))

    @rule(kind=st.sampled_from(["kill", "crash", "fail"]), at=CALLS, more=st.booleans())
    def run_disturbed(self, kind: str, at: int, more: bool) -> None:
        """Run, and be killed, or fail."""
        self.complete = self.complete and not more
        self._run(min(max(self.extent, 0) + more, 2), Faults(kind, at, at))

    @rule(index=st.integers(0, 1))
    def run_part(self, index: int) -> None:
        """Run a part, as an array job does."""
        was = self.complete
        if self._run(max(self.extent, 0), Faults(), (index, 2)):
            self.complete = was

    @precondition(lambda self: self.complete)
    @rule(kind=st.sampled_from(["none", "kill", "crash", "fail"]), at=CALLS)
    def gather(self, kind: str, at: int) -> None:
        """Gather, disturbed or not."""
        self._be()
        with self.disk.step(Faults(kind, at, at)):
            try:
                gather(self.directory.path).close()
            except Dead:
                return
            except (RunDirectoryError, IncompleteRunError) as fault:
                self._see_named(fault, self.root.parent, "" if kind == "fail" else "without a cause")

    @precondition(lambda self: self.complete and self.directory.result.exists())
    @rule()
    def export(self) -> None:
        """Export what was gathered last."""
        self._be()
        table = self.root / "table.csv"
        assert main(["export", str(self.directory.path), "--into", str(table), "--quiet"]) == 0
        assert table.read_bytes() in [exported for exported, _ in references()]

    @precondition(lambda self: self.complete)
    @rule(replicate=st.sampled_from(REPLAYED))
    def replay(self, replicate: int) -> None:
        """Simulate a firm of the run again."""
        self._be()
        assert ending(self.directory.path, replicate) in [firms[replicate] for _, firms in references()]

    @invariant()
    def nothing_finished_is_lost(self) -> None:
        """Look after every step."""
        if not hasattr(self, "root"):
            return
        self._be()
        held = {file.path.name for file in self.directory.files()}
        assert self.finished <= held
        if self.directory.result.exists():
            assert gathered(self.directory.result) in [bits for _, bits in undisturbed()]
        if self.complete:
            study = self.directory.study()
            assert status(self.directory.path).missing == 0
            place = next(place for place, other in enumerate(studies()) if other.text == study.text)
            assert counts(self.directory, study) == undisturbed()[place][0]


def look(examples: int, steps: int, *phases: Phase) -> None:
    """Have hypothesis look for a sequence of steps after which something does not hold."""
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
        phases=phases or tuple(Phase), report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with prepared():
        run_state_machine_as_test(RunMachine, settings=chosen)


@pytest.mark.slow
def test_nothing_is_lost_in_any_sequence() -> None:
    look(20, 10)


@pytest.mark.slow
def test_a_shard_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "settle", lambda _: None)
    with pytest.raises(AssertionError):
        look(200, 10, Phase.generate)
