"""Print, or write, how many times fewer firms each method takes for the same error."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.variance.measured import asked, by_control, gains, known, lifetimes, row
from benchmarks.variance.variants import VARIANTS, use

from firmfate import provenance

CAR = "control variate: the best of 121 cars"
COMMON = "common random numbers (in use)"
BOUND = "once-a-firm draws known exactly"
PAGE = """# Variance reduction beside common random numbers

Written by `python -m benchmarks.variance --write`.

- {when}, commit {commit}

How many times fewer firms the same error takes, on the paradox' map of 11 x 11 cells with 8,192 firms each: the median
of places, lowest to highest. A place's own error is 2 to 3 %, with Sobol's sequence 12 %. Nothing that is based on
once-a-firm draws alone can bring more than the line "known exactly".

| | mean lifetime | alive after 5 years | effect of execution | m* |
|---|---:|---:|---:|---:|
{rows}
"""


def line(name: str) -> str:
    """Return a row of the table, measured in this process."""
    group = use(name)
    lived = lifetimes()
    found = asked(lived)
    gain = {what: known(values) if name == BOUND else gains(values, group) for what, values in found.items()}
    lines = [f"| {name} | {' | '.join(row(gain[what]) for what in found)} |"]
    if name == next(iter(VARIANTS)):
        apart = (lived[-1].var(axis=-1) + lived[0].var(axis=-1)) / found["effect of execution"].var(axis=-1)
        lines.append(f"| {COMMON} | 1 | 1 | {row(apart)} | |")
        cars = asked(lifetimes("car"))
        controlled = [row(by_control(found[what], cars[what])) for what in list(found)[:3]]
        lines.append(f"| {CAR} | {' | '.join(controlled)} | |")
    return "\n".join(lines)


def main() -> None:
    """Measure every variant in a process of its own: a model is traced once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.variance", description=__doc__)
    parser.add_argument("--variant", choices=VARIANTS, help="measure this one alone, here")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    if options.variant:
        print(line(options.variant))
        return
    rows = []
    for name in VARIANTS:
        words = [sys.executable, "-m", "benchmarks.variance", "--variant", name]
        rows.append(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())
        print(rows[-1], flush=True)
    page = PAGE.format(when=provenance.now(), commit=provenance.commit() or "unknown", rows="\n".join(rows))
    if options.write:
        Path(__file__).with_name("RESULTS.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
