"""Threads of this process: the kernel lets go of the interpreter's lock, so a pool of threads is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from firmfate.execute.base import Executor, Work, check_count, count_option
from firmfate.machine import cores

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup
    from concurrent.futures import Future

    from firmfate.shards.work import Receipt


@dataclass(frozen=True)
class Threads(Executor):
    """Run shards on threads of this process.

    Whatever ends it early (an interrupt, a signal, a full disk), shards in hand are dropped within a second.

    Parameters
    ----------
    count : int, optional
        All cores that this process may use, where not given.

    Examples
    --------
    >>> from firmfate.execute import Threads
    >>> Threads(4)  # firmfate.run(study, on=Threads(4))
    Threads(count=4)
    """

    count: int | None = None

    def __post_init__(self) -> None:
        check_count("threads", self.count)

    def run(self, work: Work) -> None:
        """Run shards until all are finished."""
        import threading
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

        from firmfate.execute.compiling import compile_once

        compile_once(work.worker.engine, work.say)
        work.begin()
        threads, folder = self.count or cores(), work.directory.shards
        remaining = iter(work.shards)
        waiting: set[Future[Receipt]] = set()
        stopping = threading.Event()
        pool = ThreadPoolExecutor(threads, thread_name_prefix="firmfate")
        try:
            while True:
                while len(waiting) < threads + 1 and (shard := next(remaining, None)) is not None:
                    waiting.add(pool.submit(work.worker.run, shard, folder, stopping.is_set))
                if not waiting:
                    return
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    work.done(future.result())
        finally:
            stopping.set()
            pool.shutdown(wait=True, cancel_futures=True)

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare ``--threads``."""
        choice.add_argument(
            "--threads", type=count_option, metavar="N", help="threads of this process (default: all cores)"
        )

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return it where a number of threads is asked for."""
        return None if options.threads is None else cls(options.threads)
