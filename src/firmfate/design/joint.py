"""Joint conditions: combinations of values that a model cannot start from, found before anything runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmfate.design.axes import Axis
from firmfate.design.base import Points
from firmfate.design.population import Population
from firmfate.design.ranges import generator
from firmfate.errors import StudyError
from firmfate.models import Model
from firmfate.tables.reading import show

ALL_UP_TO = 5_000
ALL_WITH_POPULATION = 100
STARTED = 100
RARE = 1e-9
FIRMS = 100


def check(
    model: Model,
    parameters: NDArray[np.float64],
    *,
    points: Points,
    axes: Sequence[Axis],
    population: Population,
    dt: float,
    seed: int,
) -> int:
    """Refuse a design with a cell that its model cannot start from; return how many cells were tested.

    Of up to 5,000 cells all are tested for the model's joint conditions. Of more, all cells in which every axis is at
    its least or greatest value, and a random choice of 5,000, the same every time: conditions are inequalities that
    fail first at corners. Where firms of a cell differ, 100 cells are chosen in that way, with the firms that one in
    10^9 exceeds, and 100 that are drawn. In 100 cells a firm is started too.

    Parameters
    ----------
    model : Model
    parameters : (cells, fields) array
    points : (cells, axes) array
    axes : sequence of Axis
    population : Population
    dt : float
        The step in weeks.
    seed : int

    Raises
    ------
    StudyError
        With the condition, and the cell and the firm that break it.
    """

    def place(cell: int) -> list[str]:
        where = [f"{axis.key} = {show(float(points[cell, i]))}" for i, axis in enumerate(axes)]
        return [f"the cell {', '.join(where)}"] if where else []

    for cell in choose(points, STARTED, seed).tolist():
        if fault := _cannot_start(model, parameters[cell], dt):
            raise StudyError(f"model '{model.name}' cannot start: {fault}" + _within(place(cell)))
    if model.check is None:
        return len(parameters)
    chosen = choose(points, ALL_WITH_POPULATION if len(population) else ALL_UP_TO, seed)
    firms = _firms(population, seed)
    names = model.fields
    for cell in chosen.tolist():
        values = dict(zip(names, parameters[cell].tolist(), strict=True))
        for firm in firms:
            drawn = {names[field]: value for field, value in zip(population.fields, firm, strict=True)}
            for sentence in itertools.islice(model.broken_conditions({**values, **drawn}, dt), 1):
                draws = ", ".join(f"{name} = {value:g}" for name, value in drawn.items())
                raise StudyError(sentence + _within([*place(cell), *([f"a firm that draws {draws}"] if draws else [])]))
    return len(chosen)


def _within(places: list[str]) -> str:
    return f" (in {', '.join(places)})" if places else ""


def _cannot_start(model: Model, row: NDArray[np.float64], dt: float) -> str:
    """Return why a firm with median random numbers cannot make its first step; an empty string where it can."""
    stocks = model.first_step(row.tolist(), dt)
    broken = [f"{name} is {value:g}" for name, value in stocks.items() if not math.isfinite(value)]
    return f"{broken[0]} after the first step with median random numbers" if broken else ""


def choose(points: Points, most: int, seed: int) -> NDArray[np.intp]:
    """Return which of the points are tested: all, or the extreme ones and a random choice of `most`.

    Of more extreme points than `most`, the first, and one for the least and the greatest value of every axis.
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
    """Return values of `population.fields` that are tested: rare low and high ones, and drawn ones."""
    if not len(population):
        return [[]]
    ends = itertools.islice(itertools.product((RARE, 1 - RARE), repeat=len(population)), FIRMS)
    rare = population.quantiles(np.array(list(ends)))
    drawn = population.draw(seed, np.arange(FIRMS, dtype=np.uint64))
    return [*rare.tolist(), *drawn.tolist()]
