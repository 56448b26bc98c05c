"""Joint conditions: combinations of values that a model cannot start from, found before anything runs."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import StudyError
from firmfate.study import Study
from firmfate.study.reading import show

ALL_UP_TO = 5_000


def check(study: Study, parameters: NDArray[np.float64], points: NDArray[np.float64]) -> int:
    """Refuse a design with a cell that breaks a joint condition of its model; return how many cells were tested.

    Up to 5,000 cells all are tested. Of more, all cells in which every axis is at its least or greatest value, and a
    random choice of 5,000, the same every time: conditions are inequalities that fail first at corners.
    """
    if study.model.check is None:
        return len(parameters)
    chosen = np.arange(len(parameters))
    if len(parameters) > ALL_UP_TO:
        extreme = ((points == points.min(axis=0)) | (points == points.max(axis=0))).all(axis=1)
        some = np.random.Generator(np.random.Philox(key=len(parameters))).choice(
            len(parameters), ALL_UP_TO, replace=False
        )
        chosen = np.union1d(np.flatnonzero(extreme), some)
    names = study.model.fields
    for cell in chosen:
        values = dict(zip(names, parameters[cell].tolist(), strict=True))
        for sentence in itertools.islice(study.model.check(values, study.dt), 1):
            where = ", ".join(
                f"{axis.key} = {show(float(points[cell, place]))}" for place, axis in enumerate(study.layout.axes)
            )
            raise StudyError(f"{sentence} (in the cell {where})" if where else sentence)
    return len(chosen)
