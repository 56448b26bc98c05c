"""Our own figures over commits: `python -m benchmarks.kernel.track [COMMIT ...]` adds to `history.jsonl`.

Each commit is unpacked beside the repository and measured by a fresh process with an empty cache of compiled code, so
that nothing of another commit plays a part. Without arguments the working tree as it stands is measured; `--show`
prints what was recorded. `firm` is what the commit has under this name: version 2 has other equations than version 1,
so its time a firm-step is not to be compared with that of earlier commits (`benchmarks.kernel.before` does that).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.kernel import compiled
from benchmarks.kernel.peer import NotHere, Peer, nine_cells
from benchmarks.kernel.run import clock

from firmfate.machine import processor

ROOT = Path(__file__).parents[2]
HISTORY = Path(__file__).parent / "history.jsonl"
FIGURES = {
    "compile_s": "first compile (s)",
    "cached_start_s": "second process, to its first firms (s)",
    "firm_version": "version of firm",
    "firm_ns": "firm (ns a firm-step)",
    "yardstick_ns": "C++ of version 1 in the same minute (ns)",
    "car_ns": "car (ns a firm-step)",
    "peak_mb": "peak memory (MB)",
    "import_s": "import firmfate (s)",
}

MEASURE = """
import json, resource, statistics, sys, time
begin = time.perf_counter()
import firmfate
figures = {"import_s": time.perf_counter() - begin}

def call(model, replicates, seed=1):
    before = time.process_time_ns()
    shares = dict(execution=[e for e in SHARES for _ in SHARES], misalignment=[m for _ in SHARES for m in SHARES])
    ds = firmfate.simulate(model, **shares, replicates=replicates, seed=seed, threads=1)
    spent = time.process_time_ns() - before
    return spent / (float(ds.event_week.sum()) * ds.attrs["steps_per_week"])

SHARES = [0.1, 0.5, 0.9]
begin = time.perf_counter()
call("firm", 8)
figures["start_s"] = time.perf_counter() - begin
if sys.argv[1] == "all":
    import firmfate.models.firm
    figures["firm_version"] = getattr(firmfate.models.firm, "VERSION", 1)
    figures["firm_ns"] = statistics.median(call("firm", 4000) for _ in range(9))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    call("car", 8)
    figures["car_ns"] = statistics.median(call("car", 40_000) for _ in range(9))
print(json.dumps(figures))
"""


def git(*arguments: str) -> str:
    """Return what git says."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def fresh(source: Path, cache: str, what: str) -> dict[str, float]:
    """Return the figures of one new process that imports firmfate from `source` on one core."""
    env = os.environ | {"PYTHONPATH": str(source), "FIRMFATE_CACHE_DIR": cache, "XDG_CACHE_HOME": cache}
    core = {max(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, what],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    if done.returncode:
        raise SystemExit(f"measuring {source} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def yardstick() -> dict[str, float]:
    """Return the fastest explicit C++ on the same core, which tells a noisy minute from a slower kernel."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        builds = [build for build in compiled.builds() if build.source == "simd.cpp"]
        peers = [Peer(build.name, compiled.make_simulate(build), 4000, True) for build in builds]
        return {
            "yardstick_ns": min(statistics.median(clock(peer, nine_cells())[1] for _ in range(5)) for peer in peers)
        }
    except NotHere:
        return {}
    finally:
        os.sched_setaffinity(0, allowed)


def measure(source: Path) -> dict[str, float]:
    """Return all figures of the package in `source`: a first process with an empty cache, then a second."""
    with tempfile.TemporaryDirectory() as cache:
        first, second = fresh(source, cache, "all"), fresh(source, cache, "start")
    figures = {name: value for name, value in first.items() if name != "start_s"}
    figures |= yardstick()
    return figures | {"compile_s": first["start_s"], "cached_start_s": second["start_s"]}


def record(commit: str | None) -> dict[str, Any]:
    """Measure a commit, or the working tree, and append it to the history."""
    if commit is None:
        figures, name = measure(ROOT / "src"), git("rev-parse", "--short", "HEAD")
        name += "+" if git("status", "--porcelain", "--", "src") else ""
        committed = git("log", "-1", "--format=%cI")
    else:
        name, committed = git("rev-parse", "--short", commit), git("log", "-1", "--format=%cI", commit)
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(
                ["git", "archive", commit, "src"], cwd=ROOT, capture_output=True, check=True
            ).stdout
            subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
            figures = measure(Path(folder) / "src")
    entry: dict[str, Any] = {"commit": name, "committed": committed, "measured": datetime.date.today().isoformat()}
    entry |= {"machine": processor(), **{key: round(value, 3) for key, value in figures.items()}}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    return entry


def show(entries: list[dict[str, Any]]) -> str:
    """Return a table, a row a measurement."""
    head = ["commit", "measured", *FIGURES.values()]

    def figure(entry: dict[str, Any], key: str) -> str:
        return "–" if key not in entry else f"{entry[key]:.0f}" if key == "firm_version" else f"{entry[key]:.2f}"

    rows = [[e["commit"], e["measured"], *(figure(e, key) for key in FIGURES)] for e in entries]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def main() -> None:
    """Measure what is asked for and print the whole history."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel.track", description=__doc__)
    parser.add_argument("commits", nargs="*", help="default: the working tree")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    options = parser.parse_args()
    for commit in [] if options.show else options.commits or [None]:
        record(commit)
    lines = HISTORY.read_text(encoding="utf-8").splitlines() if HISTORY.exists() else []
    print(show([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main()
