"""Schedules of commands on a disk that fails, from a seed; and what must hold after every step of them.

A schedule runs one small study in three extents, of which each holds the one before: all of it or a part, alone or two
at once, gathers it, asks for its status. In most steps something goes wrong: calls fail, a process is killed, the
machine crashes, a shard decays. What must hold: a command ends well or refuses in a message that names a file; where
nothing goes wrong it ends well; what was reported as finished is there after every crash; and whatever is complete has
the bits of a run that nothing disturbed.
"""

from __future__ import annotations

import functools
import json
import math
import multiprocessing
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from tests.faults.counted import Outcomes
from tests.faults.simulated_disk import Dead, Faults, SimulatedDisk

from firmfate import Study, files, provenance
from firmfate.dataset import gather
from firmfate.dataset.summing import BrokenShards, Counted
from firmfate.errors import FirmfateError
from firmfate.execute import ArrayPart, run
from firmfate.execute.base import Executor, Work
from firmfate.machine import cores
from firmfate.shards import RunDirectory, status
from firmfate.shards.schema import counters_of

STEPS = 5
GATHERED = 0.02
"""Of runs and gatherings, those that write ``result.nc`` and ``trajectories.nc``; the others add up in memory."""

MEMORY = Path("/dev/shm")


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
    ds = Counted(directory, study, study.cells).of(tuple(counters_of(study).variables))
    return {str(name): np.ascontiguousarray(values.values).tobytes() for name, values in ds.data_vars.items()}


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


@dataclass(frozen=True)
class Command:
    """A command of a schedule.

    Attributes
    ----------
    words : str
    do : callable
    extent : int
        That the directory has when it has ended well, at least.
    completes, gathers : bool
        Whether all firms are there, and ``result.nc``, when it has ended well.
    """

    words: str
    do: Callable[[], object]
    extent: int = -1
    completes: bool = False
    gathers: bool = False


@dataclass
class Schedule:
    """One schedule.

    Parameters
    ----------
    seed : int
    """

    seed: int
    story: list[str] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.finished: set[str] = set()
        self.gathered = False
        self.claimed = -1
        self.extent = 0
        self.processes = 100

    def go(self) -> Outcomes:
        """Go through it, and return what happened to how many commands, and with which outcome.

        Raises
        ------
        Violation
            With everything that happened until then.
        """
        root = Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))
        self.disk = SimulatedDisk(root, self.draw)
        self.directory = RunDirectory(root / "runs" / "attacked")
        own, files.disk = files.disk, self.disk
        try:
            for _ in range(self.draw.randint(2, STEPS)):
                self._step()
            self._end()
        except Exception as fault:  # of the store, or of what must hold
            story = "\n  ".join(self.story)
            raise Violation(f"seed {self.seed}: {type(fault).__name__}: {fault}\n  {story}") from fault
        finally:
            files.disk = own
            shutil.rmtree(root)
        return self.outcomes

    # steps

    def _step(self) -> None:
        if self.draw.random() < 0.15 and self._decay():
            return
        kind = self.draw.choices(["none", "fail", "kill", "crash"], [2, 5, 4, 5])[0]
        first = int(self.draw.expovariate(1 / 20))
        last = first + (self.draw.choice([0, 0, 3, 10**6]) if kind == "fail" else 0)
        commands = [self._command() for _ in range(2 if self.draw.random() < 0.25 else 1)]
        before = len(self.disk.happened)
        with self.disk.step(Faults(kind, first, last)):
            ended = self._together([command.do for command in commands])
        happened = self.disk.happened[before:]
        self.story.append(f"{' beside '.join(one.words for one in commands)}: {', '.join(happened) or 'nothing'}")
        what = "nothing" if not happened else f"{kind} at {happened[0].split()[2]}"
        for command, fault in zip(commands, ended, strict=True):
            outcome = self._judged(fault, disturbed=bool(happened) or len(commands) > 1)
            self.outcomes[what, outcome] += 1
            if fault is None and not happened:
                self._keep(command, alone=len(commands) == 1)
        self._check()

    def _keep(self, command: Command, *, alone: bool) -> None:
        """Note what a command has reported as finished."""
        self.gathered = self.gathered or command.gathers
        self.claimed = max(self.claimed, command.extent)
        if alone and command.completes:
            self.finished |= {file.path.name for file in self._quietly(self.directory.files)}

    def _command(self) -> Command:
        """Draw a command; runs ask for what was asked for last, or more, and seldom for less."""
        more = self.extent + (self.draw.random() < 0.3)
        self.extent = place = min(more, 2) if self.draw.random() < 0.9 else self.draw.randrange(3)
        study, into = studies()[place], self.directory.path
        kind = self.draw.choice(["run", "run", "run", "part", "gather", "status"])
        if kind == "run":
            if self.draw.random() < GATHERED:
                return Command(f"run and gather {place}", lambda: self._gathered(study), place, True, True)
            alone = ArrayPart(0, 1, InTurn(self.finished))
            scale = self.draw.choice([1.0, 1e-6])
            return Command(
                f"run {place}", lambda: run(study, into=into, on=alone, progress=False, shard_scale=scale), place, True
            )
        if kind == "part":
            part = ArrayPart(self.draw.randrange(2), 2, InTurn(self.finished))
            return Command(
                f"run part {part.index} of {place}", lambda: run(study, into=into, on=part, progress=False), place
            )
        if kind == "gather":
            if self.draw.random() < GATHERED:
                return Command("gather", lambda: gather(into).close(), gathers=True)
            return Command("add up", self._add_up)
        return Command("status", lambda: status(into))

    def _together(self, commands: list[Callable[[], object]]) -> list[BaseException | None]:
        """Run commands as processes, which take turns at every call to the disk; return what each ended with."""
        ended: list[BaseException | None] = [None] * len(commands)
        numbers = range(self.processes, self.processes + len(commands))
        self.processes += len(commands)
        self.disk.alive = set(numbers)
        if len(commands) > 1:
            self.disk.turns = {number: threading.Semaphore(0) for number in numbers}

        def process(place: int, number: int) -> None:
            try:
                self.disk.begin(number)
                commands[place]()
            except BaseException as fault:
                ended[place] = fault
            finally:
                self.disk.end(number)

        if len(commands) == 1:
            process(0, numbers[0])
            return ended
        threads = [threading.Thread(target=process, args=pair) for pair in enumerate(numbers)]
        for thread in threads:
            thread.start()
        self.disk.pass_on()
        for thread in threads:
            thread.join()
        return ended

    def _decay(self) -> bool:
        shards = [file.path for file in self._quietly(self.directory.files)]
        if not shards:
            return False
        path = self.draw.choice(shards)
        self.story.append(f"{path.name} is {self.disk.decay(path)}")
        self.outcomes["a shard decayed", "run again, or of no use"] += 1
        return True

    # what must hold

    def _judged(self, fault: BaseException | None, *, disturbed: bool) -> str:
        """See that a command ended well, died, or refused by the name of a file; without cause, only what is known."""
        if fault is None:
            return "unharmed"
        self.story.append(f"  -> {type(fault).__name__}: {fault}")
        if isinstance(fault, Dead):
            return "died"
        if not isinstance(fault, FirmfateError):
            raise fault
        if str(self.disk.root.parent) not in str(fault):
            raise Violation(f"a refusal that names no file: {fault}")
        if any(words in str(fault) for words in EXPECTED):
            return "not the extent, or not complete"
        if not disturbed:
            raise Violation(f"a refusal without a cause: {fault}")
        return "refused, naming the file"

    def _check(self) -> None:
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

    def _gathered(self, study: Study) -> None:
        """Run a study and gather it; what is returned must be of this study."""
        with run(study, into=self.directory.path, on=InTurn(self.finished), progress=False) as ds:
            if ds["firms"].shape != study.cells.shape or ds.attrs["replicates"] != study.replicates:
                raise Violation("a result of another extent")

    def _add_up(self) -> None:
        """Add up what is there, of the extent that is on record."""
        self._compare(self.directory.study())

    def _compare(self, study: Study) -> None:
        place = next(place for place, other in enumerate(studies()) if other.text == study.text)
        if counts(self.directory, study) != undisturbed()[place][0]:
            raise Violation(f"the counts of extent {place} have other bits")

    def _quietly(self, do: Callable[[], Any]) -> Any:
        """Return what comes of something on the disk as it is."""
        self.disk.alive, self.disk.turns = {1}, {}
        self.disk.begin(1)
        return do()

    def _end(self) -> None:
        """Complete all extents with nothing in the way, from the smallest on: what is there may be larger."""
        for place, study in enumerate(studies()):
            refused = self._quietly(lambda study=study: self._completed(study))
            if refused and place == len(studies()) - 1:
                raise Violation(f"it cannot be completed: {refused}")
        left = [path.name for path in self.directory.path.rglob("*.part")]
        if left:
            raise Violation(f"left behind: {left}")
        self._check()

    def _completed(self, study: Study) -> str:
        """Run a study to its end and compare it; return the message where that is refused."""
        on = ArrayPart(0, 1, InTurn(self.finished))
        for _ in range(4):
            try:
                run(study, into=self.directory.path, on=on, progress=False)
                self._compare(study)
            except BrokenShards as fault:
                for shard in fault.shards:
                    self.directory.set_aside(shard)
            except FirmfateError as fault:
                self._judged(fault, disturbed=False)
                return str(fault)
            else:
                return ""
        raise Violation("shards are broken again and again")


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


def go(count: int, first: int = 0) -> Outcomes:
    """Go through the schedules of so many seeds; return what went wrong how often, and with which outcome."""
    total: Outcomes = Counter()
    with prepared():
        for seed in range(first, first + count):
            total.update(Schedule(seed).go())
    return total


def go_in_processes(count: int, first: int, *, seconds: float = math.inf, chunk: int = 250) -> tuple[int, Outcomes]:
    """Do the same on all cores, until so many are done or the time is over; return how many were, and outcomes."""
    total: Outcomes = Counter()
    begin, done = time.monotonic(), 0
    starts = range(first, first + count, chunk)
    with ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(go, chunk, start) for start in starts}
        try:
            for future in as_completed(waiting):
                total.update(future.result())
                done += chunk
                print(f"{done} of {count} schedules, {sum(total.values())} commands", flush=True)
                if time.monotonic() - begin > seconds:
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    return done, total
