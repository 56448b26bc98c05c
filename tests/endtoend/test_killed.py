"""Stopped in mid-run: the same command goes on, and the result is that of an undisturbed run."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

REPLICATES = 40_000
SMALL_SHARDS = ("--shard-scale", "0.02", "--no-report")


def shards(directory: Path) -> dict[str, tuple[int, int]]:
    """Return (inode, time of the last change) of every finished shard."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (directory / "shards").glob("[!.]*.shard")
    }


def wait_for_shards(process: subprocess.Popen[str], directory: Path, count: int) -> None:
    """Return when so many shards are finished."""
    until = time.monotonic() + 120
    while len(shards(directory)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(corners: Callable[[int], Path], start: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study run in one go."""
    into = tmp_path_factory.mktemp("undisturbed") / "run"
    process = start("run", corners(REPLICATES), "--into", into, "--quiet", *SMALL_SHARDS)
    assert process.communicate(timeout=120) == ("", "")
    assert process.returncode == 0
    return into


@pytest.fixture
def copied(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of that run."""
    return shutil.copytree(undisturbed, tmp_path / "copy")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGKILL, -signal.SIGKILL),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 3, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_goes_on(
    corners: Callable[[int], Path], start: Callable, bits: Callable, undisturbed: Path, tmp_path: Path,
    number: signal.Signals, code: int,
) -> None:  # fmt: skip
    words = ("run", corners(REPLICATES), "--into", tmp_path / "run", "--threads", "1", *SMALL_SHARDS)
    process = start(*words)
    wait_for_shards(process, tmp_path / "run", 5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert "Traceback" not in err
    if number != signal.SIGKILL:
        assert err.splitlines()[-1].startswith("firmfate: ")
        assert "the same command goes on from there" in err.splitlines()[-1]
    finished = shards(tmp_path / "run")
    assert 5 <= len(finished) < len(shards(undisturbed))
    assert not (tmp_path / "run" / "result.nc").exists()

    again = start(*words)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    now = shards(tmp_path / "run")
    assert finished.items() <= now.items()  # the same files, untouched
    assert now.keys() == shards(undisturbed).keys()
    assert bits(tmp_path / "run" / "result.nc") == bits(undisturbed / "result.nc")


def test_a_finished_run_runs_nothing_again(start: Callable, copied: Path, corners: Callable[[int], Path]) -> None:
    before = shards(copied)
    process = start("run", corners(REPLICATES), "--into", copied, *SMALL_SHARDS)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "are there already" in err
    assert shards(copied) == before


def test_a_broken_shard_is_set_aside_and_run_again(
    start: Callable, bits: Callable, copied: Path, corners: Callable[[int], Path]
) -> None:
    expected, before = bits(copied / "result.nc"), shards(copied)
    victim = copied / "shards" / sorted(before)[3]
    data = victim.read_bytes()
    victim.write_bytes(data[: len(data) // 2])
    process = start("run", corners(REPLICATES), "--into", copied, *SMALL_SHARDS)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"broken shard {victim.name}: set aside" in err
    assert victim.read_bytes() == data
    now = shards(copied)
    assert {name for name in now if now[name] != before[name]} == {victim.name}
    assert bits(copied / "result.nc") == expected
