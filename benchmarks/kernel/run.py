"""Time our kernel beside its peers, interleaved on one core, check that all agree, and print or write the table."""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from benchmarks.kernel import agreement, ours
from benchmarks.kernel.peer import Cells, Firms, NotHere, Peer, nine_cells

REPORT = Path(__file__).parent / "RESULTS.md"
SEED = 20261123


@dataclass
class Timed:
    """A peer, its first results, and ns of CPU time per live firm-step in each repeat."""

    peer: Peer
    firms: Firms
    nanoseconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median over repeats."""
        return statistics.median(self.nanoseconds)


def peers(said: list[str]) -> Iterator[Peer]:
    """Yield every peer that this machine can run; what cannot run, and why, goes into `said`."""
    from benchmarks.kernel import compiled

    try:
        for build in compiled.builds():
            yield Peer(build.name, compiled.make_simulate(build), 4000, True)
    except NotHere as reason:
        said.append(f"C++: skipped, {reason}")
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
        said.append(f"JAX: skipped, {reason}")


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


def measure(cells: Cells, repeats: int, quick: bool, said: list[str]) -> list[Timed]:
    """Warm every peer up once, check its results, then time all in turn, `repeats` times."""
    timed: list[Timed] = []
    for peer in peers(said):
        if quick:
            peer = Peer(peer.name, peer.simulate, min(peer.firms, 100), peer.same_numbers)
        print(f"  warming up: {peer.name}", file=sys.stderr, flush=True)
        timed.append(Timed(peer, clock(peer, cells)[0]))
    for repeat in range(repeats):
        print(f"  repeat {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
        for entry in timed:
            entry.nanoseconds.append(clock(entry.peer, cells)[1])
    return timed


def machine() -> list[str]:
    """Return lines on the machine, versions and the date."""
    info = Path("/proc/cpuinfo")
    model = "unknown CPU"
    if info.exists():
        fields = dict(line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line)
        stripped = {key.strip(): value.strip() for key, value in fields.items()}
        parts = [f"{key} {stripped[key]}" for key in ("cpu family", "model") if key in stripped]
        widths = [name for name in ("avx2", "avx512f") if name in stripped.get("flags", "").split()]
        model = f"{stripped.get('model name', model)} ({', '.join([*parts, *widths])})"
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
        f"- {model}, {platform.system()} {platform.machine()}, one core pinned",
        f"- {', '.join(versions)}",
        *(f"- {compiled.version(compiler)}" for compiler in compiled.compilers()),
    ]


def best_explicit(timed: list[Timed]) -> float | None:
    """Return the median of the fastest C++ with explicit SIMD."""
    return min((t.median for t in timed if t.peer.name.startswith("C++ explicit")), default=None)


def table(timed: list[Timed]) -> list[str]:
    """Return the Markdown table, fastest first among the firm model's peers."""
    base = best_explicit(timed) or timed[0].median
    lines = [
        "| | median | least | most | against the best explicit C++ | against ours, uniform | firms a cell |",
        "|---|---|---|---|---|---|---|",
    ]
    uniform = next((t.median for t in timed if t.peer.name == ours.UNIFORM), None)
    for t in sorted(timed, key=lambda entry: entry.median):
        times = f"{t.median:.2f} | {min(t.nanoseconds):.2f} | {max(t.nanoseconds):.2f}"
        against = f"{t.median / uniform:.2f}" if uniform else "–"
        lines.append(f"| {t.peer.name} | {times} | {t.median / base:.2f} | {against} | {t.peer.firms} |")
    return lines


def pin(core: int | None) -> None:
    """Stay on one core: the last of those allowed, unless one is named."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if core is None else core})


def main() -> int:
    """Run the comparison; exit status 1 where results disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--core", type=int, help="core to stay on (default: the last)")
    parser.add_argument("--quick", action="store_true", help="few firms: a smoke test, its times mean little")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    pin(options.core)

    cells, said = nine_cells(), list[str]()
    timed = measure(cells, options.repeats, options.quick, said)
    firm = [t for t in timed if t.peer.name != ours.CAR]
    checks, failures = agreement.check([(t.peer, t.firms) for t in firm], cells.steps)

    lines = [
        "# The kernel and its peers",
        "",
        "ns of CPU time per live firm-step of `firm` (E and M in 0.1, 0.5, 0.9; 1,040 weeks; `car`: its own step),",
        f"all in turn on one core, {options.repeats} repeats. Written by `python -m benchmarks.kernel --write`.",
        "",
        *machine(),
        "",
        *table(timed),
        "",
        "## Agreement, checked in the same run",
        "",
        *(f"- {line}" for line in checks + failures + said),
        "",
    ]
    print("\n".join(lines))
    if options.write:
        REPORT.write_text("\n".join(lines), encoding="utf-8")
    return 1 if failures else 0
