"""The kernel beside the kernel of before: `python -m benchmarks.kernel.before [--processes 9] [--write]`.

Before was commit ef7b90e, whose models sorted by hand what depends on parameters, draws and steps; now that is worked
out of the equations. The commit is unpacked into a temporary folder. Both sides run the same cells in processes of
their own with caches of their own, one after the other, so that a noisy minute hits both; a ratio is taken within a
pair.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.kernel.run import machine, pin

from firmfate.kernel.compiler import vectors

ROOT = Path(__file__).parents[2]
REPORT = Path(__file__).with_name("BEFORE.md")
COMMIT = "ef7b90e"
HASWELL = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+lzcnt,+popcnt,+f16c,+sse4.2",
}
MOST_ERRORS = 5.0
"""Allowed difference of mean lifetimes in standard errors; the largest of 27 cells is looked at."""

MEASURE = """
import json, sys, time
import numpy as np
from firmfate.kernel.engine import Engine
from firmfate.models import load_model

side, name, replicates, weeks = sys.argv[1], sys.argv[2], int(sys.argv[3]), 1040
model = load_model(name)
dt = 1 / model.steps_per_week
shares, axes = [0.1, 0.5, 0.9], ("execution", "misalignment")
values = [(e, m) for e in shares for m in shares]
swept = [{field: x for key, x in zip(axes, cell) for field in model.keys.get(key, ())} for cell in values]
table = np.array([[{**model.defaults, **cell}[field] for field in model.fields] for cell in swept])
zeros, how = np.zeros(9, np.uint64), dict(first=0, replicates=replicates, steps=round(weeks / dt))
if side == "before":
    engine = Engine(model)
    call = lambda: engine.run(table, zeros, dt=dt, **how)
else:
    engine = Engine(model, dt=dt)
    call = lambda: engine.run(table, key=0, cells=zeros, **how)
engine.warm_up()
taken = []
for _ in range(5):
    begin = time.process_time_ns()
    records = call()
    taken.append(time.process_time_ns() - begin)
steps = records.event_step.astype(float)
print(json.dumps([min(taken) / steps.sum(), steps.mean(axis=1).tolist(), steps.var(axis=1).tolist()]))
"""

FIRST = """
import json, sys, time
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
begin = time.perf_counter()
Engine(load_model("firm"), **json.loads(sys.argv[1])).warm_up()
print(time.perf_counter() - begin)
"""


@dataclass(frozen=True)
class Row:
    """What is compared: a model as it was, as it is, its firms a cell, and whether its equations are the same."""

    name: str
    before: str
    now: str
    firms: int
    same: bool = True


ROWS = (
    Row("`firm`, version 1", "firm", f"{ROOT}/benchmarks/kernel/firm_version_1.py:MODEL", 4_000),
    Row("`firm`, version 2, beside version 1 of before", "firm", "firm", 4_000, same=False),
    Row("`car`", "car", "car", 40_000),
    Row("a user's model (`tests/kernel/my_model.py`)", "{before}/tests/kernel/my_model.py:SHOP",
        f"{ROOT}/tests/kernel/my_model.py:SHOP", 20_000),
)  # fmt: skip


class Taken(NamedTuple):
    """What a process reports: ns of CPU time a live firm-step, mean and variance of the lifetime in every cell."""

    ns: float
    mean: list[float]
    variance: list[float]


@dataclass(frozen=True)
class Side:
    """One of the two kernels: where its package is, and the folder of its machine code."""

    name: str
    source: Path
    cache: Path

    def python(self, program: str, *words: str, processor: str, cache: Path | None = None) -> str:
        """Return what a program prints in a process of its own, its machine code made for this processor or AVX2."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
        env |= {"PYTHONPATH": str(self.source), "FIRMFATE_CACHE_DIR": str(cache or self.cache / processor)}
        env |= HASWELL if processor == "AVX2" else {}
        command = [sys.executable, "-c", program, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=self.source)
        if done.returncode:
            raise SystemExit(f"{self.name}: {' '.join(words)} failed:\n{done.stderr[-2000:]}")
        return done.stdout.splitlines()[-1]

    def time(self, model: str, firms: int, processor: str) -> Taken:
        """Time a model: the least of five calls, since what interferes only adds."""
        return Taken(*json.loads(self.python(MEASURE, self.name, model, str(firms), processor=processor)))

    def start(self, cache: Path) -> float:
        """Return the seconds from the loaded package to a built-in `firm` that is ready to run."""
        dt = "{}" if self.name == "before" else '{"dt": 1.0}'
        return float(self.python(FIRST, dt, processor="native", cache=cache))


def unpack(folder: Path) -> None:
    """Unpack the kernel of before."""
    words = ["git", "archive", COMMIT, "src", "tests/kernel/my_model.py"]
    packed = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise SystemExit(f"commit {COMMIT} is not in this clone; fetch the whole history: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)


def processors() -> dict[str, str]:
    """Return what code is made for, and how that is called in the table."""
    return {"native": "AVX-512", "AVX2": "AVX2"} if vectors()[0] == 8 else {"native": "this processor"}


def apart(before: Taken, now: Taken, firms: int) -> float:
    """Return the largest difference of mean lifetimes over cells, in standard errors of the difference."""
    gaps = []
    for a, b, va, vb in zip(before.mean, now.mean, before.variance, now.variance, strict=True):
        error = math.sqrt((va + vb) / firms)
        gaps.append(abs(a - b) / error if error else 0.0 if a == b else math.inf)
    return max(gaps)


def spread(values: list[float], form: str) -> str:
    """Return the median of some values, and their quartiles where there are more than two."""
    if len(values) < 3:
        return f"{statistics.median(values):{form}}"
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def measure(sides: tuple[Side, Side], folder: str, processes: int, quick: bool) -> tuple[list[str], list[str]]:
    """Return rows of the table of times, and what disagrees."""
    pairs: dict[tuple[str, Row], list[tuple[float, float]]] = defaultdict(list)
    wrong, found = list[str](), list[str]()
    for alternation in range(processes):
        print(f"alternation {alternation + 1} of {processes}", file=sys.stderr, flush=True)
        for processor in processors():
            for row in ROWS:
                firms = row.firms // 40 if quick else row.firms
                order = sides if alternation % 2 == 0 else sides[::-1]
                models = {"before": row.before.format(before=folder), "now": row.now}
                taken = {side.name: side.time(models[side.name], firms, processor) for side in order}
                pairs[processor, row].append((taken["before"].ns, taken["now"].ns))
                if row.same and alternation == 0:
                    errors = apart(taken["before"], taken["now"], firms)
                    line = f"{row.name}, {processors()[processor]}: mean lifetimes within {errors:.1f} standard errors"
                    (found if errors <= MOST_ERRORS else wrong).append(f"- {line}")
    lines = ["| | for | before, ns | now, ns | now / before (quartiles) |", "|---|---|---|---|---|"]
    for (processor, row), values in pairs.items():
        before, now = (spread([pair[i] for pair in values], ".2f") for i in (0, 1))
        ratio = spread([b / a for a, b in values], ".3f")
        lines.append(f"| {row.name} | {processors()[processor]} | {before} | {now} | {ratio} |")
    return [*lines, "", *found], [f"**DISAGREES** {line}" for line in wrong]


def starts(sides: tuple[Side, Side], folder: Path, processes: int) -> list[str]:
    """Return a table of first compilation and of the start with machine code at hand."""
    seconds: dict[str, dict[str, list[float]]] = {side.name: {"first": [], "again": []} for side in sides}
    for _ in range(processes):
        for side in sides:
            cache = folder / f"start-{side.name}"
            shutil.rmtree(cache, ignore_errors=True)
            seconds[side.name]["first"].append(side.start(cache))
            seconds[side.name]["again"].append(side.start(cache))
    lines = ["| built-in `firm`, seconds | before | now |", "|---|---|---|"]
    for key, what in (("first", "first compilation"), ("again", "start of a second process, machine code on disk")):
        lines.append(f"| {what} | " + " | ".join(spread(seconds[side.name][key], ".2f") for side in sides) + " |")
    return lines


def main() -> int:
    """Run the comparison; exit status 1 where the two kernels disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel.before", description=__doc__)
    parser.add_argument("--processes", type=int, default=9, help="alternations (default: 9)")
    parser.add_argument("--core", type=int, help="core to stay on (default: the last)")
    parser.add_argument("--quick", action="store_true", help="few firms: a smoke test, its times mean nothing")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    pin(options.core)
    with tempfile.TemporaryDirectory() as folder:
        unpack(Path(folder))
        sides = (
            Side("before", Path(folder) / "src", Path(folder) / "cache-before"),
            Side("now", ROOT / "src", Path(folder) / "cache-now"),
        )
        times, wrong = measure(sides, folder, options.processes, options.quick)
        begun = starts(sides, Path(folder), options.processes)
    lines = [
        f"# The kernel beside that of before (commit {COMMIT})",
        "",
        "ns of CPU time per live firm-step: nine cells (E and M in 0.1, 0.5, 0.9), 1,040 weeks, one core, the least",
        f"of five calls in a process. Medians and quartiles of {options.processes} alternations; ratios are taken",
        "within one.",
        "Written by `python -m benchmarks.kernel.before --write`.",
        "",
        *machine(),
        "",
        *times,
        *(f"- {line}" for line in wrong),
        "",
        *begun,
        "",
    ]  # fmt: skip
    print("\n".join(lines))
    if options.write:
        REPORT.write_text("\n".join(lines), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
