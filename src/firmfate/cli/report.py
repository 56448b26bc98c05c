"""Write report.html from result.nc and trajectories.nc: one file that opens without network. Nothing is simulated."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "write the report of a gathered run"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument(
        "--laboratory",
        action="store_true",
        help="end with the laboratory of the run (see `firmfate lab --help`)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the report and print its path."""
    from firmfate.reporting import write_report

    terminal.out(f"report: {write_report(arguments.directory, laboratory=arguments.laboratory)}")
    return terminal.DONE
