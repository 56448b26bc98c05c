"""Reading what commands are given: study files, whose model code is announced, and run directories."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from firmfate.cli import terminal

if TYPE_CHECKING:
    from firmfate.study import Study


def read_study(path: Path, *, quiet: bool = False) -> Study:
    """Read a study file; where it names a model file, say first that its code will run.

    Raises
    ------
    StudyError
        Where it is no study that can be run.
    """
    from firmfate.study import Study

    try:
        model = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("study", {}).get("model", "")
        file = path.parent / model.rpartition(":")[0]
        runs = ".py:" in model and file.is_file()
    except (OSError, ValueError, AttributeError, RecursionError):
        runs = False  # what is wrong is told below
    if runs:
        terminal.say(f"the study's model is code, which runs now: {file}", quiet=quiet)
    return Study.read(path)
