"""Submitting, without a Slurm: stand-ins note what they are asked for; test_slurm.py does the same on a real one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import SlurmError
from firmfate.shards import plan
from firmfate.slurm import Profile, split
from firmfate.slurm.arrays import REPORT_SECONDS, START_SECONDS

from .conftest import Case

PROFILE = Profile(memory="1G", concurrent=2, tls_authority="a.pem", tls_certificate="b.pem", tls_key="c.pem")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Slurm's commands: `sbatch` gives numbers from 101 on, `squeue` shows what this file holds."""
    file = tmp_path / "queue"
    file.touch()
    commands = {
        "sbatch": f'echo "$@" >> {tmp_path}/submitted; echo $((100 + $(wc -l < {tmp_path}/submitted)))',
        "squeue": f"cat {file}",
        "scontrol": "echo MaxArraySize = 1001",
    }
    (tmp_path / "bin").mkdir()
    for name, does in commands.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return file


def test_nothing_is_submitted_while_jobs_of_the_directory_are_queued(
    command: Callable, small: Case, queue: Path, tmp_path: Path
) -> None:
    into = tmp_path / "run"
    assert firmfate.submit(small.file, into=into, profile=PROFILE).jobs == ("101", "102")
    queue.write_text("102 102\n")
    with pytest.raises(SlurmError, match=r"still in the queue: 102\. .*\(scancel 102\); --even-if-queued"):
        firmfate.submit(small.file, into=into, profile=PROFILE)
    (tmp_path / "site.toml").write_text(PROFILE.toml())
    words = ("submit", small.file, "--into", into, "--profile", tmp_path / "site.toml")
    ended = command(*words)
    assert (ended.code, "still in the queue" in ended.err, ended.out) == (2, True, "")
    assert len((tmp_path / "submitted").read_text().splitlines()) == 2
    assert command(*words, "--pretend").code == 0
    ended = command(*words, "--even-if-queued")
    assert (ended.code, "job       103" in ended.out) == (0, True), ended.err
    queue.write_text("7 7\n")  # of somebody else
    assert firmfate.submit(small.file, into=into, profile=PROFILE).jobs == ("105", "106")


def test_status_goes_on_by_slurm_where_slurm_was_used(
    command: Callable, small: Case, queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a login node it advised to run the study there."""
    monkeypatch.chdir(tmp_path)
    into = tmp_path / "run"
    part = firmfate.execute.ArrayPart(0, 3)
    firmfate.run(small.file, into=into, on=part, progress=False, shard_scale=0.1)
    assert f"next      firmfate run {into}/study.toml --into {into}\n" in command("status", into).out
    firmfate.submit(small.file, into=into, profile=PROFILE)
    (line,) = (line for line in command("status", into).out.splitlines() if line.startswith("next"))
    assert line == (
        f"next      firmfate submit {into}/study.toml --profile {into}/slurm/profile.toml --into {into}, "
        "once its jobs have ended"
    )
    kept = Profile.read(into / "slurm" / "profile.toml")
    assert kept.tls == tuple(str(tmp_path / name) for name in ("a.pem", "b.pem", "c.pem"))  # from any folder
    assert (kept.memory, kept.concurrent) == ("1G", 2)
    assert set(tomllib.loads((into / "slurm" / "profile.toml").read_text())) <= {
        "memory", "concurrent", "tls_authority", "tls_certificate", "tls_key",
    }  # fmt: skip


def test_without_a_directory_it_goes_to_runs(
    small: Case, queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    firmfate.submit(small.file, profile=PROFILE)
    assert (tmp_path / "runs" / "chaos" / "slurm" / "array-0.sh").is_file()


def test_what_starting_and_compiling_takes_is_foretold(
    command: Callable, small: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study of 0.1 s took 20 s for compiling, and a minute on Slurm."""
    tasks = split(plan(small.study), Profile(concurrent=2))
    assert tasks.seconds_a_task < 1
    assert tasks.seconds >= 2 * START_SECONDS + REPORT_SECONDS + tasks.seconds_a_task
    assert f"up to {START_SECONDS:g} s to start and, once a node, to compile" in str(tasks)
    assert tasks.table()["seconds"] == tasks.seconds
    assert "start " not in command("plan", small.file).out  # this machine has compiled it
    monkeypatch.setattr("firmfate.execute.compiling.Engine.compiled", False)
    monkeypatch.setattr("firmfate.execute.compiling.Engine.cached", False)
    assert "start     about 15 s more to compile the model, once on this machine" in command("plan", small.file).out
