"""Execution: the same shards on threads, on Dask, on Slurm or by index; the files that they leave are the truth.

An executor is one class in one file; ``base.py`` is its interface, ``register.py`` lists those that the command line
offers. Give one to ``firmfate.run(study, on=Threads(4))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.lazy import importer

# Importing the room imports nothing heavy: the command line's help asks executors for their options.
_WHERE = {
    "ArrayPart": "firmfate.execute.array_part",
    "DaskClient": "firmfate.execute.dask_client",
    "DaskProcesses": "firmfate.execute.dask_processes",
    "DaskScheduler": "firmfate.execute.dask_scheduler",
    "Executor": "firmfate.execute.base",
    "SlurmWorkers": "firmfate.execute.slurm_workers",
    "Threads": "firmfate.execute.threads",
    "Work": "firmfate.execute.base",
    "run": "firmfate.execute.running",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.execute.array_part import ArrayPart as ArrayPart
    from firmfate.execute.base import Executor as Executor
    from firmfate.execute.base import Work as Work
    from firmfate.execute.dask_client import DaskClient as DaskClient
    from firmfate.execute.dask_processes import DaskProcesses as DaskProcesses
    from firmfate.execute.dask_scheduler import DaskScheduler as DaskScheduler
    from firmfate.execute.running import run as run
    from firmfate.execute.slurm_workers import SlurmWorkers as SlurmWorkers
    from firmfate.execute.threads import Threads as Threads


__getattr__ = importer(__name__, _WHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
