"""Saltelli's layout for Sobol indices, by SALib: two matrices of points, and their columns exchanged one by one.

Cells stand in SALib's order, so its ``analyze.sobol`` reads an estimate by cell directly.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "indices"
... years = 10
... replicates = 64
...
... [saltelli]
... points = 64
... execution = [0, 1]
... misalignment = [0, 1]
... unit_cost = [0.56, 0.58]
... ''')
>>> ds = firmfate.run(study, into="runs/indices", progress=False)
>>> years = firmfate.survival.rmst(ds).estimate / 52
>>> years.sizes["cell"]  # 64 points x (3 axes + 2)
320
>>> from SALib.analyze import sobol
>>> names = ["execution", "misalignment", "unit_cost"]
>>> problem = {"num_vars": 3, "names": names, "bounds": [[0, 1]] * 3}
>>> found = sobol.analyze(problem, years.values, calc_second_order=False, seed=1)
>>> {name: round(float(share), 1) for name, share in zip(names, found["ST"])}  # of the variance, in all
{'execution': 0.3, 'misalignment': 0.9, 'unit_cost': 0.0}
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmfate.design.base import Points
from firmfate.design.ranges import RangedDesign
from firmfate.errors import StudyError
from firmfate.tables import reading
from firmfate.tables.reading import refuse
from firmfate.tables.schema import Schema


@dataclass(frozen=True)
class Saltelli(RangedDesign):
    """Points whose columns are exchanged one by one, for indices of first and total, and of second order."""

    second_order: bool = False

    kind = "saltelli"
    called = "Saltelli's design"
    summary = "points x (axes + 2) cells, for Sobol indices; with second_order, points x (2 axes + 2)"
    example = "[saltelli]\npoints = 64\nexecution = [0, 1]\nmisalignment = [0, 1]\n"
    needs = ("SALib",)

    @classmethod
    def read_options(cls, written: Mapping[str, Any]) -> dict[str, Any]:
        """Read ``points``, a power of two, and ``second_order``."""
        found = super().read_options(written)
        if found["size"] & (found["size"] - 1):
            refuse(f"{cls.kind}.points", found["size"], "must be a power of two, such as 256 or 512")
        second_order = reading.flag(written.get("second_order", False), f"{cls.kind}.second_order")
        return {**found, "second_order": second_order}

    @classmethod
    def option_schemas(cls) -> dict[str, Schema]:
        """Return the schemas of ``points`` and ``second_order``."""
        return {**super().option_schemas(), "second_order": {"type": "boolean"}}

    def check(self) -> None:
        """Refuse so few axes that nothing is left to part."""
        least = 3 if self.second_order else 2
        if len(self.axes) < least:
            why = (
                "of two axes the interaction is what their own shares leave of 1"
                if self.second_order
                else "one axis has all of it"
            )
            raise StudyError(f"[saltelli] parts a variance between at least {least} axes; {why}")

    @property
    def count(self) -> int:
        """The cells of all points."""
        axes = len(self.axes)
        return self.size * (2 * axes + 2 if self.second_order else axes + 2)

    def unit(self, random: np.random.Generator) -> Points:
        """Return the points by SALib, shape (cells, axes)."""
        sobol = importlib.import_module("SALib.sample.sobol")
        names = [axis.key for axis in self.axes]
        problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
        found: Points = sobol.sample(problem, self.size, calc_second_order=self.second_order, seed=random)
        return found
