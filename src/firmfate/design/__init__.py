"""The design room: a `Study` becomes cells. One design a file; every one gives points, an array (cells, axes).

Each file begins with an example from TOML to survival: ``grid``, ``listed``, ``latin_hypercube``, ``sobol``,
``saltelli``, ``coalitions``, and ``population``, which composes with all of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firmfate.design import cells, coalitions, grid, joint, listed
from firmfate.design.cells import Cells
from firmfate.design.population import Population, population
from firmfate.errors import StudyError
from firmfate.study import Layout, Study

__all__ = ["Cells", "Population", "design", "population"]

Points = Callable[[Layout, int], NDArray[np.float64]]

NOT_DRAWN: dict[str, Points] = {"grid": grid.points, "cells": listed.points, "coalitions": coalitions.points}
DRAWN = ("latin_hypercube", "sobol", "saltelli")


def points_of(kind: str) -> Points:
    """Return the function of (layout, seed) that gives a design its points, imported when asked for."""
    if kind in NOT_DRAWN:
        return NOT_DRAWN[kind]
    if kind not in DRAWN:
        raise ValueError(f"no design is called {kind!r}")
    return importlib.import_module(f"firmfate.design.{kind}").points  # type: ignore[no-any-return]


def design(study: Study) -> Cells:
    """Lay out the cells of a study.

    Values are rounded to 12 significant digits, so that two cells are the same when their keys are, and random
    numbers follow values. The same study gives the same cells everywhere.

    Raises
    ------
    StudyError
        Where a cell breaks a joint condition of the model (:mod:`firmfate.design.joint`), or two cells are the same.

    Examples
    --------
    >>> study = Study(study={"name": "small"}, grid={"execution": [0.2, 0.8], "misalignment.sales": [0, 0.5, 1]})
    >>> found = design(study)
    >>> found.dims, found.shape, found.parameters.shape
    (('execution', 'misalignment_sales'), (2, 3), (6, 90))
    """
    try:
        return _laid_out(study)
    except StudyError as fault:
        raise StudyError(f"{study.path}: {fault}" if study.path else str(fault)) from None


def _laid_out(study: Study) -> Cells:
    points = points_of(study.layout.kind)(study.layout, study.seed)
    parameters = cells.resolve(study, points)
    keys = cells.digests(study.model.fields, parameters)
    cells.check_distinct(keys, parameters)
    checked = joint.check(study, parameters, points, population(study))
    dims, shape, coords = cells.coordinates(study, points)
    random_keys = cells.random_keys(study, parameters)
    return Cells(
        fields=study.model.fields,
        parameters=parameters,
        keys=keys,
        random_keys=random_keys,
        random_words=cells.random_words(study, random_keys),
        axes=tuple(axis.key for axis in study.layout.axes),
        dims=dims,
        shape=shape,
        coords=coords,
        checked=checked,
    )
