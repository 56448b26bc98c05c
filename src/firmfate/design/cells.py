"""Cells: what every design becomes. Values, a key by value, a key of random numbers, and labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import DRAWN_FROM
from firmfate.design.base import Design, Points
from firmfate.errors import StudyError
from firmfate.models import Model
from firmfate.randomness import cell_word, value_key

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
        16 hexadecimal digits a cell: a digest of its values, never of its position or its name.
    random_keys : (cells,) array of uint64, read-only
        Key of each cell's population draws: the seed where random numbers are common.
    random_words : (cells,) array of uint64, read-only
        What distinguishes the other random numbers of cells: 0 where they are common.
    axes : tuple of str
        Keys of the axes, as the study writes them, in the order of the file.
    dims, shape : tuple
        Of a crossed design, first axis slowest; ("cell",) for every other.
    coords : dict
        name -> (dims, values, attributes), as xarray takes them.
    checked : int
        Cells whose joint conditions were tested; all, where there are not many thousands.

    Examples
    --------
    >>> from firmfate import Study
    >>> cells = Study(name="cells", grid={"execution": [0.5, 1], "misalignment.sales": [0, 1]}).cells
    >>> cells
    <Cells: 4 (2 execution x 2 misalignment_sales) of 93 parameters>
    >>> cells.values(3)["misalignment_sales"], cells.values(3)["misalignment_finance"]
    (1.0, 0.5)
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

    def __repr__(self) -> str:
        along = " x ".join(f"{size} {dim}" for dim, size in zip(self.dims, self.shape, strict=True))
        return f"<Cells: {len(self):,} ({along}) of {len(self.fields)} parameters>"

    def values(self, cell: int) -> dict[str, float]:
        """Return all values of one cell, by field."""
        return dict(zip(self.fields, self.parameters[cell].tolist(), strict=True))


def digests(fields: tuple[str, ...], parameters: NDArray[np.float64]) -> tuple[str, ...]:
    """Return 16 hexadecimal digits a row: SHA-256 of the fields' names and the row's values, rounded already."""
    prefix = hashlib.sha256("\n".join(fields).encode() + b"\0")
    rows = np.ascontiguousarray(parameters, dtype="<f8")
    found = []
    for row in rows:
        digest = prefix.copy()
        digest.update(row.tobytes())
        found.append(digest.hexdigest()[:16])
    return tuple(found)


def random_keys(seed: int, model: Model, parameters: NDArray[np.float64], *, common: bool) -> NDArray[np.uint64]:
    """Return the key of every cell's random numbers: the seed where they are `common`, otherwise a hash of it with the
    model and the cell's values."""
    if common:
        found = np.full(len(parameters), seed, dtype=np.uint64)
    else:
        rows = (dict(zip(model.fields, row, strict=True)) for row in parameters.tolist())
        found = np.array([value_key(seed, model.name, row) for row in rows], dtype=np.uint64)
    found.flags.writeable = False
    return found


def random_words(keys: NDArray[np.uint64], *, common: bool) -> NDArray[np.uint64]:
    """Return what distinguishes the random numbers of cells, given their keys; 0 where they are common."""
    found = np.array([0 if common else cell_word(int(key)) for key in keys], dtype=np.uint64)
    found.flags.writeable = False
    return found


def check_distinct(keys: tuple[str, ...]) -> None:
    """Refuse two cells with the same values, which would share their shards."""
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        if first.setdefault(key, place) != place:
            raise StudyError(
                f"cells {first[key]} and {place} of the design (counted from 0) have the same values; change one"
            )


def coordinates(
    design: Design, model: Model, points: Points
) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Coordinate]]:
    """Return dims, shape and coordinates: a dimension an axis for a crossed design, otherwise labels of the cells."""
    dims = tuple(axis.name for axis in design.axes) if design.crossed else ("cell",)
    shape = tuple(len(axis.values) for axis in design.axes) if design.crossed else (len(points),)
    coords: dict[str, Coordinate] = {}
    if design.names:
        about = {"units": "1", "long_name": "name of the cell, as the study gives it"}
        coords["cell"] = (("cell",), np.array(design.names), about)
    for column, axis in enumerate(design.axes):
        row = model.parameter(axis.key)
        part = axis.key.partition(".")[2]
        attributes = {
            "units": row.unit,
            "long_name": row.meaning + (f" ({part})" if part else ""),
            "parameter": axis.key,
        }
        if axis.drawn:
            attributes[DRAWN_FROM] = "posterior"
        values = np.array(axis.values) if design.crossed else points[:, column].copy()
        coords[axis.name] = ((axis.name,) if design.crossed else ("cell",), values, attributes)
    return dims, shape, coords
