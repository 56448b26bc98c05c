"""Grid: every combination of the axes' values, the first axis slowest.

An axis is a list, or a range filled evenly on a linear or a log scale. Times may carry units, and one division can be
an axis of its own. A grid that grows runs its new cells alone.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "delays"
... years = "10 years"
... replicates = 400
...
... [grid]
... execution = [0.1, 0.9]
... "misalignment.sales" = [0, 1]
... correct_time = { from = "13 weeks", to = "4 years", points = 3, scale = "log" }
... ''')
>>> ds = firmfate.run(study, into="runs/delays", progress=False)
>>> ds.firms.dims, ds.correct_time.values
(('execution', 'misalignment_sales', 'correct_time'), array([ 13.,  52., 208.]))
>>> years = firmfate.survival.rmst(ds).estimate / 52  # mean lifetime within ten years
>>> years.sel(misalignment_sales=1).values.round(1)  # execution x correct_time
array([[8.6, 8.5, 8.4],
       [8.4, 6.8, 5.9]])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the values of the axes in every cell, shape (cells, axes); nothing is drawn."""
    mesh = np.meshgrid(*(np.array(axis.values) for axis in layout.axes), indexing="ij")
    return np.stack([values.ravel() for values in mesh], axis=-1)
