"""Saltelli's layout for Sobol indices, by SALib: two matrices of points, and their columns exchanged one by one.

Cells stand in SALib's order, so its ``analyze.sobol`` reads an estimate by cell directly.
"""

from __future__ import annotations

import importlib

import numpy as np
from numpy.typing import NDArray

from firmfate.design.ranges import generator, scale
from firmfate.errors import StudyError
from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the points, shape (cells, axes): points x (axes + 2), or x (2 axes + 2) with second-order indices.

    Raises
    ------
    StudyError
        Where SALib is not installed.
    """
    try:
        sobol = importlib.import_module("SALib.sample.sobol")
    except ImportError:
        raise StudyError("[saltelli] needs SALib, which is not installed: pip install SALib") from None
    names = [axis.key for axis in layout.axes]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    unit = sobol.sample(
        problem, layout.options["points"], calc_second_order=layout.options["second_order"], seed=generator(seed)
    )
    return scale(unit, layout.axes)
