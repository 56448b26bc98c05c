"""Measure execution on this machine, and print the page or write it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.cluster import memory, overhead

from firmfate import provenance
from firmfate.machine import identity

PAGE = """# Execution: threads, Dask, and the driver's memory

Written by `python -m benchmarks.cluster --write`.

- {when}, commit {commit}
- {machine}
- {versions}

## Threads and Dask

{overhead}

## Memory of the driver

{memory}
"""


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the study on two threads, at least")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--firms", type=int, default=300_000, help="of the smaller run whose memory is measured")
    parser.add_argument("--quick", action="store_true", help="a second, one round, few firms: its figures mean nothing")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.firms = 1.0, 1, 3_000
    machine = identity()
    page = PAGE.format(
        when=provenance.now(),
        commit=provenance.commit() or "unknown",
        machine=f"{machine['processor']}, {machine['cores']} cores",
        versions=", ".join(f"{name} {version}" for name, version in provenance.versions().items()),
        overhead="\n".join(overhead.lines(options.seconds, options.rounds)),
        memory="\n".join(memory.lines(options.firms, options.rounds)),
    )
    print(page)
    if options.write:
        Path(__file__).with_name("RESULTS.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
