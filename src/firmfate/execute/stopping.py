"""Stopping on request: a signal before a time limit ends a run cleanly, with finished shards kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from firmfate.errors import IncompleteRunError
from firmfate.execute.interrupts import delivered

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))
"""What batch systems send: TERM where a job is cancelled or preempted, USR1 where our scripts ask for it (not on
Windows)."""


class Stopped(IncompleteRunError):
    """The run was asked to stop by a signal; shards in hand are dropped, finished ones kept."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        name = signal.Signals(signal_number).name
        super().__init__(f"stopped by {name}; finished shards are kept, the same command goes on from there")


@contextlib.contextmanager
def stops_on_signals() -> Iterator[None]:
    """Raise `Stopped` in the main thread when a signal asks to stop; further signals are ignored then.

    Handlers that somebody else has set are left alone, and so is every thread but the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, frame: FrameType | None) -> None:
        for other in caught:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    for number in caught:
        signal.signal(number, stop)
    try:
        with delivered():
            yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)
