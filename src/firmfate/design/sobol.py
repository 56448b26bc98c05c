"""Sobol's sequence, scrambled by Owen's method: fills the ranges evenly; more points keep those that are there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from firmfate.design.ranges import generator, scale
from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the first points of the sequence, shape (cells, axes); a power of two is best balanced."""
    sequence = qmc.Sobol(len(layout.axes), scramble=layout.options["scramble"], bits=30, rng=generator(seed))
    unit = sequence.random_base2((layout.options["points"] - 1).bit_length())[: layout.options["points"]]
    return scale(unit, layout.axes)
