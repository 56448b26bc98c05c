"""Cells: what every design ends in. Values, a name by value, a key of random numbers, and labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import StudyError
from firmfate.randomness import cell_word, value_key
from firmfate.study import Study
from firmfate.study.reading import rounded

Coordinate = tuple[tuple[str, ...], NDArray[Any], dict[str, str]]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a study.

    Attributes
    ----------
    fields : tuple of str
        Names of the columns of `parameters`: the model's fields.
    parameters : (cells, fields) array of float64, read-only
        Resolved values, rounded to 12 significant digits. Where firms of a population differ, the median.
    keys : tuple of str
        16 hexadecimal digits a cell: a digest of its values, never of its position.
    random_keys : (cells,) array of uint64, read-only
        Key of each cell's population draws: the seed where random numbers are common.
    random_words : (cells,) array of uint64, read-only
        What tells the other random numbers of cells apart: 0 where they are common.
    axes : tuple of str
        Keys of the axes, as the study writes them, in the order of the file.
    dims, shape : tuple
        Of the grid, first axis slowest; ("cell",) for every other design.
    coords : dict
        name -> (dims, values, attributes), as xarray takes them.
    checked : int
        Cells whose joint conditions were tested; all, where there are not many thousands.
    """

    fields: tuple[str, ...]
    parameters: NDArray[np.float64]
    keys: tuple[str, ...]
    random_keys: NDArray[np.uint64]
    random_words: NDArray[np.uint64]
    axes: tuple[str, ...]
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coords: Mapping[str, Coordinate]
    checked: int

    def __len__(self) -> int:
        return len(self.parameters)

    def values(self, cell: int) -> dict[str, float]:
        """Return all values of one cell, by field."""
        return dict(zip(self.fields, self.parameters[cell].tolist(), strict=True))


def resolve(study: Study, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of every field in every cell.

    Parameters
    ----------
    study : Study
    points : (cells, axes) array
        What the design gives its axes.

    Returns
    -------
    (cells, fields) array of float64, read-only
    """
    place = {name: index for index, name in enumerate(study.model.fields)}
    parameters = np.empty((len(points), len(place)))
    parameters[:] = list(study.base.values())
    for drawn in study.population.distributions:
        parameters[:, [place[name] for name in study.targets[drawn.key]]] = rounded(drawn.median)
    for column, axis in enumerate(study.layout.axes):
        parameters[:, [place[name] for name in study.targets[axis.key]]] = points[:, column, np.newaxis]
    parameters += 0.0  # no negative zero: equal values are equal bits
    parameters.flags.writeable = False
    return parameters


def digests(fields: tuple[str, ...], parameters: NDArray[np.float64]) -> tuple[str, ...]:
    """Return 16 hexadecimal digits a row: SHA-256 of the fields' names and the row's values, rounded already."""
    head = hashlib.sha256("\n".join(fields).encode() + b"\0")
    rows = np.ascontiguousarray(parameters, dtype="<f8")
    found = []
    for row in rows:
        digest = head.copy()
        digest.update(row.tobytes())
        found.append(digest.hexdigest()[:16])
    return tuple(found)


def random_keys(study: Study, parameters: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the key of every cell's random numbers: the seed, or a hash of it with the model and the cell's values."""
    if study.common_random_numbers:
        found = np.full(len(parameters), study.seed, dtype=np.uint64)
    else:
        names = study.model.fields
        rows = (dict(zip(names, row, strict=True)) for row in parameters.tolist())
        found = np.fromiter((value_key(study.seed, study.model.name, row) for row in rows), np.uint64, len(parameters))
    found.flags.writeable = False
    return found


def random_words(study: Study, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return what tells the random numbers of cells apart, given their keys."""
    words = [0 if study.common_random_numbers else cell_word(int(key)) for key in keys]
    found = np.array(words, dtype=np.uint64)
    found.flags.writeable = False
    return found


def check_distinct(keys: tuple[str, ...], parameters: NDArray[np.float64]) -> None:
    """Refuse two cells with the same values, which would share their shards."""
    if len(set(keys)) == len(keys):
        return
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        if key in first:
            raise StudyError(
                f"cells {first[key]} and {place} of the design (counted from 0) have the same values; change one"
            )
        first[key] = place


def coordinates(
    study: Study, points: NDArray[np.float64]
) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Coordinate]]:
    """Return dims, shape and coordinates: a dimension an axis for a grid, a label a cell for every other design."""
    layout = study.layout
    grid = layout.kind == "grid"
    dims = tuple(axis.name for axis in layout.axes) if grid else ("cell",)
    shape = tuple(len(axis.values) for axis in layout.axes) if grid else (len(points),)
    coords: dict[str, Coordinate] = {}
    for column, axis in enumerate(layout.axes):
        row = study.model.parameter(axis.key)
        part = axis.key.partition(".")[2]
        attributes = {
            "units": row.unit,
            "long_name": row.meaning + (f" ({part})" if part else ""),
            "parameter": axis.key,
        }
        values = np.array(axis.values) if grid else points[:, column].copy()
        coords[axis.name] = ((axis.name,) if grid else ("cell",), values, attributes)
    return dims, shape, coords
