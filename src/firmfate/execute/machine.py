"""The machine at hand: how many cores are ours, and machine code that is made once a node."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from firmfate.kernel.compose import cache_directory
from firmfate.kernel.engine import Engine
from firmfate.simulation import cores


def allocated_cores() -> int:
    """Return how many cores this process may use: those of its affinity, and no more than Slurm has allocated.

    Without control groups a Slurm job sees all cores of its node, whatever it was given.
    """
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        given = os.environ.get(name, "")
        if given.isdigit() and int(given) > 0:
            return min(cores(), int(given))
    return cores()


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock among the processes of this node; file systems without locks are no reason to stop."""
    import fcntl

    with (cache_directory() / "compiling.lock").open("a") as lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def compile_once(engine: Engine, say: Callable[[str], None] = lambda _: None) -> None:
    """Have an engine's machine code at hand; of many processes on a node that ask, one compiles and the others load."""
    if engine.compiled:
        return
    begin = time.monotonic()
    if not engine.cached:
        say(f"compiling the model '{engine.model.name}', once ...")
    with _one_at_a_time():
        engine.warm_up()
    if time.monotonic() - begin > 2:
        say(f"compiling the model '{engine.model.name}', once: {time.monotonic() - begin:.1f} s")
