"""Run, killed, crashed, extended, merged, gathered, replayed, exported in any order; hypothesis shortens what it finds.

On this processor and an older one, under this Python and others, and with the model edited in between.
"""

from __future__ import annotations

import functools
import platform
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
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
from tests.endtoend.pythons import others
from tests.faults.elsewhere import OLDER, Elsewhere, Process
from tests.faults.promises import InTurn, counts, gathered, prepared, studies, undisturbed
from tests.faults.simulated_disk import Dead, Faults, SimulatedDisk

import firmfate
from firmfate import Study, files
from firmfate.cli import main
from firmfate.dataset import gather
from firmfate.errors import IncompleteRunError, RunDirectoryError
from firmfate.execute import ArrayPart, Executor, run
from firmfate.models import car
from firmfate.shards import RunDirectory, Shard, ShardFile, status
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import encode, read
from firmfate.shards.schema import Schema
from firmfate.shards.work import Receipt

REPLAYED = (0, 7, 29)
WORDS = ("run", "killed", "refused", "extended", "gathered", "merged", "replayed", "exported", "edited")
"""What a search must have gone through to the end, beside every other processor and Python."""
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


@functools.cache
def made_elsewhere() -> tuple[tuple[str, bytes], ...]:
    """Return names and content of shards of all extents, of runs in other directories, in few large shards."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, study in enumerate(studies()):
            directory = RunDirectory(Path(folder) / str(place))
            run(study, into=directory.path, on=ArrayPart(0, 1, InTurn(set())), progress=False)
            found |= {shard.path.name: shard.path.read_bytes() for shard in directory.files()}
    return tuple(sorted(found.items()))


@functools.cache
def edited() -> tuple[Study, ...]:
    """Return the study in its extents with a model in which one number was edited."""
    text, number = Path(car.__file__).read_text(encoding="utf-8"), "WEEKS_PER_YEAR = 52.0"
    assert text.count(number) == 1
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "car.py").write_text(text.replace(number, "WEEKS_PER_YEAR = 53.0"), encoding="utf-8")
        return tuple(
            Study.parse(study.text.replace('model = "car"', 'model = "car.py:MODEL"'), beside=Path(folder))
            for study in studies()
        )


def everything(folder: Path) -> dict[Path, bytes | None]:
    """Return the content of every file below a folder, None of folders."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


class RunMachine(RuleBasedStateMachine):
    """A run directory on a disk that fails; `extent` is the largest that was claimed to a good end."""

    processes: Mapping[str, Process]
    """Those that simulate on another processor, and under other Pythons."""
    done: Counter[str]
    """How often rules that a sequence may pass by have been gone through to the end."""

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

    def _run(self, extent: int, faults: Faults, part: tuple[int, int] = (0, 1), where: Executor | None = None) -> bool:
        """Run an extent or a part of it, here or elsewhere; return whether it has ended well."""
        self._be()
        on = ArrayPart(*part, where or InTurn(self.finished))
        with self.disk.step(faults):
            try:
                run(studies()[extent], into=self.directory.path, on=on, progress=False, shard_scale=1e-6)
            except Dead:
                self.done["killed"] += 1
                return False
            except RunDirectoryError as fault:
                self._see_named(fault, self.root.parent)
                self.done["refused"] += 1
                return False
        self.done["extended" if 0 <= self.extent < extent else "run"] += 1
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

    @rule(data=st.data(), kind=st.sampled_from(["none", "none", "kill", "crash", "fail"]), at=CALLS, more=st.booleans())
    def run_elsewhere(self, data: st.DataObject, kind: str, at: int, more: bool) -> None:
        """Go on on another processor, or under another Python."""
        name = data.draw(st.sampled_from(sorted(self.processes)))
        self.complete = self.complete and not more
        extent = min(max(self.extent, 0) + more, 2)
        before = len(self.finished)
        self._run(extent, Faults(kind, at, at), where=Elsewhere(self.processes[name], self.finished))
        self.done[name] += len(self.finished) - before

    @precondition(lambda self: self.extent >= 0)
    @rule(place=st.integers(0, 2))
    def edit_the_model(self, place: int) -> None:
        """Run the study with another version of its model: refused, nothing touched."""
        self._be()
        before = everything(self.root)
        with pytest.raises(RunDirectoryError, match="holds firms of another version of the model 'car'") as refused:
            run(edited()[place], into=self.directory.path, on=InTurn(self.finished), progress=False)
        self._see_named(refused.value, self.directory.path)
        assert everything(self.root) == before
        self.done["edited"] += 1

    @precondition(lambda self: self.extent >= 0)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        """Copy a shard from another directory, which was cut into others."""
        self._be()
        name, content = data.draw(st.sampled_from(made_elsewhere()), label="shard")
        files.write(self.directory.shards / name, content)
        self.finished.add(name)
        self.done["merged"] += 1

    @precondition(lambda self: self.complete)
    @rule(kind=st.sampled_from(["none", "kill", "crash", "fail"]), at=CALLS)
    def gather(self, kind: str, at: int) -> None:
        """Gather, disturbed or not."""
        self._be()
        with self.disk.step(Faults(kind, at, at)):
            try:
                gather(self.directory.path).close()
                self.done["gathered"] += 1
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
        self.done["exported"] += 1

    @precondition(lambda self: self.complete)
    @rule(replicate=st.sampled_from(REPLAYED))
    def replay(self, replicate: int) -> None:
        """Simulate a firm of the run again."""
        self._be()
        assert ending(self.directory.path, replicate) in [firms[replicate] for _, firms in references()]
        self.done["replayed"] += 1

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


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[str, Process]]:
    """Begin what simulates elsewhere: as an older processor, and under every other Python that there is."""
    begun = {f"Python {version}": Process(python) for version, python in others().items()}
    if platform.machine() in ("x86_64", "AMD64"):
        begun["an older processor"] = Process(**OLDER)
    yield begun or {"another process": Process()}
    for process in begun.values():
        process.close()


def look(processes: dict[str, Process], examples: int, steps: int, *phases: Phase) -> Counter[str]:
    """Have hypothesis look for a sequence of steps after which something does not hold; return `RunMachine.done`."""
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
        phases=phases or tuple(Phase), report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    class Machine(RunMachine):
        pass

    Machine.processes, Machine.done = processes, Counter()
    with prepared():
        run_state_machine_as_test(Machine, settings=chosen)
    return Machine.done


@pytest.mark.slow
def test_nothing_is_lost_in_any_sequence(processes: dict[str, Process]) -> None:
    done = look(processes, 25, 12)
    assert all(done[name] > 0 for name in (*processes, *WORDS)), done


@pytest.mark.slow
def test_a_shard_that_is_lost_is_found(processes: dict[str, Process], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "settle", lambda _: None)
    with pytest.raises(AssertionError):
        look(processes, 200, 10, Phase.generate)


@pytest.mark.slow
def test_other_bits_of_another_processor_are_found(
    processes: dict[str, Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Process.shard

    def wrong(self: Process, place: int, shard: Shard) -> tuple[Receipt, bytes]:
        receipt, content = own(self, place, shard)
        study = studies()[place]
        schema, file = Schema.of(study, fingerprint_of(study)), ShardFile.parse(tmp_path / receipt.file)
        assert file is not None
        file.path.write_bytes(content)
        held = read(file, schema)
        digest, content = encode(replace(held, arrays={**held.arrays, "events": held.arrays["events"] + 1}), schema)
        return replace(receipt, file=f"{shard.name}-{digest[:16]}.shard"), content

    monkeypatch.setattr(Process, "shard", wrong)
    with pytest.raises(AssertionError):
        look(processes, 200, 10, Phase.generate)


@pytest.mark.slow
def test_the_older_processor_and_other_pythons_are_others(processes: dict[str, Process]) -> None:
    own = "{}.{}".format(*sys.version_info)
    assert {name for name, process in processes.items() if name.startswith("Python ")} == {
        f"Python {process.version}" for process in processes.values() if process.version != own
    }
    if "an older processor" in processes:
        assert processes["an older processor"].lanes == 4
