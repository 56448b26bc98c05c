"""An emulator of simulated survival: shares of exits by age at any point of the box, in microseconds.

Kennedy & O'Hagan (2001), Journal of the Royal Statistical Society B 63, 425-464. What is emulated are square roots of
shares, whose sampling variance is 1/(4 firms) whatever the share; their principal components, of which those above the
noise are kept, are Gaussian processes. Points held out say how far off it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate.calibration.gaussian_process import GaussianProcess
from firmfate.errors import EstimateError

Floats = NDArray[np.float64]

HELD_OUT = 8
"""Of so many points one is held out, and says how far off the emulator is."""

ABOVE_NOISE = 1.3
"""Variance of a component, in variances of the noise, from which on it is emulated."""

FEWEST = 4
"""Points a free parameter, from which on an emulator can be made."""


class Emulator:
    """Shares of exits by age, learned from simulated ones.

    Parameters
    ----------
    cube : (points, free) array
        Points of the unit cube.
    exits : (points, ages + 1) array
        Simulated exits between ages, and firms alive at the end; NaN where nothing could be simulated.
    firms : int
        Simulated at each point.
    judged : (points,) array of bool, optional
        Points of which some are held out: those where the emulator will be used. All where not given.

    Attributes
    ----------
    free : int
    held : (held, ages + 1) array
        Emulated shares at points held out.
    held_exits : (held, ages + 1) array
        Simulated at the same points.

    Raises
    ------
    EstimateError
        Where too few points could be simulated.
    """

    def __init__(self, cube: Floats, exits: Floats, firms: int, judged: NDArray[np.bool_] | None = None) -> None:
        known = np.isfinite(exits).all(axis=1)
        if (count := int(known.sum())) < (least := FEWEST * HELD_OUT + FEWEST * cube.shape[1]):
            raise EstimateError(
                f"{count} of {len(cube)} points could be simulated, and an emulator of {cube.shape[1]} parameters "
                f"needs {least}; raise points, or narrow the ranges of the free parameters"
            )
        self.free = cube.shape[1]
        judged = np.ones(len(cube), bool) if judged is None else judged
        cube, exits, judged = cube[known], exits[known], judged[known]
        held = np.zeros(len(cube), bool)
        held[np.flatnonzero(judged)[::HELD_OUT]] = True
        roots = np.sqrt((exits + 0.25) / (firms + 0.25 * exits.shape[1]))
        learned = roots[~held]
        self._mean = learned.mean(axis=0)
        _, sizes, vectors = np.linalg.svd(learned - self._mean, full_matrices=False)
        noise = 0.25 / firms
        kept = max(1, int((sizes**2 / len(learned) > ABOVE_NOISE * noise).sum()))
        self._vectors = vectors[:kept]
        self._process = GaussianProcess(cube[~held], (learned - self._mean) @ self._vectors.T, noise)
        self.held, self.held_exits = self.shares(cube[held]), exits[held]

    def shares(self, cube: Floats) -> Floats:
        """Return the shares of exits between ages, and of firms alive at the end, (points, ages + 1)."""
        roots = np.maximum(self._process(cube) @ self._vectors + self._mean, 1e-3)
        found: Floats = roots**2
        return np.asarray(found / found.sum(axis=1, keepdims=True))
