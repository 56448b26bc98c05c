"""From a study to its cells: the design gives points, the rest of the study what is the same in all of them."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.design import Cells, Design
from firmfate.design.base import Points
from firmfate.design.cells import check_distinct, coordinates, digests, random_keys, random_words
from firmfate.design.joint import check
from firmfate.errors import StudyError
from firmfate.tables.reading import rounded

if TYPE_CHECKING:
    from firmfate.study.study import Study


def lay_out(study: Study) -> Cells:
    """Return the cells of a study, as `Study.cells` documents."""
    design, model = study.design, study.model
    _have_packages(design)
    points = design.points(study.seed)
    if points.shape != (design.count, len(design.axes)):
        raise TypeError(
            f"{type(design).__name__}.points has the shape {points.shape}, not {(design.count, len(design.axes))}"
        )
    parameters = resolve(study, points)
    keys = digests(model.fields, parameters)
    check_distinct(keys)
    checked = check(
        model, parameters, points=points, axes=design.axes, population=study.population, dt=study.dt, seed=study.seed
    )
    dims, shape, coords = coordinates(design, model, points)
    random = random_keys(study.seed, model, parameters, common=study.common_random_numbers)
    return Cells(
        fields=model.fields,
        parameters=parameters,
        keys=keys,
        random_keys=random,
        random_words=random_words(random, common=study.common_random_numbers),
        axes=tuple(axis.key for axis in design.axes),
        dims=dims,
        shape=shape,
        coords=coords,
        checked=checked,
    )


def _have_packages(design: Design) -> None:
    """Refuse a design whose packages are not installed."""
    for name in design.needs:
        if importlib.util.find_spec(name) is None:
            raise StudyError(f"[{design.kind}] needs {name}, which is not installed: pip install {name}")


def resolve(study: Study, points: Points) -> NDArray[np.float64]:
    """Return the value of every field in every cell.

    Parameters
    ----------
    study : Study
    points : (cells, axes) array
        What the design gives its axes.

    Returns
    -------
    (cells, fields) array of float64, read-only
        Rounded to 12 significant digits.
    """
    place = {name: index for index, name in enumerate(study.model.fields)}
    parameters = np.empty((len(points), len(place)))
    parameters[:] = list(study.base.values())
    for drawn in study.population.distributions:
        parameters[:, [place[name] for name in study.targets[drawn.key]]] = rounded(drawn.median)
    for column, axis in enumerate(study.design.axes):
        parameters[:, [place[name] for name in study.targets[axis.key]]] = points[:, column, np.newaxis]
    parameters += 0.0  # no negative zero: equal values are equal bits
    parameters.flags.writeable = False
    return parameters
