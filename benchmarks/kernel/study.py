"""The paradox study from start to ``result.nc``, and what of it is the kernel: ``python -m benchmarks.kernel.study``.

Each run is a process of its own, by turns on one thread and on two; the kernel's share is the CPU time of the same
firms without shards, counts and files. Also told: the seconds to the command's end, when typical lives are replayed
and the finding is printed; the first compilation of `firm`; and the time to the first finished shard of a small study
in a second process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "paradox" / "study.toml"

KERNEL = """
import sys, time
import numpy as np
from firmfate import Study
from firmfate.kernel.engine import Engine
from firmfate.shards import Worker
study = Study.read(sys.argv[1])
worker = Worker(study, "")
worker.engine.warm_up()
steps, begin = 0, time.process_time()
for cell in range(0, len(worker.cells.parameters), 7):
    for first in range(0, study.replicates, 2000):
        steps += int(worker.records(np.array([cell]), first, 2000).event_step.sum())
spent = time.process_time() - begin
print(spent / steps * 1e9)
"""

FIRST = """
import sys, time
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
begin = time.perf_counter()
Engine(load_model("firm")).warm_up()
print(time.perf_counter() - begin)
"""


def python(program: str, *arguments: str, cache: str | None = None) -> str:
    """Return what a program prints in a process of its own."""
    env = {**os.environ, **({"FIRMFATE_CACHE_DIR": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, env=env, cwd=ROOT
    )
    return done.stdout.strip()


def command(study: Path, folder: str, into: str, *words: str) -> tuple[float, float]:
    """Return the seconds from a `firmfate run` to its first finished file in a folder, and to its end."""
    begin = time.perf_counter()
    going = subprocess.Popen(
        [sys.executable, "-m", "firmfate", "run", str(study), "--into", into, "--quiet", "--no-report", *words]
    )
    while going.poll() is None and not list(Path(into, folder).glob("[!.]*.nc")):
        time.sleep(0.005)
    first = time.perf_counter() - begin
    if going.wait():
        raise RuntimeError(f"firmfate run {study} ended with {going.returncode}")
    return first, time.perf_counter() - begin


def run(threads: int) -> tuple[float, float]:
    """Return the seconds that the study takes on so many threads: to `result.nc`, and to the end."""
    with tempfile.TemporaryDirectory() as into:
        return command(STUDY, ".", into, "--threads", str(threads))


def first_shard() -> float:
    """Return the seconds from the command to the first finished shard of a small study."""
    with tempfile.TemporaryDirectory() as into:
        return command(ROOT / "studies" / "small" / "study.toml", "shards", into)[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel.study", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as cache:
        print(f"first compilation of firm: {float(python(FIRST, cache=cache)):.1f} s")
        print(f"the same from a second process: {float(python(FIRST, cache=cache)):.2f} s")
    python(FIRST)
    print(f"first shard of a small study: {statistics.median(first_shard() for _ in range(repeats)):.2f} s")
    kernel, one, two = [], [], []
    for _ in range(repeats):
        kernel.append(float(python(KERNEL, str(STUDY))))
        two.append(run(2))
        one.append(run(1))
    from firmfate import open_run

    with tempfile.TemporaryDirectory() as into:
        subprocess.run([sys.executable, "-m", "firmfate", "run", str(STUDY), "--into", into, "--quiet"], check=True)
        ds = open_run(into)
        steps = float(ds["batch_lifetime"].isel(horizon=-1).sum())
    wall, end = (statistics.median(times) for times in zip(*two, strict=True))
    alone, ns = statistics.median(first for first, _ in one), statistics.median(kernel)
    faster = statistics.median(a / b for (a, _), (b, _) in zip(one, two, strict=True))
    print(f"paradox, {steps:.3g} firm-steps: result.nc after {wall:.1f} s on two threads, {alone:.1f} s on one "
          f"({faster:.2f} times); end of the command after {end:.1f} s")  # fmt: skip
    print(f"{steps / wall / 1e6:.0f} million firm-steps a second; kernel alone {ns:.2f} ns on one core, so that "
          f"{1 - steps * ns * 1e-9 / 2 / wall:.1%} of two cores' time is not the kernel")  # fmt: skip


if __name__ == "__main__":
    main()
