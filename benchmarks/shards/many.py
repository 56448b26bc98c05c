"""Many small shards: bytes and time to write them, to check them, and to gather them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from firmfate import Study, gather
from firmfate.shards import RunDirectory, Worker, status
from firmfate.shards.plan import Shard, block_digest

SIDE, EACH = 20, 20
"""Cells of an axis, and firms of a shard."""


def lines(shards: int) -> list[str]:
    """Write so many shards of one cell and a few firms, check them, gather them; return what to print of it."""
    axis = {"from": 0.05, "to": 1.0, "points": SIDE}
    pieces = max(1, shards // SIDE**2)
    study = Study(study={"name": "many", "replicates": pieces * EACH}, grid={"execution": axis, "misalignment": axis})
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder) / "run")
        worker = Worker(study, run.claim(study))
        worker.engine.warm_up()
        clock, cpu = time.perf_counter(), time.process_time()
        for cell, key in enumerate(worker.cells.keys):
            for piece in range(pieces):
                worker.run(Shard((cell,), piece * EACH, EACH, block_digest([key])), run.shards)
        written = (time.perf_counter() - clock, time.process_time() - cpu)
        files = [shard.path.stat() for shard in run.files()]
        clock = time.perf_counter()
        assert status(run.path).missing == 0
        checked = time.perf_counter() - clock
        clock, cpu = time.perf_counter(), time.process_time()
        gather(run.path).close()
        gathered = (time.perf_counter() - clock, time.process_time() - cpu)
    return [
        f"{len(files):,} shards of one cell and {EACH} firms of `firm`:",
        "",
        f"- {sum(file.st_size for file in files) / 1e6:.1f} MB of bytes, "
        f"{sum(file.st_blocks for file in files) * 512 / 1e6:.1f} MB of blocks on disk",
        f"- simulated and written in {written[0]:.1f} s, {written[1]:.1f} s of them CPU "
        f"({1e3 * written[1] / len(files):.2f} ms a shard)",
        f"- all of them checked by `status` in {checked:.1f} s",
        f"- gathered in {gathered[0]:.1f} s, {gathered[1]:.1f} s of them CPU",
    ]
