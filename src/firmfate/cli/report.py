"""Write report.html from result.nc, trajectories.nc and the study: one file that opens without network. Nothing is
simulated until the reader tries the model in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "write the report of a gathered run"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument(
        "--no-laboratory",
        action="store_true",
        help="leave out the laboratory of the run, in which the reader's browser simulates (see `firmfate lab --help`)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the report and print its path."""
    from firmfate.reporting import write_report

    terminal.out(f"report: {write_report(arguments.directory, laboratory=not arguments.no_laboratory)}")
    return terminal.DONE
