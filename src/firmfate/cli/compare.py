"""Compare two runs, or a run and observed survival, cell by cell: the first less the second, with errors.

Runs of two versions of a model, of two models, or of two studies, as far as they have cells in common.

  firmfate compare runs/before runs/after --into comparison.html
  firmfate compare runs/mine --to survival.csv --series BLS_BED_manufacturing --cohort 2013-03
"""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "compare two runs, or a run and observed survival"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("first", type=Path, metavar="A", help="run directory")
    parser.add_argument("second", type=Path, metavar="B", nargs="?", help="another run directory")
    parser.add_argument("--to", type=Path, metavar="CSV", help="in place of B: columns age_years, surviving_pct")
    parser.add_argument("--series", help="which series of the table; alone, of the table that comes with firmfate")
    parser.add_argument("--cohort", help="which cohort of the table")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", action="append", default=[],
        help="write a page (.html) or a dataset (.nc); may be repeated",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Print the finding, and write what is asked for."""
    from firmfate import files
    from firmfate.calibration import read_survival_table
    from firmfate.comparing import compare, finding, write_page

    to_table = any(given is not None for given in (arguments.to, arguments.series, arguments.cohort))
    if to_table == (arguments.second is not None):
        terminal.complain("give another run, or --to, --series and --cohort of observed survival: one of both")
        return terminal.BAD_INPUT
    for path in arguments.into:
        if path.suffix not in (".html", ".nc"):
            terminal.complain(f"--into {path}: allowed are names that end in .html or .nc")
            return terminal.BAD_INPUT
        if path.suffix == ".nc":
            files.refuse_name(path)
    other = (
        read_survival_table(arguments.to, series=arguments.series, cohort=arguments.cohort)
        if to_table
        else arguments.second
    )
    from firmfate.dataset.netcdf import write_dataset

    compared = compare(arguments.first, other)
    terminal.out(finding(compared).sentence())
    for path in arguments.into:
        if path.suffix == ".html":
            write_page(compared, path)
        else:
            write_dataset(compared, path)
        terminal.out(f"wrote {path}")
    return terminal.DONE
