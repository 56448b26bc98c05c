"""What every executor is: one class a way to run shards, given to ``firmfate.run(study, on=...)``.

To add a way, write a file beside these with a subclass of `Executor`, and name it in ``register.py``: the command line
takes its option from there. Whatever an executor does, shards are files, and the same files.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from firmfate.errors import ExecutorError, check_int

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup

    from firmfate.shards import Plan, RunDirectory, Shard, Worker
    from firmfate.shards.work import Receipt

MOST = 4096
"""Threads, or processes, at most."""
MOST_SCALE = 1e6
"""How many times as large as usual shards may be."""


@dataclass(frozen=True)
class Work:
    """What there is to do: shards of one study, which become files of one run directory.

    Attributes
    ----------
    worker : Worker
        Simulates a shard in this process, and names the study and its fingerprint.
    shards : iterable of Shard
        May be long: draw from it as there is room.
    directory : RunDirectory
    done : callable
        Is given a receipt for every shard that is finished.
    say : callable
        Is given remarks for the user.
    begin : callable
        Is called before the first shard is run, when compiling and waiting for workers are over.

    Examples
    --------
    See `Executor`.
    """

    worker: Worker
    shards: Sequence[Shard]
    directory: RunDirectory
    done: Callable[[Receipt], None]
    say: Callable[[str], None]
    begin: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Executor(ABC):
    """Where and how the shards of a run are simulated.

    Traits of a kind, declared in its class:

    gathers : bool
        Whether it runs all that is missing, so that the run is gathered afterwards.
    is_here : bool
        Whether it simulates on this machine, so that what is asked of the machine can be checked at once.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.execute import Executor
    >>> class Backwards(Executor):
    ...     def run(self, work):
    ...         for shard in reversed(work.shards):
    ...             work.done(work.worker.run(shard, work.directory.shards))
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> with firmfate.run(study, into="runs/cars", on=Backwards(), progress=False) as ds:
    ...     int(ds.firms.sum())
    128
    """

    gathers: ClassVar[bool] = True
    is_here: ClassVar[bool] = True

    @abstractmethod
    def run(self, work: Work) -> None:
        """Run shards until all are finished; what is finished is kept however it ends.

        Raises
        ------
        IncompleteRunError
            Where it was stopped, or lost its workers.
        """

    def check(self) -> None:
        """Refuse what it asks for and is not there, before anything is written."""
        return

    def shards(self, plan: Plan) -> Sequence[Shard]:
        """Return which of the missing shards it runs: all of them, where a kind does not choose."""
        return plan.shards

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare the option of ``firmfate run`` that asks for it, in `choice`, and those that go with it."""
        return

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return the executor that these options ask for; None where they do not ask for this kind."""
        return None


def need_dask() -> None:
    """Refuse to begin without Dask.

    Raises
    ------
    ExecutorError
        Where `dask` or `distributed` is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("dask", "distributed")):
        raise ExecutorError(
            "Dask is not installed: pip install 'firmfate[dask]'; threads, the default, and arrays of jobs need none"
        )


def check_count(name: str, count: int | None) -> None:
    """Refuse a number of threads or processes that is none."""
    if count is not None:
        check_int(name, count, least=1, most=MOST)


def count_option(text: str) -> int:
    """Read a number of threads or processes from the command line."""
    from argparse import ArgumentTypeError

    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"'{text}'; allowed: an integer from 1 to {MOST}")
    return int(text)
