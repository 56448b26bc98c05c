"""Joint conditions: combinations of values that a model cannot start from, found before anything runs."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from firmfate.design.population import Population
from firmfate.design.ranges import generator
from firmfate.errors import StudyError
from firmfate.study import Study
from firmfate.study.reading import show

ALL_UP_TO = 5_000
ALL_WITH_POPULATION = 100
RARE = 1e-9
FIRMS = 100


def check(study: Study, parameters: NDArray[np.float64], points: NDArray[np.float64], population: Population) -> int:
    """Refuse a design with a cell that breaks a joint condition of its model; return how many cells were tested.

    Up to 5,000 cells all are tested. Of more, all cells in which every axis is at its least or greatest value, and a
    random choice of 5,000, the same every time: conditions are inequalities that fail first at corners. Where firms of
    a cell differ, 100 cells are chosen in that way, with the firms that one in 10^9 exceeds, and 100 that are drawn.
    """
    if study.model.check is None:
        return len(parameters)
    most = ALL_WITH_POPULATION if len(population) else ALL_UP_TO
    chosen = choose(points, most, study.seed)
    names = study.model.fields
    firms = _firms(population, study.seed)
    for cell in chosen:
        values = dict(zip(names, parameters[cell].tolist(), strict=True))
        for firm in firms:
            drawn = {names[field]: value for field, value in zip(population.fields, firm, strict=True)}
            for sentence in itertools.islice(study.model.check({**values, **drawn}, study.dt), 1):
                where = [f"{axis.key} = {show(float(points[cell, i]))}" for i, axis in enumerate(study.layout.axes)]
                where = [f"the cell {', '.join(where)}"] if where else []
                where += (
                    [f"a firm that draws {', '.join(f'{name} = {value:g}' for name, value in drawn.items())}"]
                    if drawn
                    else []
                )
                raise StudyError(sentence + (f" (in {', '.join(where)})" if where else ""))
    return len(chosen)


def choose(points: NDArray[np.float64], most: int, seed: int) -> NDArray[np.intp]:
    """Return which of the points are tested: all, or the extreme ones and a random choice of `most`.

    Of more extreme points than `most`, the first, and one for either end of every axis.
    """
    if len(points) <= most:
        return np.arange(len(points))
    low, high = points.min(axis=0), points.max(axis=0)
    points = points[:, low < high]
    extreme = np.flatnonzero(((points == low[low < high]) | (points == high[low < high])).all(axis=1))
    ends = np.concatenate([points.argmin(axis=0), points.argmax(axis=0)])
    drawn = generator(seed).choice(len(points), most, replace=False)
    return np.unique(np.concatenate([extreme[:most], ends, drawn]))


def _firms(population: Population, seed: int) -> list[list[float]]:
    """Return values of `population.fields` that are tested: rare ones at both ends, and drawn ones."""
    if not len(population):
        return [[]]
    ends = itertools.islice(itertools.product((RARE, 1 - RARE), repeat=len(population)), FIRMS)
    rare = population.quantiles(np.array(list(ends)))
    drawn = population.draw(seed, np.arange(FIRMS, dtype=np.uint64))
    return [*rare.tolist(), *drawn.tolist()]
