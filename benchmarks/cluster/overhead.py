"""What Dask costs against plain threads, and what a second core brings: the same study, by turns, medians told.

    python -m benchmarks.cluster.overhead [--seconds 60] [--rounds 3] [--json FILE]

Work is timed from the first shard to the last; starting and stopping a cluster are told apart. CPU seconds of
the work are told too: on a machine that others use, they vary less than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from firmfate import Study
from firmfate.execute.dask import local_cluster, run_on_dask
from firmfate.execute.machine import compile_once
from firmfate.execute.threads import run_on_threads
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
        run_on_threads(worker, plan.shards, run.shards, threads=threads, done=lambda _: None)
        return {"work": time.perf_counter() - begin, "start": 0.0, "stop": 0.0, "cpu": time.process_time() - cpu}


def on_dask(wanted: Study, processes: int) -> Timing:
    """Time a study on a cluster of processes of one thread."""
    marks: list[float] = []
    cpu: list[float] = []

    def total_cpu() -> float:
        # The scheduler and the client live in this process; the workers are asked.
        return time.process_time() + sum(client.run(time.process_time).values())

    def first_shard(_: str) -> None:
        cpu.append(total_cpu())
        marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        run, worker, plan = prepare(wanted, folder)
        begin = time.perf_counter()
        with local_cluster(processes, 1) as client:
            run_on_dask(client, run.path, worker.fingerprint, plan.shards, done=lambda _: None, say=first_shard)
            ended = time.perf_counter()
            cpu.append(total_cpu())
        stopped = time.perf_counter()
    return {"work": ended - marks[0], "start": marks[0] - begin, "stop": stopped - ended, "cpu": cpu[1] - cpu[0]}


WAYS: dict[str, Callable[[Study], Timing]] = {
    "1 thread": lambda wanted: on_threads(wanted, 1),
    "2 threads": lambda wanted: on_threads(wanted, 2),
    "Dask, 2 processes": lambda wanted: on_dask(wanted, 2),
}


def size_for(seconds: float) -> int:
    """Return the replicates that take so many seconds on two threads here."""
    replicates = 20_000
    took = on_threads(study(replicates), 2)["work"]
    return max(replicates, int(replicates * seconds / took))


def main() -> None:
    """Run every way by turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    wanted = study(size_for(arguments.seconds))
    timings: dict[str, list[Timing]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for turn in range(arguments.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            timings[name].append(WAYS[name](wanted))
            told = ", ".join(f"{part} {value:.1f} s" for part, value in timings[name][-1].items())
            print(f"{name:18} {told}; load {os.getloadavg()[0]:.1f}", flush=True)
    median = {
        name: {part: statistics.median(t[part] for t in rows) for part in rows[0]} for name, rows in timings.items()
    }
    table = {
        "firms": 6 * wanted.replicates,
        "rounds": arguments.rounds,
        "median seconds": median,
        "Dask against threads": median["Dask, 2 processes"]["work"] / median["2 threads"]["work"] - 1,
        "the same, by CPU seconds": median["Dask, 2 processes"]["cpu"] / median["2 threads"]["cpu"] - 1,
        "speed-up of a second core": median["1 thread"]["work"] / median["2 threads"]["work"],
    }
    print(json.dumps(table, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps({**table, "all": timings}, indent=1) + "\n")


if __name__ == "__main__":
    main()
