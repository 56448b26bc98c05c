"""One command does it all: claim the directory, plan what is missing, run it, gather, keep a few lives for the report."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.dataset import BrokenShards, gather
from firmfate.design import design
from firmfate.errors import RunDirectoryError
from firmfate.execute.progress import Progress
from firmfate.execute.threads import run_on_threads
from firmfate.replay import write_lives
from firmfate.shards import Plan, RunDirectory, Worker
from firmfate.shards.plan import human_bytes
from firmfate.simulation import cores
from firmfate.study import Study

if TYPE_CHECKING:
    import xarray as xr

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
    shard_scale: float = 1.0,
) -> xr.Dataset:
    """Run a study into a directory: what is missing there, and only that; then gather.

    Calling it again resumes a run that was killed, and extends one whose study asks for more replicates or cells. The result
    is the same to the bit for any number of threads, workers, shard sizes and interruptions.

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
        Threads of this process; all cores where not given.
    scheduler : str, optional
        Address or scheduler file of a Dask scheduler.
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
    """
    study = study if isinstance(study, Study) else Study.read(study)
    directory = RunDirectory(Path(into))
    wanted = directory.claim(study)
    worker = Worker(study, wanted)
    for attempt in range(ATTEMPTS):
        plan = directory.plan(study, worker.cells, shard_scale=shard_scale)
        with Progress(plan.firms, plan.done, shown=progress) as told, contextlib.ExitStack() as stack:
            if plan.shards:
                _check_space(directory.path, plan)
                _execute(plan, directory, worker, told, stack, workers, client, threads, scheduler)
            elif attempt == 0:
                told.say(f"all {plan.firms:,} firms are there already")
        try:
            ds = gather(directory.path)
        except BrokenShards as fault:
            if attempt == ATTEMPTS - 1:
                raise
            for shard in fault.shards:
                told.say(f"broken shard {shard.path.name}: set aside as {directory.set_aside(shard)}, to be run again")
            continue
        complete(directory.path)
        return ds
    raise AssertionError("unreachable")


def complete(directory: Path) -> None:
    """Write what the report needs beside the counts, where it is missing or older."""
    run_directory = RunDirectory(directory)
    newer = run_directory.lives.is_file() and run_directory.lives.stat().st_mtime >= run_directory.result.stat().st_mtime
    if not newer:
        write_lives(directory)


def run_part(study: Study | str | Path, *, into: str | Path, index: int, parts: int, progress: bool = True, threads: int | None = None) -> int:
    """Run every `parts`-th shard of the whole plan from `index` on, those that are there left out; return how many were run.

    For job arrays: task i of n runs ``--shards i/n``. The shards are those of the plan of an empty directory, so that all tasks
    agree on them whatever is finished already.
    """
    study = study if isinstance(study, Study) else Study.read(study)
    if not 0 <= index < parts:
        raise RunDirectoryError(f"--shards {index}/{parts}; allowed: i/n with i from 0 to n - 1")
    directory = RunDirectory(Path(into))
    worker = Worker(study, directory.claim(study))
    from firmfate.shards import plan as whole_plan

    there = {shard.path.name.rsplit("-", 1)[0] for shard in directory.files()}
    mine = [shard for shard in whole_plan(study, cells=worker.cells).shards[index::parts] if shard.name not in there]
    total = sum(shard.firms for shard in mine)
    if mine:
        with Progress(total, 0, shown=progress) as told:
            _warm_up(worker, told)
            run_on_threads(
                worker, mine, directory.shards, threads=threads or cores(), done=lambda r: told.advance(r.firms, r.firm_steps)
            )
    return len(mine)


def _warm_up(worker: Worker, told: Progress) -> None:
    begin = time.monotonic()
    engine = worker.engine
    if not engine.cached:
        told.say(f"compiling the model '{worker.study.model.name}', once ...")
    engine.warm_up()
    if time.monotonic() - begin > 2:
        told.say(f"compiling the model '{worker.study.model.name}', once: {time.monotonic() - begin:.1f} s")


def _execute(
    plan: Plan, directory: RunDirectory, worker: Worker, told: Progress, stack: contextlib.ExitStack, workers: int | None,
    client: Any, threads: int | None, scheduler: str | None,
) -> None:  # fmt: skip
    def done(receipt: Any) -> None:
        told.advance(receipt.firms, receipt.firm_steps)

    if workers is None and client is None and scheduler is None:
        _warm_up(worker, told)
        run_on_threads(worker, plan.shards, directory.shards, threads=threads or cores(), done=done)
        return
    from firmfate.execute.dask import connect, local_cluster, run_on_dask

    if client is None:
        client = stack.enter_context(connect(scheduler) if scheduler else local_cluster(workers or cores()))
    run_on_dask(client, directory.path, worker.fingerprint, plan.shards, done=done, say=told.say)


def _check_space(path: Path, plan: Plan) -> None:
    free = shutil.disk_usage(path).free
    # Counts compress well: a tenth of their size in memory was more than any study of ours took.
    wanted = SPARE_BYTES + plan.result_bytes // 5
    if free < wanted:
        raise RunDirectoryError(
            f"{path} has {human_bytes(free)} of free space; this run may need {human_bytes(wanted)}: make room, or choose another disk"
        )
