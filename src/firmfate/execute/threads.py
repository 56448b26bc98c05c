"""Shards on threads of this process: the kernel lets go of the interpreter's lock, so a pool of threads is enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from firmfate.shards import Shard, Worker
from firmfate.shards.work import Receipt


def run_on_threads(
    worker: Worker, shards: Iterable[Shard], folder: Path, *, threads: int, done: Callable[[Receipt], None]
) -> None:
    """Run shards on so many threads; `done` is called with every receipt.

    Whatever ends it early (an interrupt, a signal, a full disk), shards in hand are dropped within a second.
    """
    remaining = iter(shards)
    waiting: set[Future[Receipt]] = set()
    stopping = threading.Event()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="firmfate")
    try:
        while True:
            while len(waiting) < threads + 1 and (shard := next(remaining, None)) is not None:
                waiting.add(pool.submit(worker.run, shard, folder, stopping.is_set))
            if not waiting:
                return
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                done(future.result())
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
