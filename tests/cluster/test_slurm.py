"""A real one-node Slurm: the same bits however a study is run there, and whatever happens to its jobs."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import SlurmError
from firmfate.execute import DaskProcesses, SlurmWorkers
from firmfate.shards import RunDirectory, plan, status
from firmfate.slurm import Profile, submit
from firmfate.slurm.submission import Submission, max_array_size

from .conftest import Case, shard_times, states, wait_for_job, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm")]


def log(directory: Path, job: str) -> str:
    """Return what a job and its tasks wrote."""
    return "\n".join(path.read_text() for path in sorted((directory / "slurm").glob(f"*-{job}*.log")))


def finish(done: Submission, directory: Path) -> str:
    """Wait for the last job, which gathers; return its state."""
    state = wait_for_job(done.jobs[-1])
    assert not [s for s in states(done.jobs[0]).values() if s in ("RUNNING", "PENDING")], log(directory, done.jobs[0])
    return state


def first_shards(directory: Path, done: Submission, count: int = 2) -> dict[str, int]:
    """Wait for some shards and return them."""
    wait_until(lambda: len(shard_times(directory)) >= count)
    assert "RUNNING" in states(done.jobs[0]).values()
    return shard_times(directory)


def test_the_five_ways_give_the_same_bits(small: Case, profile: Profile, tmp_path: Path) -> None:
    """Threads (the case itself), two local processes, Dask in Slurm jobs, one allocation, a job array."""
    firmfate.run(small.file, into=tmp_path / "processes", on=DaskProcesses(2), progress=False).close()
    firmfate.run(small.file, into=tmp_path / "jobs", on=SlurmWorkers(profile), progress=False).close()
    array = submit(small.file, into=tmp_path / "array", profile=profile)
    assert finish(array, tmp_path / "array").startswith("COMPLETED"), log(tmp_path / "array", array.jobs[-1])
    allocation = submit(small.file, into=tmp_path / "allocation", profile=profile, one_allocation=True)
    ended = wait_for_job(allocation.jobs[0])
    assert ended == "COMPLETED", log(tmp_path / "allocation", allocation.jobs[0])
    for name in ("processes", "jobs", "array", "allocation"):
        small.assert_same(tmp_path / name)
        assert sorted(shard_times(tmp_path / name)) == sorted(shard_times(small.directory)), name


def test_dask_in_jobs_is_encrypted_where_the_profile_has_tls_files(
    small: Case, profile: Profile, tls: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    authority, certificate, key = map(str, tls)
    encrypted = dataclasses.replace(profile, tls_authority=authority, tls_certificate=certificate, tls_key=key)
    allocation = submit(small.file, into=tmp_path / "allocation", profile=encrypted, one_allocation=True)
    ended = wait_for_job(allocation.jobs[0])
    said = log(tmp_path / "allocation", allocation.jobs[0])
    assert ended == "COMPLETED", said
    firmfate.run(small.file, into=tmp_path / "jobs", on=SlurmWorkers(encrypted), progress=False).close()
    said += "".join(path.read_text() for path in (tmp_path / "jobs" / "slurm").glob("ff-worker-*.err"))
    assert "Scheduler at: tls://127.0.0.1" in " ".join(said.split())
    assert "tcp://" not in said
    for name in ("allocation", "jobs"):
        small.assert_same(tmp_path / name)


def test_rounds_of_precision_are_submitted_one_after_the_other(profile: Profile, tmp_path: Path) -> None:
    """The job that gathers a round submits the next; the result is that of threads."""
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\nname = "rounds"\nmodel = "car"\nreplicates = 1024\n[grid]\nexecution = [0.1, 1.0]\n'
        'misalignment = [0.1, 0.64, 1.0]\n[precision]\nrmst = "0.25 years"\nsign = "execution"\n'
    )
    firmfate.run(study, into=tmp_path / "threads", progress=False).close()
    rounds = json.loads((tmp_path / "threads" / "rounds.json").read_text())["rounds"]
    assert len(rounds) > 1
    into = tmp_path / "array"
    submit(study, into=into, profile=profile)
    wait_until(lambda: len((into / "slurm" / "jobs.txt").read_text().split()) >= 2 * len(rounds))
    jobs = (into / "slurm" / "jobs.txt").read_text().split()
    assert wait_for_job(jobs[-1]) == "COMPLETED", log(into, jobs[-1])
    assert (into / "slurm" / "jobs.txt").read_text().split() == jobs
    assert len(jobs) == 2 * len(rounds)
    assert json.loads((into / "rounds.json").read_text())["rounds"] == rounds
    assert (into / "report.html").is_file()
    Case(study, tmp_path / "threads").assert_same(into)


def test_the_sites_limit_is_read(profile: Profile, small: Case, tmp_path: Path) -> None:
    assert max_array_size() == 1001
    assert len(submit(small.file, into=tmp_path / "run", profile=profile, pretend=True).scripts) == 2


def test_threads_are_those_of_the_allocation(small: Case, profile: Profile, tmp_path: Path) -> None:
    """Every library and firmfate itself see the CPUs that were given, not those of the node."""
    asking = dataclasses.replace(
        profile, cpus=2, command="python3 -c 'import os; print(sorted((k, v) for k, v in os.environ.items() "
        'if k.endswith("_NUM_THREADS") or k == "FIRMFATE_CACHE_DIR"))\' #'
    )  # fmt: skip
    done = submit(small.file, into=tmp_path / "run", profile=asking)
    finish(done, tmp_path / "run")
    said = log(tmp_path / "run", done.jobs[0])
    for variable in ("OMP", "MKL", "OPENBLAS", "NUMBA"):
        assert f"('{variable}_NUM_THREADS', '2')" in said
    assert f"('FIRMFATE_CACHE_DIR', '/tmp/firmfate-{os.getuid()}')" in said


def test_one_array_task_cancelled(chaos: Case, profile: Profile, brake: Path, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    done = submit(chaos.file, into=run.path, profile=profile)
    kept = first_shards(run.path, done)
    subprocess.run(["scancel", f"{done.jobs[0]}_0"], check=True)
    brake.unlink()
    assert finish(done, run.path).startswith("FAILED")  # the gather job ran, and refused
    assert f"of {plan(chaos.study).firms:,} firms" in log(run.path, done.jobs[-1])
    assert not run.result.exists()
    state = status(run.path)
    assert 0 < state.missing < state.firms
    assert kept.items() <= shard_times(run.path).items()

    kept = shard_times(run.path)
    again = submit(chaos.file, into=run.path, profile=profile)
    whole, tasks = plan(chaos.study), again.tasks
    asked = {shard.place for part in tasks.unfinished for shard in whole.part(part, tasks.parts)}
    assert {shard.place for shard in state.plan.shards} <= asked
    assert finish(again, run.path).startswith("COMPLETED"), log(run.path, again.jobs[-1])
    assert kept.items() <= shard_times(run.path).items()
    chaos.assert_same(run.path)


def test_a_task_requeued_twice(chaos: Case, profile: Profile, brake: Path, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    done = submit(chaos.file, into=run.path, profile=profile)
    kept = first_shards(run.path, done)
    task = f"{done.jobs[0]}_0"
    for start in (2, 3):
        subprocess.run(["scontrol", "requeue", task], check=True)
        wait_until(lambda start=start: f"start {start}" in log(run.path, f"{done.jobs[0]}_0"))  # type: ignore[misc]
    brake.unlink()
    assert finish(done, run.path).startswith("COMPLETED"), log(run.path, done.jobs[-1])
    assert kept.items() <= shard_times(run.path).items()
    chaos.assert_same(run.path)


def test_the_time_limit_in_the_middle_of_a_shard(chaos: Case, profile: Profile, brake: Path, tmp_path: Path) -> None:
    """A task that cannot finish within its minute drops the shard in hand when warned, queues again and goes on.

    Slurm looks at time limits every thirty seconds: it may warn a task before its first shard, which then stops again.
    """
    run = RunDirectory(tmp_path / "run")
    short = dataclasses.replace(
        profile, walltime="00:01:00", grace_seconds=50, concurrent=1, task_minutes=60, restarts=20
    )
    done = submit(chaos.file, into=run.path, profile=short)
    wait_until(lambda: shard_times(run.path) and "stopped by SIGUSR1" in log(run.path, done.jobs[0]))
    kept = shard_times(run.path)
    brake.unlink()
    assert len(kept) < len(shard_times(chaos.directory))
    assert wait_for_job(done.jobs[-1], seconds=600).startswith("COMPLETED"), log(run.path, done.jobs[0])
    assert "start 2" in log(run.path, done.jobs[0])
    assert kept.items() <= shard_times(run.path).items()
    assert not list(run.shards.glob(".*.part"))
    chaos.assert_same(run.path)


def test_a_dead_worker_job_is_replaced(chaos: Case, profile: Profile, brake: Path, tmp_path: Path) -> None:
    """Of `run --slurm`: one of its jobs is cancelled while it works; adapting starts another."""
    run = RunDirectory(tmp_path / "run")
    cancelled: list[str] = []

    def cancel() -> None:
        wait_until(lambda: len(shard_times(run.path)) >= 2)
        listed = subprocess.run(
            ["squeue", "-h", "-o", "%A", "-n", "ff-worker", "-t", "R"], capture_output=True, text=True, check=True
        )
        cancelled.append(listed.stdout.split()[0])
        subprocess.run(["scancel", cancelled[0]], check=True)
        brake.unlink()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    one = dataclasses.replace(profile, concurrent=1)
    firmfate.run(chaos.file, into=run.path, on=SlurmWorkers(one), progress=False).close()
    canceller.join()
    assert cancelled
    assert len(list((run.path / "slurm").glob("ff-worker-*.err"))) >= 2
    chaos.assert_same(run.path)


def test_dask_workers_leave_before_their_wall_time_and_others_take_over(
    chaos: Case, profile: Profile, brake: Path, tmp_path: Path
) -> None:
    """A worker runs for some fourteen seconds, and the study cannot end before another has come."""
    run = RunDirectory(tmp_path / "run")
    short = dataclasses.replace(profile, walltime="00:01:00", grace_seconds=45, concurrent=1)

    def printed() -> list[str]:
        return [path.read_text() for path in (run.path / "slurm").glob("ff-worker-*.err")]

    def release() -> None:
        wait_until(lambda: len(printed()) >= 2)
        brake.unlink()

    releaser = threading.Thread(target=release)
    releaser.start()
    firmfate.run(chaos.file, into=run.path, on=SlurmWorkers(short), progress=False).close()
    releaser.join()
    assert len(printed()) >= 2
    assert not any("TIME LIMIT" in text for text in printed())
    chaos.assert_same(run.path)


def test_a_broken_shard_is_submitted_again(small: Case, profile: Profile, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(small.directory, run.path)
    victim = run.files()[0].path
    os.truncate(victim, 100)
    said: list[str] = []
    done = submit(small.file, into=run.path, profile=profile, say=said.append)
    assert any(victim.name in text for text in said)
    assert len(done.tasks.plan.shards) == 1
    assert finish(done, run.path).startswith("COMPLETED"), log(run.path, done.jobs[-1])
    small.assert_same(run.path)


def test_nothing_missing_is_only_gathered(small: Case, profile: Profile, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(small.directory, run.path)
    run.result.unlink()
    done = submit(small.file, into=run.path, profile=profile)
    assert [script.name for script in done.scripts] == ["gather.sh"]
    assert wait_for_job(done.jobs[0]).startswith("COMPLETED")
    small.assert_same(run.path)


def test_a_directory_is_not_submitted_twice_while_its_jobs_are_queued(
    chaos: Case, profile: Profile, brake: Path, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    done = submit(chaos.file, into=run.path, profile=profile)
    first_shards(run.path, done)
    with pytest.raises(SlurmError, match=f"still in the queue: {done.jobs[0]}, {done.jobs[1]}"):
        submit(chaos.file, into=run.path, profile=profile)
    brake.unlink()
    beside = submit(chaos.file, into=run.path, profile=profile, even_if_queued=True)
    assert finish(done, run.path).startswith("COMPLETED"), log(run.path, done.jobs[-1])
    assert finish(beside, run.path).startswith("COMPLETED"), log(run.path, beside.jobs[-1])
    assert len(shard_times(run.path)) == len(plan(chaos.study).shards)
    chaos.assert_same(run.path)
