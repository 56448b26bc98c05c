"""Sobol's sequence, scrambled by Owen's method: fills the ranges evenly; more points keep those that are there.

Examples
--------
>>> import firmfate
>>> text = '''
... [study]
... name = "sequence"
... years = 10
... replicates = 400
...
... [sobol]
... points = 4
... execution = [0, 1]
... misalignment = [0, 1]
... '''
>>> ds = firmfate.run(firmfate.Study.parse(text), into="runs/sequence", progress=False)
>>> years = firmfate.survival.rmst(ds) / 52  # mean lifetime within ten years
>>> table = years.to_dataframe()[["execution", "misalignment", "estimate", "se"]]
>>> print(table.round(2).to_string(index=False))
 execution  misalignment  estimate   se
      0.18          0.38      9.10 0.10
      0.51          0.90      6.75 0.15
      0.85          0.07      9.82 0.04
      0.46          0.58      8.29 0.12

Twice as many points: the same directory runs what is new, and the first four cells stay as they were.

>>> study = firmfate.Study.parse(text.replace("points = 4", "points = 8"))
>>> more = firmfate.run(study, into="runs/sequence", progress=False)
>>> again = firmfate.survival.rmst(more).estimate / 52
>>> again.sizes["cell"], bool((again[:4] == years.estimate).all())
(8, True)
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmfate.design.base import Points
from firmfate.design.ranges import RangedDesign
from firmfate.tables import reading
from firmfate.tables.schema import Schema


@dataclass(frozen=True)
class Sobol(RangedDesign):
    """The first points of Sobol's sequence."""

    scramble: bool = True

    kind = "sobol"
    called = "a scrambled Sobol sequence"
    summary = "the first points of a sequence that fills the ranges evenly"
    example = "[sobol]\npoints = 64\nexecution = [0, 1]\nmisalignment = [0, 1]\n"

    @classmethod
    def read_options(cls, written: Mapping[str, Any]) -> dict[str, Any]:
        """Read ``points`` and ``scramble``."""
        scramble = reading.flag(written.get("scramble", True), f"{cls.kind}.scramble")
        return {**super().read_options(written), "scramble": scramble}

    @classmethod
    def option_schemas(cls) -> dict[str, Schema]:
        """Return the schemas of ``points`` and ``scramble``."""
        return {**super().option_schemas(), "scramble": {"type": "boolean"}}

    def unit(self, random: np.random.Generator) -> Points:
        """Return the first points of the sequence, shape (points, axes); a power of two is best balanced."""
        from scipy.stats import qmc  # a second, which other designs need not wait for

        sequence = qmc.Sobol(len(self.axes), scramble=self.scramble, bits=30, rng=random)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a number that is no power of two
            found: Points = sequence.random(self.size)
        return found

    @property
    def words(self) -> str:
        """The design in a sentence."""
        words = super().words
        return words if self.scramble else words.replace("a scrambled Sobol", "a Sobol")
