"""Killed in the pilot or in a later round, gone on with by other workers: the same decisions and the same bits."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import FINER, counts, decisions

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
