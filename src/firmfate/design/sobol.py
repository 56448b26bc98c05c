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
      0.18          0.38      8.72 0.11
      0.51          0.90      6.47 0.15
      0.85          0.07      9.69 0.06
      0.46          0.58      8.05 0.13

Twice as many points: the same directory runs what is new, and the first four cells stay as they were.

>>> study = firmfate.Study.parse(text.replace("points = 4", "points = 8"))
>>> more = firmfate.run(study, into="runs/sequence", progress=False)
>>> again = firmfate.survival.rmst(more).estimate / 52
>>> again.sizes["cell"], bool((again[:4] == years.estimate).all())
(8, True)
"""

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
