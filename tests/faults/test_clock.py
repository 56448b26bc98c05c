"""Wall clocks that jump by hours and decades while commands run: no bit depends on them."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faults.children import Children
from tests.faults.conftest import Undisturbed, shards
from tests.faults.counted import Outcomes, record
from tests.faults.promises import gathered
from tests.faults.test_real_faults import GOES_ON, commands

from firmfate import files
from firmfate.errors import RunDirectoryError

DAY, YEAR = 86_400, 31_557_600
JUMPS = (-50 * YEAR, -2 * DAY, -3600, -1, 0, 1, 3600, 2 * DAY, 80 * YEAR)


@dataclass(frozen=True)
class Clock:
    """A clock of the processes that `children` begins: seconds that it is wrong by are in a file."""

    children: Children
    file: Path
    draw: random.Random

    def set(self) -> int:
        """Have it jump; return by how many seconds it is wrong now."""
        wrong = self.draw.choice(JUMPS)
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(str(wrong))
        unfinished.replace(self.file)
        return wrong

    @contextlib.contextmanager
    def jumping(self) -> Iterator[None]:
        """Have it jump again and again until the block ends."""
        over = threading.Event()

        def jump() -> None:
            while not over.wait(self.draw.uniform(0.0, 0.05)):
                self.set()

        thread = threading.Thread(target=jump)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of processes whose clock is wrong by the seconds in a file."""
    if shutil.which("cc") is None:
        pytest.skip("a C compiler makes the clock that jumps")
    library = tmp_path / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_JUMP": str(tmp_path / "jump.txt")}


@pytest.fixture
def clock(tmp_path: Path, environment: dict[str, str]) -> Iterator[Clock]:
    """A clock that jumps, for processes that are killed at times."""
    children = Children(tmp_path, **environment)
    yield Clock(children, Path(environment["CLOCK_JUMP"]), random.Random(5))
    children.close()


def jump_often(clock: Clock, undisturbed: Undisturbed, folder: Path, count: int) -> Outcomes:
    """Run commands under a clock that jumps until so many have been run; each run begins with nothing, and a kill."""
    outcomes: Outcomes = Counter()
    while sum(outcomes.values()) < count:
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        words = commands(undisturbed, run)
        for place, command in enumerate([words[0], *words]):
            with clock.jumping():
                began = time.monotonic()
                if place == 0:
                    ended = clock.children.killed(clock.draw.uniform(0.0, 0.4), *command)
                else:
                    ended = clock.children.run(*command)
            assert time.monotonic() - began < 60
            assert ended.code == 0 or (place == 0 and ended.code == -9), ended
            assert "Traceback" not in ended.said
            outcomes[f"the clock jumps in {command[0]}", "ended well" if ended.code == 0 else GOES_ON] += 1
        assert gathered(run / "result.nc") == undisturbed.bits
        assert shards(run) == undisturbed.shards
        assert not list(run.rglob("*.part"))
    return outcomes


def test_the_clock_is_wrong_and_others_are_not(environment: dict[str, str]) -> None:
    Path(environment["CLOCK_JUMP"]).write_text(str(80 * YEAR))
    code = "import time; print(int(time.time()), int(time.monotonic()))"
    said = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout
    wall, steady = map(int, said.split())
    assert abs(wall - time.time() - 80 * YEAR) < 60
    assert abs(steady - time.monotonic()) < 60


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_bit(clock: Clock, undisturbed: Undisturbed, tmp_path: Path) -> None:
    assert sum(jump_often(clock, undisturbed, tmp_path, 5).values()) == 5


@pytest.mark.evidence
def test_a_clock_that_jumps_often_changes_no_bit(
    clock: Clock, undisturbed: Undisturbed, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record(record_property, jump_often(clock, undisturbed, tmp_path, 200))


def test_a_file_that_a_wrong_clock_takes_for_abandoned_is_refused_by_its_name_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's file of today is a day old for a clock that is ahead."""
    path, ahead = tmp_path / "a.shard", time.time() + 2 * DAY

    def write() -> None:
        with monkeypatch.context() as other, files.replacing(path):
            other.setattr(files, "host", lambda: "0" * 8)
            other.setattr(time, "time", lambda: ahead)
            assert files.remove_leftovers(tmp_path)

    with pytest.raises(RunDirectoryError, match=str(path)):
        write()
    assert list(tmp_path.iterdir()) == []
    assert files.write(path, b"again").read_bytes() == b"again"
