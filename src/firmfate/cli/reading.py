"""Reading what commands are given: study files, whose model code is announced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firmfate.cli import terminal

if TYPE_CHECKING:
    from firmfate.study import Study


def read_study(path: Path, *, quiet: bool = False) -> Study:
    """Read a study file; where it names a model file, print first that its code will run.

    Raises
    ------
    StudyError
        Where it is no study that can be run.
    """
    from firmfate.study import Study

    return Study.read(
        path, on_code=lambda file: terminal.say(f"the study's model is code, which runs now: {file}", quiet=quiet)
    )
