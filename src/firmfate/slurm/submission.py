"""Submitting: plan what is missing, write scripts beside the shards, hand them to sbatch. The queue only informs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmfate import files
from firmfate.errors import SlurmError
from firmfate.shards import RunDirectory, plan, status
from firmfate.slurm.arrays import MAX_ARRAY_SIZE, ArrayPlan, split
from firmfate.slurm.profile import Profile
from firmfate.slurm.scripts import JOBS, LOGS, PROFILE, Script, allocation_script, array_script, gather_script
from firmfate.study import Study

PATIENCE = 60


@dataclass(frozen=True, eq=False)
class Submission:
    """What was submitted, or would be.

    Attributes
    ----------
    tasks : ArrayPlan
        How what is missing was split into tasks.
    scripts : tuple of Script
        In the order in which they are submitted; the one that gathers alone where nothing is missing.
    jobs : tuple of str
        Numbers of the jobs, one a script; none where nothing was submitted.

    Examples
    --------
    See `submit`.
    """

    tasks: ArrayPlan
    scripts: tuple[Script, ...]
    jobs: tuple[str, ...]


def call(*command: str) -> str:
    """Run a command of Slurm and return what it prints.

    Raises
    ------
    SlurmError
        Where it is not installed, does not answer, or fails.
    """
    if shutil.which(command[0]) is None:
        raise SlurmError(f"{command[0]} is not found; submit from a machine that has Slurm, or look with --pretend")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]} does not answer within {PATIENCE} s") from None
    if done.returncode:
        raise SlurmError(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def max_array_size() -> int:
    """Return the site's MaxArraySize; Slurm's default where no Slurm answers."""
    try:
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", call("scontrol", "show", "config"), re.MULTILINE)
    except SlurmError:
        return MAX_ARRAY_SIZE
    return max(1, int(found[1])) if found else MAX_ARRAY_SIZE


def still_queued(directory: RunDirectory) -> list[str]:
    """Return numbers of jobs submitted for a directory that are still in the queue, as far as Slurm answers.

    The job that asks is left out: one that gathers a round of [precision] submits the next.
    """
    record = directory.path / LOGS / JOBS
    jobs = record.read_text(encoding="utf-8").split() if record.is_file() else []
    if not jobs:
        return []
    try:
        present = set(call("squeue", "--noheader", "--format=%A %F").split())
    except SlurmError:
        return []
    return [job for job in jobs if job in present and job != os.environ.get("SLURM_JOB_ID")]


def submit(
    study: Study | str | Path,
    *,
    profile: Profile | str | Path,
    into: str | Path | None = None,
    pretend: bool = False,
    one_allocation: bool = False,
    even_if_queued: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Submission:
    """Submit what is missing of a study: job arrays and a job that gathers, or one allocation.

    Parameters
    ----------
    study : Study or path
    profile : Profile or path
    into : path, optional
        The run directory, on a file system that all nodes share; ``runs/NAME`` where not given.
    pretend : bool
        Write and submit nothing; return the scripts.
    one_allocation : bool
        A Dask scheduler, its workers and the driver in one job, instead of job arrays.
    even_if_queued : bool
        Submit although jobs of this directory are still in the queue; shards that both run are run twice.
    say : callable
        Is given remarks.

    Returns
    -------
    Submission

    Raises
    ------
    SlurmError
        Where the profile is wrong, one allocation is asked for without Dask, jobs of the directory are still in the
        queue, or Slurm refuses a job; jobs submitted before stay.
    RunDirectoryError
        Where the directory holds another study or cannot be written.

    Examples
    --------
    What would be submitted, on any machine:

    >>> import firmfate
    >>> from firmfate.slurm import Profile
    >>> study = firmfate.Study(name="large", replicates=1_000_000, grid={"misalignment": [0, 1]})
    >>> found = firmfate.submit(study, profile=Profile(partition="compute", cpus=8), pretend=True)
    >>> [script.name for script in found.scripts], found.jobs
    (['array-0.sh', 'gather.sh'], ())
    """
    study = study if isinstance(study, Study) else Study.read(study)
    profile = profile if isinstance(profile, Profile) else Profile.read(profile)
    directory = RunDirectory.of(study, into)
    study = directory.as_far(study)
    limit = max_array_size()
    if pretend:
        directory.refuse_other(study)
        begun = (directory.path / "provenance.json").is_file()
        found = directory.plan(study, study.cells) if begun else plan(study)
        return _prepare(split(found, profile, limit=limit), directory, one_allocation)
    if one_allocation and importlib.util.find_spec("distributed") is None:
        raise SlurmError("one allocation needs Dask: pip install 'firmfate[dask]'; arrays of jobs need none")
    waiting = still_queued(directory)
    if waiting and not even_if_queued:
        raise SlurmError(
            f"jobs of {directory.path} are still in the queue: {', '.join(waiting)}. Wait for them, or cancel them "
            f"(scancel {' '.join(waiting)}); --even-if-queued submits all the same, and what both run is run twice"
        )
    directory.claim(study)
    state = status(directory.path)
    for shard in state.broken:
        say(f"broken shard {shard.path.name}: set aside as {directory.set_aside(shard)}, to be run again")
    tasks = split(state.plan, profile, limit=limit)
    prepared = _prepare(tasks, directory, one_allocation)
    folder = directory.path / LOGS
    files.make_folder(folder)
    files.write(folder / PROFILE, profile.resolved().toml())
    jobs: list[str] = []
    for script in prepared.scripts:
        if script.name == "gather.sh":
            script = gather_script(tasks, directory.path, jobs)
        path = folder / script.name
        files.write(path, script.text)
        jobs.append(call("sbatch", "--parsable", str(path)).strip().partition(";")[0])
        with (folder / JOBS).open("a", encoding="utf-8") as record:
            record.write(jobs[-1] + "\n")
    return Submission(tasks, prepared.scripts, tuple(jobs))


def kept_profile(directory: Path) -> Path | None:
    """Return the profile with which a run was submitted last; None where it never was."""
    path = directory / LOGS / PROFILE
    return path if path.is_file() else None


def _prepare(tasks: ArrayPlan, directory: RunDirectory, one_allocation: bool) -> Submission:
    if one_allocation:
        return Submission(tasks, (allocation_script(tasks, directory.path),), ())
    arrays = list(tasks.arrays())
    at_a_time = max(1, tasks.profile.concurrent // max(1, len(arrays)))
    scripts = [array_script(tasks, array, directory.path, at_a_time=at_a_time) for array in arrays]
    names = [f"<job of {script.name}>" for script in scripts]
    return Submission(tasks, (*scripts, gather_script(tasks, directory.path, names)), ())
