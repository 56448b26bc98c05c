"""Grid: every combination of the axes' values, the first axis slowest.

An axis is a list, or a range filled evenly on a linear or a log scale. Times may carry units, and one division can be
an axis of its own. A grid that grows runs its new cells alone.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "delays"
... years = "10 years"
... replicates = 400
...
... [grid]
... execution = [0.1, 0.9]
... "misalignment.sales" = [0, 1]
... correct_time = { from = "13 weeks", to = "4 years", points = 3, scale = "log" }
... ''')
>>> ds = firmfate.run(study, into="runs/delays", progress=False)
>>> ds.firms.dims, ds.correct_time.values
(('execution', 'misalignment_sales', 'correct_time'), array([ 13.,  52., 208.]))
>>> years = firmfate.survival.rmst(ds).estimate / 52  # mean lifetime within ten years
>>> years.sel(misalignment_sales=1).values.round(1)  # execution x correct_time
array([[9. , 8.9, 8.8],
       [8.6, 7.2, 6.2]])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from firmfate.design.axes import read_axes, read_values, values_schema
from firmfate.design.base import Design, Points
from firmfate.tables import reading
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source


@dataclass(frozen=True)
class Grid(Design):
    """Every combination of the axes' values."""

    kind = "grid"
    called = "a grid"
    summary = "every combination of the axes' values; the only design whose axes are dimensions of the result"
    example = "[grid]\nexecution = [0.1, 0.5, 0.9]\nmisalignment = { from = 0, to = 1, points = 11 }\n"
    crossed = True

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read the axes."""
        return cls(read_axes(reading.table(written, cls.kind), cls.kind, source, read_values))

    @property
    def count(self) -> int:
        """The product of the axes' lengths."""
        return math.prod(len(axis.values) for axis in self.axes)

    def points(self, seed: int) -> Points:
        """Return the values of the axes in every cell, shape (cells, axes), the first axis slowest."""
        mesh = np.meshgrid(*(np.array(axis.values) for axis in self.axes), indexing="ij")
        return np.stack([values.ravel() for values in mesh], axis=-1)

    def with_values(self, key: str, values: tuple[float, ...]) -> Grid:
        """Return the grid with other values of one axis, ascending."""
        return Grid(tuple(replace(axis, values=values) if axis.key == key else axis for axis in self.axes))

    def carried(self, numbers: NDArray[np.int64], other: Grid, new: int) -> NDArray[np.int64]:
        """Return numbers of cells, (cells,), over another grid of the same axes: `new` in cells that are not here."""
        held = numbers.reshape([len(axis.values) for axis in self.axes])
        for place, (axis, later) in enumerate(zip(self.axes, other.axes, strict=True)):
            position = {value: index for index, value in enumerate(axis.values)}
            slices = [
                held.take(position[value], axis=place)
                if value in position
                else np.full_like(held.take(0, axis=place), new)
                for value in later.values
            ]
            held = np.stack(slices, axis=place)
        return held.ravel()

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of [grid]."""
        return parameters.table("axis", values_schema, "every combination of the axes' values")

    @property
    def words(self) -> str:
        """The grid in a sentence, with the values of its axes."""
        spans = [
            f"{axis.words} ({len(axis.values)} values from {min(axis.values):.6g} to {max(axis.values):.6g})"
            for axis in self.axes
        ]
        return f"a grid over {' and '.join(spans)}"
