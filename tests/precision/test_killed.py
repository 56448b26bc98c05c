"""Killed in the pilot or in a later round, gone on with by other workers: the same decisions and the same bits."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.execute import Threads

from .conftest import FINER, counts, decisions
from .test_refinement import TEXT

WORDS = ("--no-report", "--quiet")


def start(*words: object) -> subprocess.Popen[str]:
    """Start ``firmfate WORDS`` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "firmfate", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def shards(directory: Path) -> list[Path]:
    """Return the finished shards."""
    return list((directory / "shards").glob("[!.]*.shard"))


def in_the_pilot(directory: Path) -> bool:
    """Return whether a few shards of the pilot are finished."""
    return len(shards(directory)) >= 3


def in_a_later_round(directory: Path) -> bool:
    """Return whether a few shards of a later round are finished."""
    later = [path for path in shards(directory) if int(path.name.split("-")[1]) >= 100_352]
    return (directory / "rounds.json").is_file() and len(later) >= 3


class AfterRounds:
    """Whether so many rounds are decided, and a few shards of the next one are finished."""

    def __init__(self, rounds: int) -> None:
        self.rounds, self.held = rounds, 0

    def __call__(self, directory: Path) -> bool:
        """Return it."""
        decided = directory / "rounds.json"
        if not decided.is_file() or decided.read_text(encoding="utf-8").count('"next"') < self.rounds:
            return False
        finished = len(shards(directory))
        self.held = self.held or finished
        return finished >= self.held + 2


def kill_when(reached: Callable[[Path], bool], directory: Path, *words: object) -> None:
    """Run until something is reached, and kill the process without warning."""
    process = start("run", *words, "--into", directory, *WORDS)
    until = time.monotonic() + 120
    while not reached(directory):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (directory / "result.nc").exists()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finer study in one go."""
    from .conftest import STUDY

    folder = tmp_path_factory.mktemp("finer")
    text = STUDY
    for old, new in FINER.values():
        text = text.replace(old, new)
    (folder / "cars.toml").write_text(text, encoding="utf-8")
    process = start("run", folder / "cars.toml", "--into", folder / "run", "--threads", "2", *WORDS)
    assert process.communicate(timeout=200) == ("", "")
    assert process.returncode == 0
    return folder / "run"


@pytest.mark.slow
@pytest.mark.parametrize("reached", [in_the_pilot, in_a_later_round])
def test_a_killed_run_goes_on_with_other_workers(
    reached: Callable[[Path], bool], undisturbed: Path, write: Callable[..., Path], tmp_path: Path
) -> None:
    study, into = write(**FINER), tmp_path / "run"
    kill_when(reached, into, study, "--threads", "1", "--shard-scale", "0.1")
    before = {path.name for path in shards(into)}
    again = start("run", study, "--into", into, "--workers", "2", "--shard-scale", "0.3", *WORDS)
    assert again.communicate(timeout=200)[1] == ""
    assert again.returncode == 0
    assert before <= {path.name for path in shards(into)}
    assert decisions(into) == decisions(undisturbed)
    assert counts(into) == counts(undisturbed)


REFINED = TEXT.replace("= 1024", "= 25_088").replace("m_star = 0.003", "m_star = 0.00025")


@pytest.mark.slow
def test_a_run_that_adds_cells_is_killed_again_and_again(tmp_path: Path) -> None:
    """In the pilot, in the pilot of the cells that are added, and in the round after that; each time other workers."""
    study = tmp_path / "fine.toml"
    study.write_text(REFINED, encoding="utf-8")
    whole, into = tmp_path / "whole", tmp_path / "run"
    firmfate.run(study, into=whole, on=Threads(2), progress=False).close()
    rounds = json.loads(decisions(whole))["rounds"]
    assert [bool(one.get("new misalignments")) for one in rounds[:3]] == [True, False, False]
    kill_when(in_the_pilot, into, study, "--threads", "1", "--shard-scale", "0.1")
    kill_when(AfterRounds(1), into, study, "--workers", "2", "--shard-scale", "0.05")
    kill_when(AfterRounds(2), into, study, "--threads", "2", "--shard-scale", "0.02")
    held = {path.name for path in shards(into)}
    firmfate.run(study, into=into, on=Threads(1), progress=False, shard_scale=0.3).close()
    assert held < {path.name for path in shards(into)}
    assert decisions(into) == decisions(whole)
    assert counts(into) == counts(whole)
