"""Shards on the workers of a Dask client: few, large tasks, a shard each; results go to files, only receipts travel.

Shards are submitted as workers free up, so a plan of any length costs the driver and the scheduler no more than a few
tasks a worker. Every worker proves first that it sees the run directory and is of the same version and processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from firmfate.errors import IncompleteRunError, RunDirectoryError
from firmfate.execute.base import Work
from firmfate.execute.compiling import compile_once
from firmfate.shards import RunDirectory, Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.work import Receipt

RETRIES = 3
AHEAD = 2
"""Tasks in flight for every thread of a worker."""
RECOUNT = 5.0
"""Seconds between two looks at how many workers there are."""
PATIENCE = 120.0
"""Seconds to wait for the first worker."""
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "2s",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.scheduler.work-stealing-interval": "1s",
}
"""What Dask looks at ten and fifty times a second takes 3 % of two cores; tasks of seconds do not need it."""
SIGHT = 30.0
"""Seconds that a shared file system may take to show a new file on another machine."""


@lru_cache(maxsize=4)
def _worker(directory: str, wanted: str, token: str, device: str) -> Worker:
    """Return this process's worker for a run directory, made once: it sees the directory, and computes the same."""
    until = time.monotonic() + SIGHT
    while not (Path(directory) / token).is_file():
        if time.monotonic() > until:
            raise RunDirectoryError(
                f"a Dask worker does not see the run directory {directory}; it must be on a file system that all share"
            )
        time.sleep(0.5)
    study = RunDirectory(Path(directory)).study()
    found = fingerprint_of(study)
    if found != wanted:
        raise RunDirectoryError(
            f"a Dask worker sees another study or version in {directory} than the driver: "
            f"fingerprint {found} instead of {wanted}"
        )
    worker = Worker(study, found, device)
    compile_once(worker.engine)
    return worker


def _prove(directory: str, wanted: str, token: str, device: str) -> None:
    """Run on every worker before work starts."""
    _worker(directory, wanted, token, device)


def _run_shard(directory: str, wanted: str, token: str, device: str, shard: Shard) -> Receipt:
    """Run a shard, if it is not there: a worker may have died between its file and its receipt."""
    worker, folder = _worker(directory, wanted, token, device), Path(directory) / "shards"
    return worker.finished(shard, folder) or worker.run(shard, folder)


def run_on_dask(client: Any, work: Work, *, threads_to_come: int = 0, patience: float = PATIENCE) -> None:
    """Run shards on a Dask client.

    Parameters
    ----------
    client : distributed.Client
    work : Work
        Workers must see its run directory.
    threads_to_come : int
        Threads that the cluster may grow to; it grows only where tasks wait.
    patience : float
        Seconds to wait for the first worker.

    Raises
    ------
    RunDirectoryError
        Where a worker does not see the run directory, or is of another version or processor.
    DeviceError
        Where a worker has not the device that is asked for.
    IncompleteRunError
        Where no worker comes, or the scheduler is lost.
    """
    from distributed import as_completed

    directory, wanted, device = work.directory.path, work.worker.fingerprint, work.worker.device
    where = str(directory.resolve())
    token = f".seen-{uuid.uuid4().hex[:12]}"
    remaining = iter(work.shards)
    in_flight: set[Any] = set()
    try:
        (directory / token).touch()
        if not client.nthreads():
            work.say(f"waiting for a Dask worker, for at most {patience:g} s ...")
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise IncompleteRunError(f"no Dask worker came within {patience:g} s; is the cluster up?") from None
        client.run(_prove, where, wanted, token, device)
        threads = client.nthreads()
        work.say(f"running on Dask: {len(threads)} worker process(es), {sum(threads.values())} thread(s) in all")
        work.begin()
        counted = time.monotonic()
        room = AHEAD * max(sum(threads.values()), threads_to_come)

        def submit() -> list[Any]:
            # One graph for all that there is room for, and one request for all receipts: it halves the time of a task.
            some = list(islice(remaining, max(0, room - len(in_flight))))
            futures: list[Any] = client.map(
                partial(_run_shard, where, wanted, token, device),
                some,
                pure=False,
                retries=RETRIES,
                key=[f"shard-{shard.name}-{token}" for shard in some],
            )
            in_flight.update(futures)
            return futures

        completed = as_completed(submit(), loop=client.loop)
        for batch in completed.batches():
            finished = [future for future in batch if future.status == "finished"]
            failed = [future for future in batch if future.status != "finished"]
            for some in (finished, failed):  # what failed raises, after the receipts of others
                for receipt in client.gather(some):
                    work.done(receipt)
            in_flight.difference_update(batch)
            if time.monotonic() - counted > RECOUNT:
                counted = time.monotonic()
                room = AHEAD * max(sum(client.nthreads().values()), threads_to_come, 1)
            completed.update(submit())
    except BaseException as fault:
        with contextlib.suppress(Exception):
            client.cancel(list(in_flight), force=True)
        if _is_lost(fault):
            raise IncompleteRunError(
                f"Dask was lost ({type(fault).__name__}: {' '.join(str(fault).split())}); finished shards are kept, "
                "the same command goes on from there"
            ) from fault
        raise
    finally:
        (directory / token).unlink(missing_ok=True)


def _is_lost(fault: BaseException) -> bool:
    """Return whether the cluster failed, not the work: no scheduler, or a shard whose workers died again and again."""
    from distributed import CancelledError, KilledWorker
    from distributed.comm import CommClosedError

    if isinstance(fault, OSError) and fault.errno is None:  # of Dask: the scheduler cannot be connected to any more
        return True
    return isinstance(fault, CancelledError | KilledWorker | CommClosedError | asyncio.TimeoutError)
