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
