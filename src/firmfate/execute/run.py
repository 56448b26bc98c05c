"""One command does it all: claim the directory, plan what is missing, run it, gather, keep lives for the report."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.dataset import BrokenShards, gather
from firmfate.errors import FirmfateError, IncompleteRunError, RunDirectoryError, whole
from firmfate.execute.machine import allocated_cores, compile_once
from firmfate.execute.progress import Progress
from firmfate.execute.stopping import Stopped, stops_on_signals
from firmfate.execute.threads import run_on_threads
from firmfate.lives import write_lives
from firmfate.shards import Plan, RunDirectory, Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.plan import human_bytes
from firmfate.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterable

    import xarray as xr

    from firmfate.slurm import Profile

ATTEMPTS = 3
SPARE_BYTES = 16 * 1024**2


def run(
    study: Study | str | Path,
    *,
    into: str | Path,
    workers: int | None = None,
    client: Any = None,
    progress: bool = True,
    threads: int | None = None,
    scheduler: str | None = None,
    tls: tuple[Path, Path, Path] | None = None,
    slurm: Profile | str | Path | None = None,
    shard_scale: float = 1.0,
) -> xr.Dataset:
    """Run a study into a directory: what is missing there, and only that; then gather.

    Calling it again resumes a run that was killed, and extends one whose study asks for more replicates or cells. The
    result is the same to the bit for any number of threads, workers, shard sizes and interruptions.

    Parameters
    ----------
    study : Study or path
    into : path
        The run directory; new, empty, or of the same study.
    workers : int, optional
        Run on so many Dask processes of this machine, instead of on threads.
    client : distributed.Client, optional
        Run on this Dask client.
    progress : bool
        Tell how it goes, on standard error.
    threads : int, optional
        Threads of this process, or of each of the `workers`; they share all cores where not given.
    scheduler : str, optional
        Address or scheduler file of a Dask scheduler.
    tls : (path, path, path), optional
        Files of the authority, the certificate and the key for `scheduler`.
    slurm : Profile or path, optional
        Run on Dask workers in Slurm jobs of this profile, as many at a time as there is work for.
    shard_scale : float
        Multiplies the size of shards.

    Returns
    -------
    xarray.Dataset
        The gathered counts, opened lazily.

    Raises
    ------
    StudyError, RunDirectoryError
        Where the study or the directory cannot be run; nothing is overwritten.
    IncompleteRunError
        Where it was stopped by SIGTERM or SIGUSR1, or its cluster was lost; finished shards are kept.
    """
    study = study if isinstance(study, Study) else Study.read(study)
    if sum(choice is not None for choice in (client, scheduler, slurm, workers)) > 1:
        raise FirmfateError("workers, client, scheduler and slurm exclude each other; choose one")
    for name, count in (("workers", workers), ("threads", threads)):
        if count is not None:
            whole(name, count, least=1, most=4096)
    directory = RunDirectory(Path(into))
    worker = _claimed(directory, study)
    where = _Where(workers, client, threads, scheduler, tls, slurm)
    with stops_on_signals():
        for attempt in range(ATTEMPTS):
            plan = directory.plan(study, worker.cells, shard_scale=shard_scale)
            with Progress(plan.firms, plan.done, shown=progress) as told:
                if plan.shards:
                    _check_space(directory.path, plan)
                    _execute(where, worker, plan.shards, directory, told)
                elif attempt == 0:
                    told.say(f"all {plan.firms:,} firms are there already")
            try:
                ds = gather(directory.path)
            except (BrokenShards, IncompleteRunError) as fault:
                if isinstance(fault, Stopped) or attempt == ATTEMPTS - 1:
                    raise
                # Shards may also go missing under our feet, or overlap with those of a run of another layout.
                for shard in fault.shards if isinstance(fault, BrokenShards) else ():
                    told.say(
                        f"broken shard {shard.path.name}: set aside as {directory.set_aside(shard)}, to be run again"
                    )
                continue
            complete(directory.path)
            return ds
    raise AssertionError("unreachable")


def _claimed(directory: RunDirectory, study: Study) -> Worker:
    """Claim a directory for a study, and return the worker that simulates it; cells are laid out once."""
    worker = Worker(study, fingerprint_of(study))
    directory.claim(study, worker.cells)
    return worker


def complete(directory: Path) -> None:
    """Write what the report needs beside the counts."""
    write_lives(directory)


def run_part(
    study: Study | str | Path,
    *,
    into: str | Path,
    index: int,
    parts: int,
    progress: bool = True,
    threads: int | None = None,
) -> int:
    """Run what is missing of every `parts`-th shard of the study from `index` on; return how many shards were run.

    For job arrays: task i of n runs ``--shards i/n``. Places are those in the plan of the whole study, so that all
    tasks agree on them whatever is finished already, and a task that is run twice finds its work done.

    Raises
    ------
    IncompleteRunError
        Where it was stopped by SIGTERM or SIGUSR1; shards in hand are dropped, finished ones kept.
    """
    study = study if isinstance(study, Study) else Study.read(study)
    if not 0 <= index < parts:
        raise RunDirectoryError(f"--shards {index}/{parts}; allowed: i/n with i from 0 to n - 1")
    directory = RunDirectory(Path(into))
    worker = _claimed(directory, study)
    mine = directory.plan(study, worker.cells).part(index, parts)
    if mine:
        with stops_on_signals(), Progress(sum(shard.firms for shard in mine), 0, shown=progress) as told:
            _execute(_Where(threads=threads), worker, mine, directory, told)
    return len(mine)


@dataclass(frozen=True)
class _Where:
    """Where shards are run; on threads of this process where nothing is said."""

    workers: int | None = None
    client: Any = None
    threads: int | None = None
    scheduler: str | None = None
    tls: tuple[Path, Path, Path] | None = None
    slurm: Profile | str | Path | None = None


def _execute(where: _Where, worker: Worker, shards: Iterable[Shard], directory: RunDirectory, told: Progress) -> None:
    def done(receipt: Any) -> None:
        told.advance(receipt.firms, receipt.firm_steps)

    if where.workers is None and where.client is None and where.scheduler is None and where.slurm is None:
        threads = where.threads or allocated_cores()
        compile_once(worker.engine, told.say)
        run_on_threads(worker, shards, directory.shards, threads=threads, done=done)
        return
    from firmfate.execute.dask import connect, local_cluster, run_on_dask

    with contextlib.ExitStack() as stack:
        growth: dict[str, Any] = {}
        if where.slurm is not None:
            from firmfate.execute.jobqueue import slurm_cluster
            from firmfate.slurm import Profile

            profile = where.slurm if isinstance(where.slurm, Profile) else Profile.read(where.slurm)
            told.say(f"asking Slurm for {profile.least} to {profile.concurrent} job(s) of {profile.cpus} CPU(s) each")
            client = stack.enter_context(slurm_cluster(profile, directory.path))
            growth = {"threads_to_come": profile.concurrent * profile.cpus, "patience": profile.patience_seconds}
        elif where.scheduler is not None:
            client = stack.enter_context(connect(where.scheduler, where.tls))
        elif where.workers is not None:
            compile_once(worker.engine, told.say)
            client = stack.enter_context(local_cluster(where.workers, where.threads))
        else:
            client = where.client
        run_on_dask(client, directory.path, worker.fingerprint, shards, done=done, say=told.say, **growth)


def _check_space(path: Path, plan: Plan) -> None:
    free = shutil.disk_usage(path).free
    compressed = plan.result_bytes // 5  # counts took a tenth at most
    wanted = SPARE_BYTES + plan.shard_bytes + plan.firms_bytes + compressed
    if free < wanted:
        raise RunDirectoryError(
            f"{path} has {human_bytes(free)} of free space; this run may need {human_bytes(wanted)}: make room, "
            "or choose another disk"
        )
