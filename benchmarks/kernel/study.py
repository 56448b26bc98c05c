"""The paradox study from start to ``result.nc``, and what of it is the kernel: ``python -m benchmarks.kernel.study``.

Each run is a process of its own, alternately on one thread and two; the kernel's share is the CPU time of its threads
within the engine. Also reported: the seconds to the command's end, when typical firms are replayed and the finding is
printed; the first compilation of `firm`; and the time to the first finished shard of a small study in a second process.
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
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "paradox" / "study.toml"
SMALL = ROOT / "studies" / "small" / "study.toml"

RUN = """
import sys, time
from firmfate.cli import main
from firmfate.kernel.engine import Engine
spent, plain = [], Engine.run
def timed(*arguments, **words):
    begin = time.thread_time()
    records = plain(*arguments, **words)
    spent.append(time.thread_time() - begin)
    return records
Engine.run = timed
status = main(["run", *sys.argv[1:], "--quiet", "--no-report"])
print(sum(spent))
sys.exit(status)
"""

FIRST = """
import sys, time
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
begin = time.perf_counter()
Engine(load_model("firm"), dt=1.0).warm_up()
print(time.perf_counter() - begin)
"""


def python(program: str, *arguments: str, cache: str | None = None) -> str:
    """Return what a program prints in a process of its own."""
    env = {**os.environ, **({"FIRMFATE_CACHE_DIR": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, env=env, cwd=ROOT
    )
    return done.stdout.strip()


class Run(NamedTuple):
    """Seconds from a `firmfate run` to its first file of some name, to its end, and CPU seconds of its
    kernel."""

    first: float
    end: float
    kernel: float


def run(study: Path, pattern: str, *words: str) -> Run:
    """Run a study in a process of its own."""
    with tempfile.TemporaryDirectory() as into:
        begin = time.perf_counter()
        going = subprocess.Popen(
            [sys.executable, "-c", RUN, str(study), "--into", into, *words], stdout=subprocess.PIPE, text=True
        )
        while going.poll() is None and not list(Path(into).glob(pattern)):
            time.sleep(0.02)
        first = time.perf_counter() - begin
        printed, _ = going.communicate()
        if going.returncode:
            raise RuntimeError(f"firmfate run {study} ended with {going.returncode}")
        return Run(first, time.perf_counter() - begin, float(printed))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel.study", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the small study, once: its times mean nothing")
    options = parser.parse_args()
    study, repeats = (SMALL, 1) if options.quick else (STUDY, options.repeats)
    with tempfile.TemporaryDirectory() as cache:
        print(f"first compilation of firm: {float(python(FIRST, cache=cache)):.1f} s")
        print(f"the same from a second process: {float(python(FIRST, cache=cache)):.2f} s")
    python(FIRST)
    first_shards = [run(SMALL, "shards/[!.]*.shard").first for _ in range(repeats)]
    print(f"first shard of a small study: {statistics.median(first_shards):.2f} s")
    one, two = [], []
    for _ in range(repeats):
        two.append(run(study, "result.nc", "--threads", "2"))
        one.append(run(study, "result.nc", "--threads", "1"))
    from firmfate import open_run

    with tempfile.TemporaryDirectory() as into:
        subprocess.run([sys.executable, "-m", "firmfate", "run", str(study), "--into", into, "--quiet"], check=True)
        ds = open_run(into)
        steps = float(ds["batch_lifetime"].isel(horizon=-1).sum())
    wall, end, _ = (statistics.median(figures) for figures in zip(*two, strict=True))
    alone, _, kernel = (statistics.median(figures) for figures in zip(*one, strict=True))
    faster = statistics.median(a.first / b.first for a, b in zip(one, two, strict=True))
    rest = statistics.median(1 - run.kernel / 2 / run.first for run in two)
    print(f"{study.parent.name}, {steps:.3g} firm-steps: result.nc after {wall:.1f} s on two threads, {alone:.1f} s on "
          f"one ({faster:.2f} times); end of the command after {end:.1f} s")  # fmt: skip
    print(f"{steps / wall / 1e6:.0f} million firm-steps a second; {rest:.1%} of two cores' time to result.nc is not "
          f"the kernel, which takes {kernel / steps * 1e9:.2f} ns a firm-step on one thread")  # fmt: skip


if __name__ == "__main__":
    main()
