"""Progress: a bar on a terminal and in a notebook, a line every 30 seconds in a log; firms, rate, time left."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

from firmfate.shards.plan import human_seconds

EVERY = 30.0
DELAY = 1.0
"""Seconds before a bar of brief work comes."""


class Progress:
    """Prints how a run goes on; use as a context.

    Parameters
    ----------
    total, done : int
        Firms in all, and those that were there before.
    shown : bool
    stream : file, optional
        Where to; standard error if not given.
    brief : bool
        For work that is mostly short: the bar comes after a second only, and goes at the end.
    """

    def __init__(
        self, total: int, done: int, *, shown: bool = True, stream: TextIO | None = None, brief: bool = False
    ) -> None:
        self.total, self.done, self.before, self.brief = total, done, done, brief
        self.steps = 0
        self.stream = stream or sys.stderr
        self.shown = shown
        self._bar: Any = None
        self._begin = self._last = time.monotonic()

    def __enter__(self) -> Progress:
        self._begin = self._last = time.monotonic()
        terminal = self.stream.isatty()
        if self.shown and shows_bars(self.stream):
            from tqdm import tqdm

            class Bar(tqdm):  # type: ignore[misc]
                """Its lock is of threads: tqdm's own, of processes, starts one from Python 3.14 on."""

            Bar.set_lock(threading.RLock())
            size = _size(self.stream) if terminal else {"ncols": 80}
            self._bar = Bar(
                total=self.total, initial=self.done, unit=" firms", unit_scale=True, file=self.stream,
                smoothing=0.1, desc="simulating", delay=DELAY * self.brief, leave=not self.brief, **size,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self.shown and self.done > self.before:
            self.say(self.line())

    def begin(self) -> None:
        """Count seconds from here: what came before, such as compiling, does not lower the rate."""
        self._begin = time.monotonic()
        if self._bar is not None:
            self._bar.unpause()

    def advance(self, firms: int, firm_steps: int) -> None:
        """Count a finished shard."""
        self.done += firms
        self.steps += firm_steps
        if self._bar is not None:
            self._bar.update(firms)
        elif self.shown and time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self.say(self.line())

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begin

    def line(self) -> str:
        """Return the state in one line."""
        rate = (self.done - self.before) / max(self.seconds, 1e-9)
        left = human_seconds((self.total - self.done) / rate) if rate else "?"
        return (
            f"{self.done:,} of {self.total:,} firms ({self.done / self.total:.1%}), {rate:,.0f} firms/s, "
            f"{self.steps / max(self.seconds, 1e-9) / 1e6:,.0f} million firm-steps/s, {left} left"
        )

    def say(self, text: str) -> None:
        """Print a line, beside the bar where there is one; where nobody reads it, the work goes on."""
        if not self.shown:
            return
        with contextlib.suppress(OSError):
            if self._bar is not None:
                self._bar.write(text, file=self.stream)
            else:
                print(text, file=self.stream, flush=True)


def shows_bars(stream: TextIO | None = None) -> bool:
    """Return whether a person sees what is written to a stream (standard error if not given) as it comes."""
    return (stream or sys.stderr).isatty() or in_notebook()


def in_notebook() -> bool:
    """Return whether a notebook's kernel runs this process; its output understands a carriage return."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _size(stream: TextIO) -> dict[str, Any]:
    """Let the bar follow a terminal's size; some terminals report no size, and would show nothing."""
    return {"dynamic_ncols": True} if all(os.get_terminal_size(stream.fileno())) else {"ncols": 80, "nrows": 24}
