"""Latin hypercube: every axis is cut into as many equal slices as there are points, and every slice holds one point.

Adding points makes another hypercube: this design does not extend.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "hypercube"
... years = 10
... replicates = 500
...
... [latin_hypercube]
... points = 5
... optimise = "maximin"
... execution = [0, 1]
... misalignment = [0, 1]
... correct_time = { from = "13 weeks", to = "4 years", scale = "log" }
... ''')
>>> ds = firmfate.run(study, into="runs/hypercube", progress=False)
>>> years = firmfate.survival.rmst(ds) / 52  # mean lifetime within ten years
>>> table = years.to_dataframe()[["execution", "misalignment", "correct_time", "estimate", "se"]]
>>> print(table.round(2).to_string(index=False))
 execution  misalignment  correct_time  estimate   se
      0.12          0.72         62.61      8.87 0.10
      0.49          0.54        190.64      8.21 0.11
      0.69          0.04        116.16      9.77 0.05
      0.92          0.96         28.37      5.28 0.14
      0.26          0.25         14.67      9.29 0.08
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmfate.design.base import Points
from firmfate.design.ranges import RangedDesign
from firmfate.errors import did_you_mean
from firmfate.tables import reading
from firmfate.tables.reading import refuse
from firmfate.tables.schema import Schema

OPTIMISED = ("maximin", "discrepancy", "none")
CANDIDATES = 50
MOST_EXCHANGED = 2_000
"""Points up to which exchanging coordinates takes seconds."""


@dataclass(frozen=True)
class LatinHypercube(RangedDesign):
    """One point in every slice of every axis.

    ``optimise = "maximin"`` takes, of 50 hypercubes, the one whose nearest points are farthest apart (Johnson, Moore &
    Ylvisaker 1990); ``"discrepancy"`` exchanges coordinates until the centred discrepancy is low (``random-cd``).
    """

    optimise: str = "maximin"

    kind = "latin_hypercube"
    called = "a Latin hypercube"
    summary = "points in ranges, one in every slice of every axis"
    example = "[latin_hypercube]\npoints = 40\nexecution = [0, 1]\nmisalignment = [0, 1]\n"
    extends = False

    @classmethod
    def read_options(cls, written: Mapping[str, Any]) -> dict[str, Any]:
        """Read ``points`` and ``optimise``."""
        found = super().read_options(written)
        optimise = reading.text(written.get("optimise", "maximin"), f"{cls.kind}.optimise")
        if optimise not in OPTIMISED:
            hint = did_you_mean(optimise, OPTIMISED)
            refuse(f"{cls.kind}.optimise", optimise, f"must be one of {', '.join(OPTIMISED)}{hint}")
        if optimise == "discrepancy" and found["size"] > MOST_EXCHANGED:
            refuse(f"{cls.kind}.points", found["size"], f'at most {MOST_EXCHANGED:,} with optimise = "discrepancy"')
        return {**found, "optimise": optimise}

    @classmethod
    def option_schemas(cls) -> dict[str, Schema]:
        """Return the schemas of ``points`` and ``optimise``."""
        return {**super().option_schemas(), "optimise": {"enum": list(OPTIMISED)}}

    def unit(self, random: np.random.Generator) -> Points:
        """Return the points, shape (points, axes)."""
        from scipy.stats import qmc  # a second, which other designs need not wait for

        exchange = "random-cd" if self.optimise == "discrepancy" else None
        sampler = qmc.LatinHypercube(len(self.axes), rng=random, optimization=exchange)
        tried = (sampler.random(self.size) for _ in range(CANDIDATES if self.optimise == "maximin" else 1))
        return max(tried, key=separation)


def separation(unit: Points) -> float:
    """Return the distance of the two nearest points."""
    from scipy.spatial import cKDTree

    return float(cKDTree(unit).query(unit, k=2)[0][:, 1].min())
