"""Write a study file to start from: a commented template, or a study that comes with firmfate."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from firmfate.cli import terminal
from firmfate.errors import command

HELP = "write a study file to start from"
EXAMPLES = ("paradox", "small")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "file", type=Path, nargs="?", default=Path("study.toml"), help="file to write (default: study.toml)"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--model", choices=("firm", "car"), default="firm", help="a commented template for this model")
    kind.add_argument("--example", choices=EXAMPLES, help="a study that comes with firmfate, as it is")


def execute(arguments: argparse.Namespace) -> int:
    """Write the file, unless there is one."""
    path: Path = arguments.file
    if path.is_dir():
        path = path / "study.toml"
    if arguments.example:
        from importlib.resources import files

        text = (files("firmfate") / "data" / f"{arguments.example}.toml").read_text(encoding="utf-8")
    else:
        from firmfate.study import template

        text = template(_name(path), arguments.model)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        terminal.complain(f"{path} is there already and is left as it is; name another file")
        return terminal.BAD_INPUT
    terminal.out(f"wrote {path}; next: {command('run', path)}")
    return terminal.DONE


def _name(path: Path) -> str:
    """Return a name for the study: the file's, or its folder's where the file is called study.toml."""
    stem = Path(os.path.realpath(path)).parent.name if path.stem == "study" else path.stem
    return re.sub(r"[^a-z0-9_-]+", "-", stem.lower()).strip("-")[:64] or "study"
