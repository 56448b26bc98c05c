"""Print a model's parameters: default, unit, allowed range, meaning, source. A star marks an assumption: sweep it."""

from __future__ import annotations

import argparse

from firmfate.cli import terminal

HELP = "print a model's table of parameters"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("model", nargs="?", default="firm", help='"firm", "car" or "my_model.py:NAME" (default: firm)')
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from firmfate.models import load_model
    from firmfate.study import parameter_table

    model = load_model(arguments.model)
    if arguments.json:
        terminal.out_json(
            [
                {
                    "name": row.name,
                    "default": row.default,
                    "unit": row.unit,
                    "allowed": str(row.allowed),
                    "meaning": row.meaning,
                    "source": row.source,
                    "assumption": row.assumption,
                    "keys": list(row.keys),
                }
                for row in model.parameters
            ]
        )
    else:
        terminal.out(parameter_table(model).rstrip())
    return terminal.DONE
