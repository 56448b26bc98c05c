"""Measure the format of shards on this machine, and print the page or write it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.shards import formats, many

from firmfate import provenance
from firmfate.machine import identity

PAGE = """# The format of shards

Written by `python -m benchmarks.shards --write`.

- {when}, commit {commit}
- {machine}
- {versions}

Medians of {repeats} calls. All formats return the same counts.

## Nine cells of 2,000 firms

{nine}

## One cell of 2,000 firms

{one}

## Many

{many}
"""


def main() -> None:
    """Measure formats, and many shards."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shards", description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--shards", type=int, default=20_000)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    machine = identity()
    page = PAGE.format(
        when=provenance.now(),
        commit=provenance.commit() or "unknown",
        machine=f"{machine['processor']}, {machine['cores']} cores",
        versions=", ".join(f"{name} {version}" for name, version in provenance.versions().items()),
        repeats=options.repeats,
        nine="\n".join(formats.table(9, 2_000, options.repeats)),
        one="\n".join(formats.table(1, 2_000, options.repeats)),
        many="\n".join(many.lines(options.shards)),
    )
    print(page)
    if options.write:
        Path(__file__).with_name("RESULTS.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
