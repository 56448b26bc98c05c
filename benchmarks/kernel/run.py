"""Time our kernel beside its peers, interleaved on one core in several processes; check agreement; write a table."""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from benchmarks.kernel import agreement, ours
from benchmarks.kernel.peer import Cells, Firms, NotHere, Peer, nine_cells

from firmfate.kernel import compiler
from firmfate.machine import processor

REPORT = Path(__file__).parent / "RESULTS.md"
SEED = 20261123


@dataclass
class Timed:
    """A peer, and ns of CPU time per live firm-step in each process."""

    name: str
    firms: int
    nanoseconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median over processes."""
        return statistics.median(self.nanoseconds)

    def against(self, other: Timed) -> list[float]:
        """Return how much longer this one took in each process."""
        return [mine / theirs for mine, theirs in zip(self.nanoseconds, other.nanoseconds, strict=True)]


class Once(NamedTuple):
    """What one process reports: (name, firms a cell, ns) of every peer, what agrees, what does not, what was left
    out."""

    times: list[tuple[str, int, float]]
    found: list[str]
    wrong: list[str]
    left_out: list[str]


def peers(left_out: list[str]) -> Iterator[Peer]:
    """Yield every peer that this machine can run; what cannot run, and why, goes into `left_out`."""
    from benchmarks.kernel import compiled

    try:
        for build in compiled.builds():
            yield Peer(build.name, compiled.make_simulate(build), 4000, True)
    except NotHere as reason:
        left_out.append(f"C++: skipped, {reason}")
    yield from ours.peers()
    from benchmarks.kernel import numpy_lanes, one_at_a_time

    yield Peer("Numba, a firm at a time, the same numbers", one_at_a_time.same_numbers, 400, True)
    yield Peer("Numba, a firm at a time, np.random", one_at_a_time.numpy_random, 400, False)
    yield Peer("NumPy, compacted", numpy_lanes.compacted, 2000, False)
    yield Peer("NumPy, masked", numpy_lanes.masked, 2000, False)
    try:
        from benchmarks.kernel import jax_scan

        yield Peer("JAX on the CPU, compacted scan", jax_scan.simulate, 4096, False)
    except NotHere as reason:
        left_out.append(f"JAX: skipped, {reason}")


def clock(peer: Peer, cells: Cells) -> tuple[Firms, float]:
    """Return one call's results and its CPU time in ns per live firm-step.

    The clock is that of the process: on one pinned core it equals the thread's for a peer that computes in the calling
    thread, and it does not miss the threads that a library keeps for itself.
    """
    gc.collect()
    before = time.process_time_ns()
    firms = peer.simulate(cells, peer.firms, SEED)
    spent = time.process_time_ns() - before
    return firms, spent / float(firms.event.sum(dtype=np.int64))


def once(quick: bool) -> Once:
    """Warm every peer up, check that all agree, and time one after the other: the work of one process."""
    cells, left_out = nine_cells(), list[str]()
    warmed: list[tuple[Peer, Firms]] = []
    for peer in peers(left_out):
        if quick:
            peer = replace(peer, firms=min(peer.firms, 100))
        print(f"  warming up: {peer.name}", file=sys.stderr, flush=True)
        warmed.append((peer, clock(peer, cells)[0]))
    found, wrong = agreement.check([entry for entry in warmed if entry[0].same_model], cells.steps)
    times = [(peer.name, peer.firms, clock(peer, cells)[1]) for peer, _ in warmed]
    return Once(times, found, wrong, left_out)


def measure(repeats: int, quick: bool) -> tuple[list[Timed], Once]:
    """Let so many processes, one after the other, time all peers; return their times, and what the first reported.

    A process gets pages of memory by chance, and a kernel may be slow on some of them for as long as it has them.
    """
    timed: dict[str, Timed] = {}
    first, wrong = None, list[str]()
    for repeat in range(repeats):
        print(f"process {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
        words = [sys.executable, "-m", "benchmarks.kernel", "--once", *(["--quick"] if quick else [])]
        reported = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        one = Once(*json.loads(reported.stdout.splitlines()[-1]))
        first = first or one
        wrong += [line for line in one.wrong if line not in wrong]
        for name, firms, nanoseconds in one.times:
            timed.setdefault(name, Timed(name, firms)).nanoseconds.append(nanoseconds)
    assert first is not None
    return list(timed.values()), first._replace(wrong=wrong)


def machine() -> list[str]:
    """Return lines on the machine, versions and the date."""
    versions = [f"Python {platform.python_version()}"]
    for package in ("numpy", "numba", "llvmlite", "jax", "firmfate"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    from benchmarks.kernel import compiled

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=REPORT.parent
    )
    return [
        f"- {datetime.date.today().isoformat()}, commit {commit.stdout.strip() or 'unknown'}",
        f"- {processor()}, vectors of {compiler.vectors()[0]} numbers, {platform.system()}, one core",
        f"- {', '.join(versions)}",
        *(f"- {compiled.version(name)}" for name in compiled.compilers()),
    ]


def best_explicit(timed: list[Timed]) -> Timed:
    """Return the fastest C++ with explicit SIMD, or the first peer where there is none."""
    return min((t for t in timed if t.name.startswith("C++ explicit")), key=lambda t: t.median, default=timed[0])


def table(timed: list[Timed]) -> list[str]:
    """Return the Markdown table, fastest first among the firm model's peers; ratios are taken process by process."""
    yardstick, uniform = best_explicit(timed), next(t for t in timed if t.name == ours.UNIFORM)
    lines = [
        f"| | median | least | most | against {yardstick.name} (least to most) | against ours | firms a cell |",
        "|---|---|---|---|---|---|---|",
    ]
    for t in sorted(timed, key=lambda entry: entry.median):
        times = f"{t.median:.2f} | {min(t.nanoseconds):.2f} | {max(t.nanoseconds):.2f}"
        beside = t.against(yardstick)
        ratio = f"{statistics.median(beside):.2f} ({min(beside):.2f} to {max(beside):.2f})"
        lines.append(f"| {t.name} | {times} | {ratio} | {statistics.median(t.against(uniform)):.2f} | {t.firms} |")
    return lines


def pin(core: int | None) -> None:
    """Stay on one core: the last of those allowed, unless one is named."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if core is None else core})


def main() -> int:
    """Run the comparison; exit status 1 where results disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="processes (default: 9), 50 s each")
    parser.add_argument("--core", type=int, help="core to stay on (default: the last)")
    parser.add_argument("--quick", action="store_true", help="few firms: a smoke test, its times mean little")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    pin(options.core)
    if options.once:
        print(json.dumps(once(options.quick)))
        return 0

    timed, reported = measure(options.repeats, options.quick)
    lines = [
        "# The kernel and its peers",
        "",
        "ns of CPU time per live firm-step of version 1 of `firm` (E and M in 0.1, 0.5, 0.9; 1,040 weeks; the built-in",
        f"models: their own), interleaved on one core, in each of {options.repeats} processes; medians over processes.",
        "Written by `python -m benchmarks.kernel --write`.",
        "",
        *machine(),
        "",
        *table(timed),
        "",
        "## Agreement, checked in every process",
        "",
        *(f"- {line}" for line in reported.found + reported.wrong + reported.left_out),
        "",
    ]
    print("\n".join(lines))
    if options.write:
        REPORT.write_text("\n".join(lines), encoding="utf-8")
    return 1 if reported.wrong else 0
