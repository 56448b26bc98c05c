"""Designs whose points fill ranges of the axes; and the generator that all designs draw from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from firmfate.design.axes import Axis, range_schema, read_axes, read_range
from firmfate.design.base import Design, Points
from firmfate.errors import StudyError
from firmfate.randomness import DESIGN
from firmfate.tables import reading
from firmfate.tables.reading import rounded
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source

MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class RangedDesign(Design):
    """A number of points in ranges of the axes.

    A kind of this sort declares its options beside ``points``, and gives points of the unit cube.

    Attributes
    ----------
    size : int
        The option ``points``.
    """

    size: int = 0

    drawn = True

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read the ranges and the options."""
        found = reading.table(written, cls.kind)
        axes = read_axes(found, cls.kind, source, read_range, words=tuple(cls.option_schemas()))
        return cls(axes, **cls.read_options(found))

    @classmethod
    def read_options(cls, written: Mapping[str, Any]) -> dict[str, Any]:
        """Read what the table has beside its axes; return it by attribute."""
        if "points" not in written:
            raise StudyError(f"[{cls.kind}] needs 'points', the number of points, such as points = 128")
        return {"size": reading.integer(written["points"], f"{cls.kind}.points", 2, MOST_CELLS)}

    @classmethod
    def option_schemas(cls) -> dict[str, Schema]:
        """Return the schema of every key of the table that is no axis."""
        return {"points": {"type": "integer", "minimum": 2, "maximum": MOST_CELLS}}

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of the table."""
        table = parameters.table("range", range_schema, "points in ranges of the axes", cls.option_schemas())
        return {**table, "required": ["points"]}

    @property
    def count(self) -> int:
        """A cell a point."""
        return self.size

    @abstractmethod
    def unit(self, random: np.random.Generator) -> Points:
        """Return points of the unit cube, shape (count, axes)."""

    def points(self, seed: int) -> Points:
        """Return the points within the ranges, shape (count, axes)."""
        return scale(self.unit(generator(seed)), self.axes)


def generator(seed: int) -> np.random.Generator:
    """Return the generator of a study's designs: Philox, seeded by the study's seed and the stream of designs."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, DESIGN])))


def scale(unit: Points, axes: tuple[Axis, ...]) -> Points:
    """Return points of the unit cube, shape (points, axes), as values within the axes' ranges, on their scales.

    Values are rounded to 12 significant digits, as all values of cells are.
    """
    found = np.empty_like(unit)
    for column, axis in enumerate(axes):
        low, high = axis.values
        spread = unit[:, column]
        values = low * (high / low) ** spread if axis.log else low + (high - low) * spread
        found[:, column] = [rounded(value) for value in np.clip(values, low, high).tolist()]
    return found
