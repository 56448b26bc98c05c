"""The register of executors that the command line offers: to add one, name its class here."""

from __future__ import annotations

from firmfate.execute.base import Executor
from firmfate.execute.dask_processes import DaskProcesses
from firmfate.execute.dask_scheduler import DaskScheduler
from firmfate.execute.slurm_workers import SlurmWorkers
from firmfate.execute.threads import Threads

EXECUTORS: list[type[Executor]] = [
    Threads,
    DaskProcesses,
    DaskScheduler,
    SlurmWorkers,
]
"""In the order in which help lists their options; the first is what runs where none is asked for."""
