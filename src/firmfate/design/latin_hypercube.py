"""Latin hypercube: every axis is cut into as many equal slices as there are points, and every slice holds one point.

Adding points makes another hypercube: this design does not extend.
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
