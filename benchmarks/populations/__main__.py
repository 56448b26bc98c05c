"""What values by cell, by firm and by draw cost against one value for all, interleaved on one core.

python -m benchmarks.populations [--firms 20000] [--repeats 9] [--core N]

CPU time per live firm-step of `firm` over 20 years, and the median over repeats of its ratio to uniform values in the
same repeat. Values by cell and by firm are the uniform ones written out, and must give the same results. Draws give
others; they are timed in a study's cells, which share them, and in one cell, where each firm pays for its own.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import firmfate
from firmfate.models import load_model
from firmfate.shards import Worker, plan

AXIS = (0.1, 0.5, 0.9)
SEED = 20261123
PLAIN = {row.name: row.default for row in load_model("firm").parameters if not row.parts}
COST, VOICE = {"unit_cost": {"normal": [0.57, 0.02]}}, {"customer_voice": {"beta": [2, 3]}}
POPULATIONS: dict[str, dict[str, Any]] = {
    "a constant": {"unit_cost": {"constant": 0.57}},
    "a normal": COST,
    "a normal, counted in four strata": COST | {"strata": {"unit_cost": 4}},
    "a beta": VOICE,
    "a normal and a beta, correlated": COST
    | VOICE
    | {"correlation": [{"between": ["customer_voice", "unit_cost"], "rank": 0.5}]},
}
Timed = Callable[[], float]
"""Does the work, and returns how many firm-steps it took."""


def simulated(firms: int) -> Iterator[tuple[str, Timed]]:
    """Yield `firmfate.simulate` of nine cells, the same values written by cell and by firm; uniform ones first."""
    execution, misalignment = (axis.ravel() for axis in np.meshgrid(AXIS, AXIS, indexing="ij"))
    shape = (len(execution), firms)
    own = {name: np.broadcast_to(axis[:, None, None], (*shape, 5)) for name, axis in
           (("execution", execution), ("misalignment", misalignment))}  # fmt: skip
    by_cell = {name: np.full(shape[0], value) for name, value in PLAIN.items()}
    by_firm = {name: np.full((1, firms), value) for name, value in PLAIN.items()}
    axes: dict[str, Any] = {"execution": execution, "misalignment": misalignment}
    given: dict[str, dict[str, Any]] = {
        "uniform values": axes,
        "all parameters by cell": axes | {"parameters": by_cell},
        "one parameter by firm": axes | {"parameters": {"unit_cost": by_firm["unit_cost"]}},
        "execution and misalignment by firm": own,
        "all parameters by firm": own | {"parameters": by_firm},
    }
    simulated_firms: dict[str, Any] = {}
    for name, values in given.items():

        def work(values: dict[str, Any] = values, name: str = name) -> float:
            ds = firmfate.simulate("firm", replicates=firms, seed=SEED, threads=1, **values)
            simulated_firms[name] = ds.reset_coords(drop=True)  # the values that were given
            return float(ds.event_week.sum(dtype=np.float64))

        work()
        same = simulated_firms[name].equals(simulated_firms["uniform values"])
        assert same, f"{name}: other results than with uniform values"
        yield name, work


def drawn(axes: tuple[float, ...], firms: int) -> Iterator[tuple[str, Timed]]:
    """Yield the counts of a study of so many values of E and M, without a population first."""
    for name, population in {"nothing": {}, **POPULATIONS}.items():
        study = firmfate.Study(
            study={"name": "timed", "replicates": firms, "seed": SEED},
            grid={"execution": list(axes), "misalignment": list(axes)},
            **({"population": population} if population else {}),
        )
        worker, shards = Worker(study, ""), plan(study).shards

        def work(worker: Worker = worker, shards: Any = shards) -> float:
            return float(sum(worker.counts(shard)["batch_lifetime"][..., -1].sum() for shard in shards))

        work()
        yield f"drawn: {name}", work


def clock(work: Timed) -> float:
    """Return ns of CPU time per live firm-step of one call."""
    gc.collect()
    before = time.process_time_ns()
    steps = work()
    return (time.process_time_ns() - before) / steps


def compare(title: str, entries: list[tuple[str, Timed]], repeats: int) -> None:
    """Time all one after the other, `repeats` times, and print a table of ratios to the first."""
    taken = [[clock(work) for _, work in entries] for _ in range(repeats)]
    print(f"\n| {title} | ns | against the first: median | least | most |\n|---|---|---|---|---|")
    for column, (name, _) in enumerate(entries):
        ratios = [row[column] / row[0] for row in taken]
        spread = " | ".join(f"{at(ratios):.3f}" for at in (statistics.median, min, max))
        print(f"| {name} | {statistics.median(row[column] for row in taken):.2f} | {spread} |", flush=True)


def main() -> None:
    """Compare values by cell and by firm, then draws in nine cells and in one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--core", type=int, help="core to stay on (default: the last)")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if options.core is None else options.core})
    compare("simulate, nine cells", list(simulated(options.firms)), options.repeats)
    compare("a study of nine cells", list(drawn(AXIS, options.firms)), options.repeats)
    compare("a study of one cell", list(drawn((0.5,), 9 * options.firms)), options.repeats)


if __name__ == "__main__":
    main()
