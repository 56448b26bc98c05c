"""Run all programs on the same firms, compare their values, and print the table of seconds."""

from __future__ import annotations

import argparse
import datetime
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.survival.firms import draw, grouped
from benchmarks.survival.programs import PROGRAMS, Results, disagreements, run

from firmfate.machine import processor

PAGE = """# The estimators beside other programs

Seconds of one call, in one run, on {firms:,} firms ({rows:,} rows of counts); values with equal seconds are of one
call. `firms` is counting a table of one row a firm, once; what follows is on counts. lifelines and statsmodels take
one row a firm; R takes weighted rows for coxph, and one row a firm where weighted rows give wrong errors or are
refused. `python -m benchmarks.survival --write` writes this page.

- {versions}
- {machine}

{table}

{agreement}
"""


PACKAGES = ("numpy", "xarray", "lifelines", "statsmodels")


def r_versions() -> list[str]:
    """Return the versions of R and of its package that is measured."""
    program = 'cat(R.version.string, paste("survival", packageVersion("survival")), sep="\\n")'
    printed = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True, check=True)
    return printed.stdout.splitlines()


def table(results: dict[str, Results]) -> str:
    """A markdown table: seconds of each estimate (with those of the same call) by program."""
    lines = ["| estimate | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    for what in results["firmfate"]:
        seconds = [f"{values[what][1]:.3f} s" if what in values else "-" for values in results.values()]
        lines.append(f"| {what} | " + " | ".join(seconds) + " |")
    return "\n".join(lines)


def main() -> int:
    """Return 0 where all programs agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.survival", description=__doc__)
    parser.add_argument("--firms", type=float, default=1e7)
    parser.add_argument("--programs", nargs="+", choices=list(PROGRAMS), default=list(PROGRAMS))
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    firms = draw(int(options.firms))
    rows = grouped(firms)
    results = {}
    for program in ["firmfate", *(name for name in options.programs if name != "firmfate")]:
        if program == "R" and shutil.which("Rscript") is None:
            print("R is not installed")
            continue
        print(f"{program} ..", file=sys.stderr, flush=True)
        results[program] = run(program, firms, rows)
    apart = disagreements(results)
    page = PAGE.format(
        firms=len(firms.week),
        rows=len(rows.week),
        versions=", ".join([f"{name} {version(name)}" for name in PACKAGES] + (r_versions() if "R" in results else [])),
        machine=f"{datetime.date.today().isoformat()}, {processor()}, Python {platform.python_version()}",
        table=table(results),
        agreement="\n".join(apart) if apart else "All programs agree, within the tolerances of `programs.py`.",
    )
    print(page)
    if options.write:
        Path(__file__).with_name("RESULTS.md").write_text(page)
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
