"""Points of the unit cube become values in the ranges of axes; and the generator that designs draw from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.randomness import DESIGN
from firmfate.study import Axis
from firmfate.study.reading import rounded


def generator(seed: int) -> np.random.Generator:
    """Return the generator of a study's designs: Philox, seeded by the study's seed and the stream of designs."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, DESIGN])))


def scale(unit: NDArray[np.float64], axes: tuple[Axis, ...]) -> NDArray[np.float64]:
    """Return points of the unit cube, shape (points, axes), as values within the axes' ranges, on their scales.

    Values are rounded to 12 significant digits, as all values of cells are.
    """
    found = np.empty_like(unit)
    for column, axis in enumerate(axes):
        low, high = axis.values
        spread = unit[:, column]
        values = low * (high / low) ** spread if axis.log else low + (high - low) * spread
        found[:, column] = [rounded(value) for value in np.clip(values, low, high).tolist()]
    return found
