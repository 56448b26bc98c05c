"""What may happen to a cluster, again and again: schedulers killed, jobs killed at their time limit."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.counted import record

from firmfate.shards import RunDirectory
from firmfate.slurm import Profile, submit

from .conftest import made_case, shard_times, states, wait_for_job, wait_until
from .test_dask import scheduler_killed

pytestmark = pytest.mark.evidence
Record = Callable[[str, object], None]


def test_schedulers_killed_at_many_moments(brake: Path, tmp_path: Path, record_property: Record) -> None:
    brake.unlink()
    case, moments = made_case(tmp_path, 100_000), (0, 1, 3)
    for shards in moments:
        (tmp_path / str(shards)).mkdir()
        scheduler_killed(case, brake, tmp_path / str(shards), shards)
    outcome = "one message, its worker ends, nothing lost, the same command goes on"
    record(record_property, Counter({("kill -9 of the Dask scheduler", outcome): len(moments)}))


@pytest.mark.usefixtures("slurm")
def test_a_deaf_job_killed_at_its_time_limit_is_submitted_again(
    profile: Profile, brake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    """It does not hear the warning before the limit, as a job that hangs in a disk does not, so Slurm kills it."""
    brake.unlink()
    case, run = made_case(tmp_path, 100_000), RunDirectory(tmp_path / "run")
    brake.touch()
    monkeypatch.setenv("BRAKE_SECONDS", "20")
    deaf = dataclasses.replace(
        profile, walltime="00:01:00", grace_seconds=5, concurrent=1, task_minutes=60, restarts=0,
        command=f"env --ignore-signal=USR1,TERM {sys.executable} -m firmfate",
    )  # fmt: skip
    done = submit(case.file, into=run.path, profile=deaf)
    wait_until(lambda: "TIMEOUT" in states(done.jobs[0]).values(), every=1)
    assert wait_for_job(done.jobs[-1]).startswith("FAILED")  # the job that gathers, which refused
    kept = shard_times(run.path)
    assert 0 < len(kept) < len(shard_times(case.directory))
    brake.unlink()
    again = submit(case.file, into=run.path, profile=profile)
    assert wait_for_job(again.jobs[-1]).startswith("COMPLETED")
    assert kept.items() <= shard_times(run.path).items()
    assert not list(run.path.rglob("*.part"))
    case.assert_same(run.path)
    outcome = "finished shards are kept, gathering refuses, submitted again it goes on"
    record(record_property, Counter({("Slurm kills a job at its time limit", outcome): 1}))
