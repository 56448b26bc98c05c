"""The laboratory of a run: its study's model, fixed parameters and random numbers, so that its firms are those of the
run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmfate.errors import FirmfateError
from firmfate.laboratory.content import content
from firmfate.simulation.replaying import Replayer

CELLS = 20_000
"""Cells that a page names."""


def content_of_run(directory: Path) -> dict[str, Any]:
    """Return what the page is given of a run, as JSON has it.

    Parameters
    ----------
    directory : Path
        A run directory.

    Raises
    ------
    RunDirectoryError
        Where it is none, or one of another study or version.
    FirmfateError
        Where the firms of a cell differ in their parameters, or the cells are too many for a page.
    """
    replayer = Replayer(directory)
    study, cells = replayer.study, replayer.cells
    if study.population.keys:
        raise FirmfateError(
            f"{directory}: its study has a [population], so that firms of a cell differ in their parameters; "
            f"allowed: runs without one, or the laboratory of the model, `firmfate lab {study.model_name}`"
        )
    if len(cells) > CELLS:
        raise FirmfateError(f"{directory}: its study has {len(cells):,} cells; allowed for a page: up to {CELLS:,}")
    place = {name: i for i, name in enumerate(cells.fields)}
    columns = [place[study.targets[key][0]] for key in cells.axes]
    given = content(
        study.model, name=study.model_name, weeks=study.weeks, steps=study.steps, dt=study.dt, base=study.base,
        axes=tuple(dict.fromkeys(key.partition(".")[0] for key in cells.axes)),
    )  # fmt: skip
    return given | {
        "key": str(study.seed),
        "stepsPerWeek": study.steps_per_week,
        "run": {
            "study": study.name,
            "replicates": study.replicates,
            "base": study.base,
            "axes": cells.axes,
            "fields": [study.targets[key] for key in cells.axes],
            "points": cells.parameters[:, columns].tolist(),
            "words": [str(int(word)) for word in cells.random_words] if cells.random_words.any() else [],
        },
    }
