"""Machine code that is compiled once a node, however many processes need it at the same time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from firmfate.disk import lock
from firmfate.kernel.compose import cache_directory
from firmfate.kernel.engine import Engine

COMPILE_SECONDS = 15.0
"""What compiling a model takes; a round number for plans."""


def seconds_to_compile(engine: Engine) -> float:
    """Return what compiling is going to take on this machine, about; 0 where the machine code is there already."""
    return 0.0 if engine.compiled or engine.cached else COMPILE_SECONDS


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock among the processes of this node; file systems without locks are no reason to stop."""
    with (cache_directory() / "compiling.lock").open("a") as file:
        with contextlib.suppress(OSError):
            lock(file.fileno(), wait=True)
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
