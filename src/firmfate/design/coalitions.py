"""Coalitions: every subset of a set of axes switched on, the rest off; what Shapley's values are computed from.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "who"
... years = 10
... replicates = 400
...
... [coalitions]
... "misalignment.sales" = { off = 0, on = 1 }
... "misalignment.quality" = { off = 0, on = 1 }
... "misalignment.finance" = { off = 0, on = 1 }
...
... [parameters]
... execution = 0.9
... ''')
>>> ds = firmfate.run(study, into="runs/who", progress=False)
>>> years = firmfate.survival.rmst(ds).estimate / 52
>>> years.values.round(1)  # nobody, sales, quality, both, finance, finance and sales, finance and quality, all
array([9.6, 7.6, 9.1, 6.2, 8.6, 7. , 6.5, 4.5])
>>> from firmfate.sensitivity import shapley
>>> lost = shapley(ds).sel(share="shapley")
>>> dict(zip(lost.player.values.tolist(), lost.estimate.values.round(1).tolist()))  # years of life
{'sales': 2.1, 'quality': 1.6, 'finance': 1.4}
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.study import Layout


def members(axes: int) -> NDArray[np.bool_]:
    """Return who is in each coalition, shape (2**axes, axes): coalition c has axis i where bit i of c is set."""
    return (np.arange(1 << axes)[:, np.newaxis] >> np.arange(axes) & 1).astype(bool)


def points(layout: Layout, seed: int) -> NDArray[np.float64]:
    """Return the value of every axis in every coalition, shape (cells, axes); nothing is drawn."""
    off, on = np.array([axis.values for axis in layout.axes]).T
    found: NDArray[np.float64] = np.where(members(len(layout.axes)), on, off)
    return found
