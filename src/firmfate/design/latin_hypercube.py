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
      0.12          0.72         62.61      8.42 0.11
      0.49          0.54        190.64      7.94 0.12
      0.69          0.04        116.16      9.59 0.06
      0.92          0.96         28.37      5.29 0.15
      0.26          0.25         14.67      8.95 0.10
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import qmc

from firmfate.design.ranges import generator, scale
from firmfate.study import Layout

CANDIDATES = 50


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the points, shape (cells, axes).

    ``optimise = "maximin"`` takes, of 50 hypercubes, the one whose nearest points are farthest apart (Johnson, Moore &
    Ylvisaker 1990); ``"discrepancy"`` exchanges coordinates until the centred discrepancy is low (``random-cd``).
    """
    count, optimise = layout.options["points"], layout.options["optimise"]
    drawn = generator(seed)
    sampler = qmc.LatinHypercube(
        len(layout.axes), rng=drawn, optimization="random-cd" if optimise == "discrepancy" else None
    )
    tried = (sampler.random(count) for _ in range(CANDIDATES if optimise == "maximin" else 1))
    return scale(max(tried, key=separation), layout.axes)


def separation(unit: NDArray[np.float64]) -> float:
    """Return the distance of the two nearest points."""
    return float(cKDTree(unit).query(unit, k=2)[0][:, 1].min())
