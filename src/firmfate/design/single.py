"""No design: a study without one is a single cell, in which nothing varies.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study(name="single", years=10, replicates=500, parameters={"execution": 0.9})
>>> study.design.count, study.cells.dims
(1, ('cell',))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from firmfate.design.base import Design, Points
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source


@dataclass(frozen=True)
class Single(Design):
    """The design of a study that has none."""

    kind = ""
    called = "one cell"
    summary = "one cell"
    example = ""

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Return it; there is nothing to read."""
        return cls()

    @property
    def count(self) -> int:
        """One cell."""
        return 1

    def points(self, seed: int) -> Points:
        """Return a point without coordinates, shape (1, 0)."""
        return np.empty((1, 0))

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return a schema that nothing fits: there is no table."""
        return {"not": {}}

    @property
    def words(self) -> str:
        """The design in a sentence."""
        return self.called
