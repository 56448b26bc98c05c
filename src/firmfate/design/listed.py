"""List: the cells as the study gives them, one by one or in a CSV file; a study without a design is one cell.

All cells name the same parameters; a list that grows runs its new cells alone.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "three-firms"
... years = 10
... replicates = 500
...
... [[cells]]
... execution = 0.2
... misalignment = 1
...
... [[cells]]
... execution = 0.9
... misalignment = 0
...
... [[cells]]
... execution = 0.9
... misalignment = 1
... ''')
>>> ds = firmfate.run(study, into="runs/three-firms", progress=False)
>>> alive = firmfate.survival.kaplan_meier(ds).sel(week=260)  # after five years
>>> table = alive.to_dataframe()[["execution", "misalignment", "estimate", "se"]]
>>> print(table.round(3).to_string(index=False))
 execution  misalignment  estimate    se
       0.2           1.0     0.768 0.019
       0.9           0.0     0.982 0.006
       0.9           1.0     0.182 0.017

The same cells from a file beside the study; times may carry units there too:

>>> from pathlib import Path
>>> _ = Path("cells.csv").write_text("execution,correct_time\\n0.9,13 weeks\\n0.9,2 years\\n")
>>> study = firmfate.Study.parse('''
... cells = "cells.csv"
...
... [study]
... name = "from-a-file"
... years = 10
... replicates = 500
...
... [parameters]
... misalignment = 1
... ''')
>>> ds = firmfate.run(study, into="runs/from-a-file", progress=False)
>>> alive = firmfate.survival.kaplan_meier(ds).sel(week=260)
>>> table = alive.to_dataframe()[["execution", "correct_time", "estimate", "se"]]
>>> print(table.round(3).to_string(index=False))
 execution  correct_time  estimate    se
       0.9          13.0     0.548 0.022
       0.9         104.0     0.082 0.012
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the values of the axes in every cell, shape (cells, axes); nothing is drawn."""
    if not layout.axes:
        return np.empty((1, 0))
    return np.array([axis.values for axis in layout.axes]).T
