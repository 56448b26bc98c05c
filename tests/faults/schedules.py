"""Schedules of commands on a disk that fails, from a seed; and what must hold after every step of them.

A schedule runs the study of ``promises.py``, in larger and larger extents: all of it or a part, alone or two at once,
gathers it, asks for its status. In most steps something goes wrong: calls fail, a process is killed, the machine
crashes, a shard decays. At the end all of it is completed, with nothing in the way.
"""

from __future__ import annotations

import contextlib
import gc
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.counted import Outcomes
from tests.faults.once import computed_once
from tests.faults.promises import InTurn, Promises, Violation, prepared, studies
from tests.faults.simulated_disk import Faults, SimulatedDisk

from firmfate import Study, files
from firmfate.dataset import gather
from firmfate.dataset.summing import BrokenShards
from firmfate.errors import FirmfateError
from firmfate.execute import ArrayPart, run
from firmfate.machine import cores
from firmfate.shards import RunDirectory, status

STEPS = 5
GATHERED = 0.005
"""Of runs and gatherings, those that write ``result.nc`` and ``trajectories.nc``, which takes as long as ten schedules
do; the others add up in memory."""

BLOCK = 100
"""Schedules between collections of garbage."""

MEMORY = Path("/dev/shm")


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
    gathered : float
        In place of `GATHERED`.
    """

    seed: int
    gathered: float = GATHERED
    story: list[str] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
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
        self.promises = Promises(self.directory)
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
        self.promises.check()

    def _keep(self, command: Command, *, alone: bool) -> None:
        """Note what a command has reported as finished."""
        self.promises.gathered |= command.gathers
        self.promises.claimed = max(self.promises.claimed, command.extent)
        if alone and command.completes:
            self.promises.finished |= {file.path.name for file in self._quietly(self.directory.files)}

    def _command(self) -> Command:
        """Draw a command; runs ask for what was asked for last, or more, and seldom for less."""
        more = self.extent + (self.draw.random() < 0.3)
        self.extent = place = min(more, 2) if self.draw.random() < 0.9 else self.draw.randrange(3)
        study, into = studies()[place], self.directory.path
        kind = self.draw.choice(["run", "run", "run", "part", "gather", "status"])
        if kind == "run":
            if self.draw.random() < self.gathered:
                return Command(f"run and gather {place}", lambda: self._gathered(study), place, True, True)
            alone = ArrayPart(0, 1, InTurn(self.promises.finished))
            scale = self.draw.choice([1.0, 1e-6])
            return Command(
                f"run {place}", lambda: run(study, into=into, on=alone, progress=False, shard_scale=scale), place, True
            )
        if kind == "part":
            part = ArrayPart(self.draw.randrange(2), 2, InTurn(self.promises.finished))
            return Command(
                f"run part {part.index} of {place}", lambda: run(study, into=into, on=part, progress=False), place
            )
        if kind == "gather":
            if self.draw.random() < self.gathered:
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

    def _judged(self, fault: BaseException | None, *, disturbed: bool) -> str:
        """Return how a command ended, and note it in the story."""
        if fault is not None:
            self.story.append(f"  -> {type(fault).__name__}: {fault}")
        return self.promises.outcome(fault, disturbed=disturbed)

    def _gathered(self, study: Study) -> None:
        """Run a study and gather it; what is returned must be of this study."""
        with run(study, into=self.directory.path, on=InTurn(self.promises.finished), progress=False) as ds:
            if ds["firms"].shape != study.cells.shape or ds.attrs["replicates"] != study.replicates:
                raise Violation("a result of another extent")

    def _add_up(self) -> None:
        """Add up what is there, of the extent that is on record."""
        self.promises.compare(self.directory.study())

    def _quietly(self, do: Callable[[], Any]) -> Any:
        """Return what comes of something on the disk as it is."""
        self.disk.alive, self.disk.turns = {1}, {}
        self.disk.begin(1)
        return do()

    def _end(self) -> None:
        """Complete the largest extent with nothing in the way, in some schedules each that comes before it.

        What is there may be larger than those; and a first claim that was cut short is gone on with by its own extent.
        """
        *smaller, largest = studies()
        if self.draw.random() < 0.05 or self._quietly(lambda: self._completed(largest)):
            for study in smaller:
                self._quietly(lambda study=study: self._completed(study))
            if refused := self._quietly(lambda: self._completed(largest)):
                raise Violation(f"it cannot be completed: {refused}")
        left = [path.name for path in self.directory.path.rglob("*.part")]
        if left:
            raise Violation(f"left behind: {left}")
        self.promises.check()

    def _completed(self, study: Study) -> str:
        """Run a study to its end and compare it; return the message where that is refused."""
        on = ArrayPart(0, 1, InTurn(self.promises.finished))
        for _ in range(4):
            try:
                run(study, into=self.directory.path, on=on, progress=False)
                self.promises.compare(study)
            except BrokenShards as fault:
                for shard in fault.shards:
                    self.directory.set_aside(shard)
            except FirmfateError as fault:
                self._judged(fault, disturbed=False)
                return str(fault)
            else:
                return ""
        raise Violation("shards are broken again and again")


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have Python look for cycles between blocks of schedules alone: in each, that takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


def go(count: int, first: int = 0, gathered: float = GATHERED) -> Outcomes:
    """Go through the schedules of so many seeds; return what went wrong how often, and with which outcome."""
    total: Outcomes = Counter()
    with prepared(), computed_once():
        for begin in range(first, first + count, BLOCK):
            with _seldom_collected():
                for seed in range(begin, min(begin + BLOCK, first + count)):
                    total.update(Schedule(seed, gathered).go())
    return total


def go_in_processes(count: int, first: int, *, seconds: float = math.inf, chunk: int = 250) -> tuple[int, Outcomes]:
    """Do the same on all cores, until so many are done or the time is over; return how many were, and outcomes.

    Two processes a core: where two commands take turns, each waits for the other.
    """
    total: Outcomes = Counter()
    begin, done = time.monotonic(), 0
    starts = range(first, first + count, chunk)
    with ProcessPoolExecutor(2 * cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
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
