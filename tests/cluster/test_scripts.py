"""Scripts: what templates become is a shell script, and pretending writes nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from firmfate import Study, plan
from firmfate.shards.status import array_expression
from firmfate.slurm import Profile, split, submit
from firmfate.slurm.scripts import Script, array_script


def big(replicates: int = 10**6) -> Study:
    return Study(
        study={"name": "big", "replicates": replicates},
        grid={
            "execution": {"from": 0.0, "to": 1.0, "points": 100},
            "misalignment": {"from": 0.0, "to": 1.0, "points": 100},
        },
    )


def indices(expression: str) -> set[int]:
    """Read an array expression as Slurm does."""
    found: set[int] = set()
    for part in expression.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def check(script: Script) -> None:
    assert not re.search(r"@[A-Z_]+@", script.text)
    parsed = subprocess.run(["bash", "-n"], input=script.text, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")
    directives = [line for line in script.text.splitlines() if line.startswith("#SBATCH")]
    first_command = next(line for line in script.text.splitlines() if line and not line.startswith("#"))
    assert script.text.rindex(directives[-1]) < script.text.index(f"\n{first_command}\n")  # sbatch stops reading there


@pytest.mark.parametrize("one_allocation", [False, True])
def test_pretending_gives_shell_scripts_and_writes_nothing(tmp_path: Path, one_allocation: bool) -> None:
    profile = Profile(
        partition="long", account="a12", options=("--qos=high",), prologue="module load python\nmodule load gcc",
        cpus=32, memory="64G", concurrent=50, tls_authority="a.pem", tls_certificate="b.pem", tls_key="c.pem",
    )  # fmt: skip
    done = submit(big(), into=tmp_path / "a run's folder", profile=profile, pretend=True, one_allocation=one_allocation)
    assert list(tmp_path.iterdir()) == []
    assert done.jobs == ()
    for script in done.scripts:
        check(script)
        for wanted in ("#SBATCH --partition=long", "#SBATCH --account=a12", "#SBATCH --qos=high", "module load gcc"):
            assert wanted in script.text
        for variable in ("OMP", "MKL", "OPENBLAS", "NUMBA"):
            assert f"{variable}_NUM_THREADS=$SLURM_CPUS_PER_TASK" in script.text
        assert "export FIRMFATE_CACHE_DIR=$scratch" in script.text
    main = done.scripts[0].text
    assert "#SBATCH --signal=B:USR1@60" in main
    assert "#SBATCH --requeue" in main
    if one_allocation:
        assert "--nworkers 2" in main
        assert "--nthreads 16" in main
        assert "--protocol tls" in main
    else:
        assert [script.name for script in done.scripts] == ["array-0.sh", "gather.sh"]
        assert "afterany" in done.scripts[1].text


@pytest.mark.slow
def test_every_shard_is_in_one_task_and_no_index_passes_the_sites_limit() -> None:
    whole = plan(big())
    tasks = split(whole, Profile(cpus=1, task_minutes=0.5), limit=1001)
    assert tasks.parts > 2002
    parts = [array.offset + index for array in tasks.arrays() for index in sorted(indices(array.expression))]
    assert parts == list(range(tasks.parts))
    for array in tasks.arrays():
        assert max(indices(array.expression)) < 1001
        check(array_script(tasks, array, Path("/somewhere"), at_a_time=3))
        assert (
            f"part=$(({array.offset} + SLURM_ARRAY_TASK_ID))"
            in array_script(tasks, array, Path("/x"), at_a_time=3).text
        )
    run = [shard.place for part in parts for shard in whole.part(part, tasks.parts)]
    assert sorted(run) == list(range(whole.total_shards))


def test_only_tasks_that_miss_something_are_asked_for() -> None:
    study = big(2_000)
    whole = plan(study)
    profile = Profile(concurrent=7)
    cells = {key for shard in whole.part(3, 7) for key in (whole.cells.keys[cell] for cell in shard.cells)}
    rest = plan(study, covered={key: [(0, 2_000)] for key in whole.cells.keys if key not in cells})
    (array,) = split(rest, profile).arrays()
    assert array.expression == "3"


def test_small_studies_are_spread_over_the_jobs_that_may_run_and_large_ones_over_tasks_of_the_wanted_length() -> None:
    small = plan(big(2_000))
    assert split(small, Profile(concurrent=7)).parts == 7
    assert split(small, Profile(concurrent=100_000)).parts == small.total_shards
    large = split(plan(big()), Profile(concurrent=7, cpus=4, task_minutes=30))
    assert large.seconds_a_task == pytest.approx(1800, rel=0.1)


def test_array_expressions_are_read_back() -> None:
    for wanted in ([0], [5, 6, 7], [0, 2, 4], list(range(300)), [1, 2, 9, 11, 12, 13]):
        assert indices(array_expression(wanted)) == set(wanted)


@pytest.mark.parametrize("one_allocation", [False, True], ids=["array", "one allocation"])
@pytest.mark.parametrize(
    ("prologue", "work", "code", "queued_again"),
    [
        ("kill -USR1 $$", "exit 0", 3, True),  # before the work
        ("", "kill -USR1 $PPID; exec sleep 60", 138, True),  # before it listens
        ("", "trap '' USR1; kill -USR1 $PPID; exit 3", 3, True),
        ("", "trap '' USR1; kill -USR1 $PPID; exit 2", 2, False),
        ("kill -TERM $$", "exit 0", 3, False),
        ("", "trap '' TERM; kill -TERM $PPID; exit 3", 3, False),
        ("", "exit 3", 3, False),
        ("", "exit 0", 0, False),
    ],
)
def test_a_task_queues_again_at_its_time_limit_alone_whenever_the_signal_comes(
    tmp_path: Path, prologue: str, work: str, code: int, queued_again: bool, one_allocation: bool
) -> None:
    """The script as a shell runs it, without Slurm: a stand-in for `scontrol` notes what it is asked for."""
    for name, does in {"scontrol": 'echo scontrol "$@"', "srun": "exit 0", "work": work}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    profile = Profile(prologue=prologue, command=str(tmp_path / "work"), scratch=str(tmp_path / "scratch"))
    done = submit(big(10), into=tmp_path / "run", profile=profile, pretend=True, one_allocation=one_allocation)
    # No scheduler is needed by work that is none.
    text = re.sub(r"^\S+ -m distributed.*scheduler.*&$|^for .*meeting_point.*$", ":", done.scripts[0].text, flags=re.M)
    job = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "0", "SLURM_CPUS_PER_TASK": "1"}
    ran = subprocess.run(
        ["bash", "-c", text], env={**os.environ, **job, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert ("scontrol requeue 7" in ran.stdout) == queued_again, ran.stdout + ran.stderr
