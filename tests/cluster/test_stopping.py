"""Stopping on this machine: signals, kills, truncation and two runs at once, each ending in the same bits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import firmfate
from firmfate.dataset import gather
from firmfate.dataset.summing import BrokenShards
from firmfate.errors import IncompleteRunError
from firmfate.shards import plan
from firmfate.shards.directory import RunDirectory

from .conftest import Case, firmfate_command, shard_times, wait_until


def started(chaos: Case, directory: Path, *words: object, shards: int = 2) -> subprocess.Popen[str]:
    """Start a run and wait for its first shards."""
    running = firmfate_command("run", chaos.file, "--into", directory, "--no-report", *words)
    wait_until(lambda: len(shard_times(directory)) >= shards or running.poll() is not None)
    assert running.poll() is None, running.communicate()
    return running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGTERM, ("--threads", 2)),
        (signal.SIGINT, ("--threads", 2)),
        (signal.SIGKILL, ("--threads", 2)),
        (signal.SIGUSR1, ("--shards", "0/1", "--threads", 2)),
        (signal.SIGKILL, ("--shards", "0/1", "--threads", 2)),
    ],
)
def test_a_run_that_is_stopped_keeps_finished_shards_and_goes_on(
    chaos: Case, brake: Path, tmp_path: Path, number: signal.Signals, words: tuple[object, ...]
) -> None:
    run = RunDirectory(tmp_path / "run")
    running = started(chaos, run.path, *words)
    before = shard_times(run.path)
    os.kill(running.pid, number)
    _, said = running.communicate(timeout=240)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}.get(number, 3), said
    kept = shard_times(run.path)
    assert before.items() <= kept.items()
    assert 2 <= len(kept) < len(before) + 2  # two threads had a shard in hand each: they were dropped, not finished
    if number != signal.SIGKILL:
        assert "finished" in said
        assert not list(run.shards.glob(".*.part"))
    with pytest.raises(IncompleteRunError, match="allow-incomplete"):
        gather(run.path)
    firmfate.run(chaos.file, into=run.path, progress=False).close()
    assert kept.items() <= shard_times(run.path).items()
    chaos.assert_same(run.path)


@pytest.mark.slow
def test_an_incomplete_result_says_how_many_firms_a_cell_has(chaos: Case, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    shutil.copytree(chaos.directory, directory)
    run = RunDirectory(directory)
    whole, lost = chaos.study.replicates, run.files()[0]
    lost.path.unlink()
    with gather(directory, allow_incomplete=True) as ds:
        assert ds.attrs["complete"] == 0
        assert sorted(ds["firms"].values.tolist()) == [whole - lost.replicates, whole, whole]
        assert int(ds["events"].sum(["cause", "week"]).max()) <= whole


def test_a_truncated_shard_is_named_set_aside_and_run_again(
    small: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "run"
    shutil.copytree(small.directory, directory)
    run = RunDirectory(directory)
    victim = run.files()[0]
    whole = victim.path.read_bytes()
    os.truncate(victim.path, 1000)
    with pytest.raises(BrokenShards, match=victim.path.name):
        gather(directory)
    firmfate.run(small.file, into=directory).close()
    assert victim.path.name in capfd.readouterr().err
    assert (directory / "broken" / victim.path.name).stat().st_size == 1000
    assert victim.path.read_bytes() == whole
    small.assert_same(directory)


@pytest.mark.slow
@pytest.mark.parametrize("head_start", [0, 2], ids=["together", "one after some shards of the other"])
def test_two_runs_of_one_directory_at_once(chaos: Case, brake: Path, tmp_path: Path, head_start: int) -> None:
    run = RunDirectory(tmp_path / "run")
    words = ("run", chaos.file, "--into", run.path, "--no-report", "--threads", 1)
    first = firmfate_command(*words)
    wait_until(lambda: len(shard_times(run.path)) >= head_start)
    second = firmfate_command(*words)
    seen: dict[str, int] = {}

    def written_twice() -> bool:
        now = shard_times(run.path)
        for name, moment in now.items():
            seen.setdefault(name, moment)
        return seen != now

    wait_until(written_twice)
    brake.unlink()
    for running in (first, second):
        _, said = running.communicate(timeout=240)
        assert running.returncode == 0, said
    wanted = {shard.name for shard in plan(chaos.study).shards}
    assert {name.rsplit("-", 1)[0] for name in shard_times(run.path)} == wanted
    assert len(shard_times(run.path)) == len(wanted)
    chaos.assert_same(run.path)
