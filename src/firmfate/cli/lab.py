"""Write the laboratory of a model, or of a run: one HTML file with a slider for every parameter, whose firms are
simulated in the reader's browser. It opens from disk and needs no network."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "write a page in which one tries a model out"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "model", nargs="?", default="firm", help='"firm", "car", "my_model.py:NAME" or a run directory (default: firm)'
    )
    parser.add_argument(
        "-o", "--into", type=Path, metavar="FILE",
        help="file to write (default: MODEL-laboratory.html, or laboratory.html in the run directory)",
    )  # fmt: skip
    parser.add_argument("--weeks", type=int, metavar="N", help="horizon (default: 1040); not of a run")


def execute(arguments: argparse.Namespace) -> int:
    """Write the page and print its path."""
    from firmfate.laboratory import lab

    path = lab(arguments.model, into=arguments.into, weeks=arguments.weeks)
    terminal.out(f"laboratory: {path} ({path.stat().st_size / 1000:.0f} kB); open it in a browser")
    return terminal.DONE
