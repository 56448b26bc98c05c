"""What a run does before and after its firms: it is done in a temporary folder, to see how long it takes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from firmfate.shards.directory import RunDirectory
from firmfate.shards.plan import Plan
from firmfate.simulation.typical_firms import write_trajectories

GATHER_SECONDS = 0.05
"""Of gathering the smallest result, a round number; what more cells take is `Plan.gather_seconds`."""


def around_firms(plan: Plan, clock: Callable[[], float]) -> float:
    """Return the core-seconds of a run's start, of gathering, and of its typical trajectories.

    The start and the trajectories are measured, the second time that they are done: the first imports what they use.

    Parameters
    ----------
    plan : Plan
    clock : callable
        Seconds of this thread.
    """
    with tempfile.TemporaryDirectory(prefix="firmfate-pilot-") as folder:
        for name in ("first", "second"):
            directory = RunDirectory(Path(folder) / name)
            begin = clock()
            directory.claim(plan.study, plan.cells)
            write_trajectories(directory.path)
            taken = clock() - begin
    return taken + GATHER_SECONDS + plan.gather_seconds
