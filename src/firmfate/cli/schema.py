"""Print the JSON schema of study files, for editors that complete and check TOML."""

from __future__ import annotations

import argparse

from firmfate.cli import terminal

HELP = "print the JSON schema of study files"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--model", default="firm", help='"firm", "car" or "my_model.py:NAME" (default: firm)')


def execute(arguments: argparse.Namespace) -> int:
    """Print it."""
    from firmfate.models import load_model
    from firmfate.study import study_schema

    terminal.out_json(study_schema(load_model(arguments.model)))
    return terminal.DONE
