"""What Dask costs against plain threads, and what a second core brings: the same study, interleaved.

Work is timed from the first shard to the last; starting a cluster and stopping it are separate. CPU seconds of the
work are reported too: on a machine that others use, they vary less than the clock.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from firmfate import Study
from firmfate.execute import DaskProcesses, Threads, Work
from firmfate.execute.compiling import compile_once
from firmfate.execute.dask_work import run_on_dask
from firmfate.shards import Plan, RunDirectory, Worker

Timing = dict[str, float]


def study(replicates: int) -> Study:
    """Return a study of six unlike cells: its shards differ in what they take, as in earnest."""
    return Study(
        study={"name": "overhead", "replicates": replicates, "seed": 1},
        grid={"execution": [0.1, 0.5, 0.9], "misalignment": [0.0, 1.0]},
    )


def prepare(wanted: Study, folder: str) -> tuple[RunDirectory, Worker, Plan]:
    """Return a fresh run directory, its worker with machine code at hand, and the plan."""
    run = RunDirectory(Path(folder) / "run")
    worker = Worker(wanted, run.claim(wanted))
    compile_once(worker.engine)
    return run, worker, run.plan(wanted, worker.cells)


def on_threads(wanted: Study, threads: int) -> Timing:
    """Time a study on threads of this process."""
    with tempfile.TemporaryDirectory() as folder:
        run, worker, plan = prepare(wanted, folder)
        cpu, begin = time.process_time(), time.perf_counter()
        Threads(threads).run(Work(worker, plan.shards, run, done=lambda _: None, say=lambda _: None))
        return {"work": time.perf_counter() - begin, "start": 0.0, "stop": 0.0, "cpu": time.process_time() - cpu}


def on_dask(wanted: Study, processes: int) -> Timing:
    """Time a study on a cluster of processes of one thread."""
    marks: list[float] = []
    cpu: list[float] = []

    def total_cpu() -> float:
        # The scheduler and the client live in this process; the workers are asked.
        return time.process_time() + sum(client.run(time.process_time).values())

    def first_shard(remark: str) -> None:
        if remark.startswith("running"):
            cpu.append(total_cpu())
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        run, worker, plan = prepare(wanted, folder)
        begin = time.perf_counter()
        with DaskProcesses(processes, threads=1).cluster() as client:
            run_on_dask(client, Work(worker, plan.shards, run, done=lambda _: None, say=first_shard))
            ended = time.perf_counter()
            cpu.append(total_cpu())
        stopped = time.perf_counter()
    return {"work": ended - marks[0], "start": marks[0] - begin, "stop": stopped - ended, "cpu": cpu[1] - cpu[0]}


ONE, TWO, DASK = "1 thread", "2 threads", "Dask, 2 processes"
WAYS: dict[str, Callable[[Study], Timing]] = {
    ONE: lambda wanted: on_threads(wanted, 1),
    TWO: lambda wanted: on_threads(wanted, 2),
    DASK: lambda wanted: on_dask(wanted, 2),
}


def size_for(seconds: float) -> int:
    """Return the replicates that take at least so many seconds on two threads here: a tenth more, from a tenth."""
    replicates = 20_000
    for share in (0.02, 0.1, 1.1):
        took = on_threads(study(replicates), 2)["work"]
        replicates = max(replicates, int(replicates * share * seconds / took))
    return replicates


def measure(wanted: Study, rounds: int) -> dict[str, list[Timing]]:
    """Time every way in every round, each round beginning with another."""
    timings: dict[str, list[Timing]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            timings[name].append(WAYS[name](wanted))
            line = ", ".join(f"{part} {value:.1f} s" for part, value in timings[name][-1].items())
            print(f"  {name:18} {line}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return timings


def lines(seconds: float, rounds: int) -> list[str]:
    """Measure a study of so many seconds, and return what to write of it."""
    wanted = study(size_for(seconds))
    timings = measure(wanted, rounds)

    def median(way: str, part: str) -> float:
        return statistics.median(timing[part] for timing in timings[way])

    page = [
        f"Seconds, medians of {rounds} interleaved rounds (of the work also least to most), on "
        f"{6 * wanted.replicates:,} firms of `firm` over 20 years.",
        "",
        "| | work | least to most | CPU of the work | start | stop |",
        "|---|---|---|---|---|---|",
    ]
    for way, rows in timings.items():
        work = [timing["work"] for timing in rows]
        page.append(
            f"| {way} | {median(way, 'work'):.2f} | {min(work):.2f} to {max(work):.2f} | {median(way, 'cpu'):.2f} "
            f"| {median(way, 'start'):.2f} | {median(way, 'stop'):.2f} |"
        )
    longer, dearer = (median(DASK, part) / median(TWO, part) - 1 for part in ("work", "cpu"))
    return [
        *page,
        "",
        f"- Dask on 2 processes against 2 threads: {longer:+.1%} of time, {dearer:+.1%} of CPU time",
        f"- 1 to 2 threads: {median(ONE, 'work') / median(TWO, 'work'):.2f} times as fast",
    ]
