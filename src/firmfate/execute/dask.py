"""Shards on Dask: few, large tasks, a shard each; results go to files, only receipts travel.

Shards are submitted as workers free up, so a plan of any length costs the scheduler no more than a few tasks a worker. Every
worker proves first that it sees the run directory and is of the same version and processor.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.errors import RunDirectoryError
from firmfate.provenance import fingerprint
from firmfate.shards import RunDirectory, Shard, Worker
from firmfate.shards.directory import fingerprint_table
from firmfate.shards.work import Receipt

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 3
AHEAD = 2
"""Tasks in flight for every thread of a worker."""


@lru_cache(maxsize=4)
def _worker(directory: str, wanted: str) -> Worker:
    """Return this process's worker for a run directory; made once a process."""
    study = RunDirectory(Path(directory)).study()
    found = fingerprint(fingerprint_table(study))
    if found != wanted:
        raise RunDirectoryError(
            f"a Dask worker sees another study, version or processor in {directory} than the driver ({found} instead of {wanted})"
        )
    return Worker(study, found)


def _prove(directory: str, token: str, wanted: str) -> str:
    """Run on every worker: see the directory, and be able to write there."""
    path = Path(directory) / token
    if not path.is_file():
        raise RunDirectoryError(f"a Dask worker does not see the run directory {directory}; it must be on a shared file system")
    worker = _worker(directory, wanted)
    worker.engine.warm_up()
    return wanted


def _run_shard(directory: str, wanted: str, shard: Shard) -> Receipt:
    return _worker(directory, wanted).run(shard, Path(directory) / "shards")


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Give a client of a cluster of processes on this machine, one thread each."""
    import dask
    from distributed import Client, LocalCluster

    settings = {"distributed.worker.daemon": False, "distributed.logging.distributed": "error"}
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextlib.contextmanager
def connect(scheduler: str) -> Iterator[Client]:
    """Give a client of a scheduler by its address, or by its scheduler file."""
    from distributed import Client

    try:
        client = Client(scheduler_file=scheduler, timeout=20) if scheduler.endswith(".json") else Client(scheduler, timeout=20)
    except (OSError, ValueError, TimeoutError) as fault:
        raise RunDirectoryError(f"no Dask scheduler answers at {scheduler}: {fault or type(fault).__name__}") from fault
    with client:
        yield client


def run_on_dask(
    client: Any, directory: Path, wanted: str, shards: Iterable[Shard], *, done: Callable[[Receipt], None],
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Run shards on a Dask client; `done` is called with every receipt.

    Raises
    ------
    RunDirectoryError
        Where a worker does not see the run directory, or is of another version or processor.
    """
    from distributed import as_completed

    where = str(directory.resolve())
    token = f".seen-{os.getpid()}"
    (directory / token).touch()
    try:
        client.wait_for_workers(1, timeout=120)
        client.run(_prove, where, token, wanted)
    finally:
        (directory / token).unlink(missing_ok=True)
    threads = sum(client.nthreads().values())
    say(f"running on Dask: {len(client.nthreads())} worker process(es), {threads} thread(s) in all")
    remaining = iter(shards)

    def submit() -> Any:
        shard = next(remaining, None)
        if shard is None:
            return None
        return client.submit(_run_shard, where, wanted, shard, pure=False, retries=RETRIES, key=f"shard-{shard.name}")

    first = [future for _ in range(AHEAD * threads) if (future := submit()) is not None]
    completed = as_completed(first)
    for future in completed:
        done(future.result())
        future.release()
        following = submit()
        if following is not None:
            completed.add(following)
