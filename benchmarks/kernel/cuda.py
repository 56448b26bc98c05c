"""A GPU beside the processor: `python -m benchmarks.kernel.cuda [--write]`; the exit status is 1 where a count differs.

`firm` and `car` on 441 cells of 10,000 firms, execution x misalignment, for 20 years. Counts of the device must be
those of the processor to the bit. Times are wall time of whole shards, from parameters to counts in memory: on the
device, with as many threads feeding it as there are cores; on all cores; and on one core, every tenth shard. The best
of three is taken on the device, one on the processor. It takes four minutes on 16 cores, compiling included, and
nothing but a checkout and the packages numpy, numba, llvmlite, platformdirs, cuda-bindings and cuda-pathfinder.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from firmfate.devices import check_device
from firmfate.devices.cuda import device
from firmfate.errors import DeviceError
from firmfate.kernel import compiler
from firmfate.machine import cores, processor
from firmfate.shards import Shard, Worker, plan
from firmfate.shards.directory import fingerprint_of
from firmfate.study import Study

REPORT = Path(__file__).with_name("CUDA.md")
SHARES = np.linspace(0, 1, 21).tolist()
REPEATS = 3
LARGER = 8
"""How many times as large as a run's own shards are tried, too: more firms a launch."""

Counts = list[dict[str, np.ndarray]]


class Measured(NamedTuple):
    """Counts of shards, the firm-steps in them, and the seconds that they took."""

    counts: Counts
    steps: int
    seconds: float

    @property
    def nanoseconds(self) -> float:
        """Nanoseconds a firm-step."""
        return 1e9 * self.seconds / self.steps


def study_of(model: str, replicates: int) -> Study:
    """Return what is simulated."""
    tables = {"study": {"name": "gpu", "model": model, "years": 20, "replicates": replicates}}
    return Study(**tables, grid={"execution": SHARES, "misalignment": SHARES})


def measured(worker: Worker, shards: Sequence[Shard], threads: int) -> Measured:
    """Return what shards count, on some threads."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        counts = list(pool.map(worker.counts, shards))
    seconds = time.perf_counter() - begin
    return Measured(counts, sum(int(found["batch_lifetime"][..., -1].sum()) for found in counts), seconds)


def total(counts: Counts) -> dict[str, np.ndarray]:
    """Return the counts of shards of the same cells, one after the other."""
    return {name: np.concatenate([found[name] for found in counts]) for name in counts[0]}


def compare(model: str, replicates: int) -> tuple[list[str], list[str]]:
    """Return rows of the table for a model, and the counters in which device and processor differ."""
    study = study_of(model, replicates)
    shards = plan(study).shards
    assert all(shard.replicates == replicates for shard in shards)  # so that cells are in order for any size of shards
    on_cpu, on_gpu = (Worker(study, fingerprint_of(study), name) for name in ("cpu", "cuda"))
    compiling = {name: worker.engine.warm_up() for name, worker in (("cpu", on_cpu), ("cuda", on_gpu))}
    cpu = measured(on_cpu, shards, cores())
    one = measured(on_cpu, shards[::10], 1)
    timed = {
        f"device, {len(found)} shards": [measured(on_gpu, found, cores()) for _ in range(REPEATS)]
        for found in (shards, plan(study, shard_scale=LARGER).shards)
    }
    expected = total(cpu.counts)
    differ = {
        name
        for runs in timed.values()
        for run in runs
        for name, values in total(run.counts).items()
        if not np.array_equal(values, expected[name])
    }
    rows = [f"| `{model}` | one core | {one.nanoseconds:.3g} | 1 |"]
    rows.append(f"| `{model}` | {cores()} cores | {cpu.nanoseconds:.3g} | {one.nanoseconds / cpu.nanoseconds:.3g} |")
    for name, runs in timed.items():
        best = min(run.nanoseconds for run in runs)
        spread = statistics.median(run.nanoseconds for run in runs)
        rows.append(f"| `{model}` | {name} | {best:.3g} (median {spread:.3g}) | {one.nanoseconds / best:.3g} |")
    rows.append(f"| `{model}` | compiling: processor {compiling['cpu']:.1f} s, device {compiling['cuda']:.1f} s | | |")
    return rows, sorted(differ)


def main() -> int:
    """Compare; exit status 1 where counts differ, 2 where there is no device."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel.cuda", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    parser.add_argument("--quick", action="store_true", help="few firms: a smoke test, its times mean little")
    options = parser.parse_args()
    try:
        check_device("cuda")
    except DeviceError as fault:
        print(f"{fault}\nNothing was measured.", file=sys.stderr)
        return 2
    replicates, failed = 20 if options.quick else 10_000, False
    gpu = device()
    lines = [
        "# A GPU beside the processor", "",
        f"- {datetime.date.today().isoformat()}, `python -m benchmarks.kernel.cuda --write`",
        f"- {gpu.name}, compute capability {'.'.join(map(str, gpu.capability))}",
        f"- {processor()}, vectors of {compiler.vectors()[0]} numbers, {cores()} cores",
        f"- {len(SHARES) ** 2} cells of {replicates:,} firms, 20 years", "",
        "| model | on | ns a firm-step | times one core |", "|---|---|---:|---:|",
    ]  # fmt: skip
    verdicts = []
    for model in ("firm", "car"):
        rows, differ = compare(model, replicates)
        lines += rows
        failed = failed or bool(differ)
        verdict = f"**counts differ** in {', '.join(differ)}" if differ else "all counts equal"
        verdicts.append(f"`{model}`: {verdict}")
    text = "\n".join([*lines, "", "Counts of device and processor: " + "; ".join(verdicts) + "."])
    print(text)
    if options.write:
        REPORT.write_text(text + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
