"""Print, or write, what pilots predict beside what then happens: time, bytes, errors."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.plan.compared import compared
from benchmarks.plan.studies import studies, studies_apart

import firmfate
from firmfate import provenance
from firmfate.execute import Threads
from firmfate.machine import identity

PAGE = """# `plan --pilot`, and what then happened

Written by `python -m benchmarks.plan --write`.

- {when}, commit {commit}
- {machine}

A pilot of {seconds:g} nominal core-seconds, then the run on one thread, in CPU time of the process: compiled
already, from the start to `result.nc`. Predicted over found; time is printed with the spread of the pilot's rounds.
The pilot measures also the start, looks at targets and typical trajectories; gathering is taken at a fixed rate in
bytes a second. Errors are the largest standard error, or the half-width of a target that is farthest from what was
predicted. Nothing was fitted on the last three.

| study | firms | predicted, core-seconds | found | time | bytes | errors | firms |
|---|---:|---:|---:|---:|---:|---:|---:|
{rows}
"""


def main() -> None:
    """Compare all studies."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__)
    parser.add_argument("--scale", type=int, default=20, help="times the firms of the tests")
    parser.add_argument("--seconds", type=float, default=1.0, help="nominal core-seconds of a pilot")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small, full = ({**studies(scale), **studies_apart(scale)} for scale in (1, options.scale))
        for place, (name, study) in enumerate(full.items()):
            warm = small[name]
            firmfate.run(warm, into=Path(folder, f"warm{place}"), on=Threads(1), progress=False).close()
            one = compared(study, Path(folder, f"run{place}"), seconds=options.seconds)
            rows.append(
                f"| {name} | {one.pilot.plan.firms:,} | {one.pilot.core_seconds:.2f} ± {one.pilot.spread:.2f} | "
                f"{one.seconds:.2f} | {one.time:.2f} | {one.bytes_:.2f} | {one.errors:.2f} | {one.firms:.2f} |"
            )
            print(rows[-1], flush=True)
    machine = identity()
    page = PAGE.format(
        when=provenance.now(),
        commit=provenance.commit() or "unknown",
        machine=f"{machine['processor']}, {machine['cores']} cores",
        seconds=options.seconds,
        rows="\n".join(rows),
    )
    print(page)
    if options.write:
        Path(__file__).with_name("RESULTS.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
