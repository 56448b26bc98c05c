"""The laboratory of a run: its study's model, fixed parameters, random numbers and drawn values, so that its firms are
those of the run."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from firmfate import webpage
from firmfate.design import Cells
from firmfate.errors import FirmfateError
from firmfate.laboratory.content import FIRMS, content
from firmfate.shards.directory import RunDirectory
from firmfate.study import Study
from firmfate.tables.reading import rounded

NUMBERS = 80_000
"""Numbers by which a page names cells: values of axes where the design is no grid, and keys of random numbers where
cells have their own. A grid is named by the values of its axes alone."""

DRAWN = 12_000
"""Values that a page holds of what firms have drawn. They are those of the run, not drawn in the browser, whose
functions round otherwise."""


def content_of_run(directory: Path, *, most: int = NUMBERS) -> dict[str, Any]:
    """Return what the page is given of a run, as JSON has it; nothing is simulated.

    Parameters
    ----------
    directory : Path
        A run directory.
    most : int
        Numbers by which the page may name cells.

    Raises
    ------
    RunDirectoryError
        Where it is none, or one of another study or version.
    FirmfateError
        Where the cells are too many for a page.
    """
    run = RunDirectory(directory)
    study = run.study()
    cells = study.cells
    run.refuse_other(study, cells)
    own = bool(cells.random_words.any())
    numbers = len(cells) * ((0 if study.design.crossed else len(cells.axes)) + own)
    if numbers > most:
        raise FirmfateError(
            f"its study has {len(cells):,} cells, which take {numbers:,} numbers to name; allowed for a page: "
            f"up to {most:,}"
        )
    drawn = {study.model.fields[field]: study.population.distributions[source]
             for field, source in zip(study.population.fields, study.population.sources, strict=True)}  # fmt: skip
    given = content(
        study.model, name=study.model_name, weeks=study.weeks, steps=study.steps, dt=study.dt,
        base=study.base | {field: float(rounded(found.median)) for field, found in drawn.items()},
        first={
            "Axes of the study": [axis.key for axis in study.design.axes if not axis.drawn],
            "Drawn from a posterior": [axis.key for axis in study.design.axes if axis.drawn],
        },
        drawn={field: found.words for field, found in drawn.items()},
        firms=min(FIRMS, DRAWN // max(1, len(drawn))),
    )  # fmt: skip
    same = study.common_random_numbers or not drawn
    return given | {
        "key": str(study.seed),
        "stepsPerWeek": study.steps_per_week,
        "run": {
            "study": study.name,
            "base": study.base,
            "fields": [study.targets[key] for key in cells.axes],
            **_named(study, cells),
            **_draws(study),
            "words": [str(int(word)) for word in cells.random_words] if own and same else [],
            "same": same,
            "drawn": _drawn(study, given["firms"]) if drawn else None,
        },
    }


def _named(study: Study, cells: Cells) -> dict[str, Any]:
    """Return how cells are named: a grid by the values along its axes, others row by row, with their names if any."""
    place = {name: i for i, name in enumerate(cells.fields)}
    values = cells.parameters[:, [place[study.targets[key][0]] for key in cells.axes]]
    crossed = study.design.crossed
    if crossed:
        grid = values.reshape(*cells.shape, len(cells.axes))
        along = [
            grid[tuple(slice(None) if axis == other else 0 for other in range(len(cells.axes)))][:, axis].tolist()
            for axis in range(len(cells.axes))
        ]
    return {
        "cells": len(cells),
        "axes": [key.replace("_", " ").replace(".", ", ") for key in cells.axes],
        "keys": [key.replace(".", "_") for key in cells.axes],
        "along": along if crossed else None,
        "points": None if crossed else values.tolist(),
        "names": [str(name) for name in cells.coords["cell"][1]] if "cell" in cells.coords else [],
    }


def _draws(study: Study) -> dict[str, Any]:
    """Return of draws of a posterior, by which cells are then chosen: what they are, and the other axes."""
    drawn = [axis for axis in study.design.axes if axis.drawn]
    if not drawn:
        return {"draws": None}
    crossed = [axis for axis in study.design.axes if not axis.drawn]
    count = len(drawn[0].values)
    words = webpage.draws_in_words(count, [axis.words for axis in drawn], [axis.words for axis in crossed])
    return {
        "draws": {
            "words": f"{words}.",
            "count": count,
            "axes": [axis.words for axis in crossed],
            "along": [list(axis.values) for axis in crossed],
        }
    }


def _drawn(study: Study, firms: int) -> dict[str, Any]:
    """Return what the first firms of every cell have drawn, (firms, fields) of float64 in base64."""
    values = study.population.draw(study.seed, np.arange(firms, dtype=np.uint64))
    return {
        "fields": [study.model.fields[field] for field in study.population.fields],
        "values": base64.b64encode(values.astype("<f8").tobytes()).decode(),
    }
