"""Export a run as a tidy table for R, pandas or a spreadsheet, with a dictionary of its columns beside it.

Grouped (one row for every cell, week and outcome, with the number of firms), or with --firms one row a firm. Runs
without [record] firms keep no rows of firms: these are simulated again, and are the same firms.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "export a run as CSV or Parquet, grouped or by firm"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", required=True, help="file to write: .csv, .csv.gz or .parquet"
    )
    parser.add_argument("--firms", action="store_true", help="one row a firm, simulated again")
    parser.add_argument(
        "--replicates", type=int, metavar="N", help="with --firms: the first N firms of every cell only"
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def execute(arguments: argparse.Namespace) -> int:
    """Write the table and its dictionary."""
    from firmfate.exporting import export, recorded

    if arguments.replicates is not None and not arguments.firms:
        terminal.complain("--replicates goes with --firms; counts are of all firms")
        return terminal.BAD_INPUT
    if arguments.firms and not recorded(arguments.directory):
        terminal.say(
            "the run kept no rows of firms: they are simulated again, and are the same firms", quiet=arguments.quiet
        )
    written = export(arguments.directory, into=arguments.into, firms=arguments.firms, replicates=arguments.replicates)
    if not arguments.quiet:
        terminal.out(f"wrote {written.rows:,} rows: {written.path}\nits columns are explained in {written.dictionary}")
    return terminal.DONE
