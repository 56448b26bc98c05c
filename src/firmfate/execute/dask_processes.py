"""Dask processes of this machine: for where a pool of threads is not wanted, and to try out what a cluster will do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from firmfate.execute.base import Executor, Work, check_count, count_option, need_dask
from firmfate.machine import cores

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup

    from distributed import Client


@dataclass(frozen=True)
class DaskProcesses(Executor):
    """Run shards on Dask processes of this machine, which end with the run.

    Parameters
    ----------
    count : int
        Processes.
    threads : int, optional
        Threads of each; they share the cores that this process may use, where not given.

    Examples
    --------
    >>> from firmfate.execute import DaskProcesses
    >>> DaskProcesses(2, threads=1)  # firmfate.run(study, on=DaskProcesses(2, threads=1))
    DaskProcesses(count=2, threads=1)
    """

    count: int
    threads: int | None = None

    def __post_init__(self) -> None:
        check_count("processes", self.count)
        check_count("threads", self.threads)

    def check(self) -> None:
        """Refuse to begin without Dask."""
        need_dask()

    def run(self, work: Work) -> None:
        """Start the processes and run shards until all are finished."""
        from firmfate.execute.compiling import compile_once
        from firmfate.execute.dask_work import run_on_dask

        compile_once(work.worker.engine, work.say)
        with self.cluster() as client:
            run_on_dask(client, work)

    @contextlib.contextmanager
    def cluster(self) -> Iterator[Client]:
        """Give a client of the processes."""
        import dask
        from distributed import Client, LocalCluster

        from firmfate.execute.dask_work import QUIET

        with (
            dask.config.set(QUIET | {"distributed.worker.daemon": False, "distributed.logging.distributed": "error"}),
            LocalCluster(
                n_workers=self.count,
                threads_per_worker=self.threads or max(1, cores() // self.count),
                processes=True,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                silence_logs=50,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare ``--workers``."""
        choice.add_argument("--workers", type=count_option, metavar="N", help="Dask processes on this machine")

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return it where a number of processes is asked for."""
        return None if options.workers is None else cls(options.workers)
