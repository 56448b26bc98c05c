"""Print what an error number means, with an example that is refused and what to write instead; without network."""

from __future__ import annotations

import argparse

from firmfate.cli import terminal

HELP = "print what an error number such as FF103 means"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("code", metavar="NUMBER", help="the number of an error, as its message begins with: FF103")


def execute(arguments: argparse.Namespace) -> int:
    """Print its page."""
    from firmfate.models.refusals import explain

    terminal.out(explain(arguments.code).removeprefix("# ").rstrip())
    return terminal.DONE
