"""A brake on firmfate: as long as the file that BRAKE names exists, a piece of a shard takes longer:
three seconds, or BRAKE_SECONDS.

What is to happen to a run in the middle of its work would come too late on a fast machine, and a study long enough
for any machine would keep slow ones busy for minutes. Every Python process loads this module on starting where its
folder is on PYTHONPATH: commands, Dask workers and Slurm jobs alike. Nothing else about their work is changed.
"""

import os
import time
from pathlib import Path
from typing import Any

from firmfate.kernel.engine import Records
from firmfate.shards.work import Worker

SECONDS = float(os.environ.get("BRAKE_SECONDS", "3"))

file = Path(os.environ["BRAKE"])
at_full_speed = Worker.records


def braked(self: Worker, *block: Any) -> Records:
    """Simulate a block, later."""
    until = time.monotonic() + SECONDS
    while file.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return at_full_speed(self, *block)


Worker.records = braked  # type: ignore[method-assign]
