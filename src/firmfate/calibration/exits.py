"""The likelihood of counted exits by age, given the model's shares of them: normal in square roots of shares.

Square roots of shares have the same variance whatever the share: 1/(4 n) in a sample of n (a sphere, of which roots are
unit vectors; Bhattacharyya 1946). A model's shares are off those of the world by a misfit, which is taken as one more
sample, independent between ages, so that its survival is off by correlated amounts; what is known of the model's
shares is off by the error of an emulator, with a covariance of its own. Variances add:
1/(4 firms) + misfit^2 + error, along directions that keep the sum of shares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange

Floats = NDArray[np.float64]

ADDED = 0.25
"""Firms added to each count, so that roots of few are hardly biased."""

MISFITS = 32
"""Sizes of the misfit, evenly on the scale of its range, over which the likelihood is summed."""


def exits_of(table: SurvivalTable) -> Floats:
    """Return how many of a cohort leave between the ages of its table, and how many stay to the end, (ages + 1,).

    Raises
    ------
    EstimateError
        Where the number of firms is unknown, so that its sampling error is too.
    """
    if table.firms is None:
        raise EstimateError(
            f"{table.name}: a posterior needs numbers of firms, not only shares; give the column n_surviving"
        )
    return between_ages(np.rint(np.concatenate([[1.0], table.surviving]) * table.firms))


def between_ages(alive: Floats) -> Floats:
    """Return exits between ages, and firms alive at the last, of firms alive at ages from 0 on; all (..., ages + 1)."""
    return np.concatenate([-np.diff(alive), alive[..., -1:]], axis=-1)


def roots_of(exits: ArrayLike) -> Floats:
    """Return square roots of shares of exits, (..., ages + 1), unit vectors."""
    counted = np.asarray(exits, np.float64) + ADDED
    return np.asarray(np.sqrt(counted / counted.sum(axis=-1, keepdims=True)))


def error_of(emulated: Floats, simulated: Floats, firms: int) -> Floats:
    """Return the covariance of an emulator's roots, (ages + 1, ages + 1), less the simulation's own.

    Parameters
    ----------
    emulated, simulated : (points, ages + 1) array
        Roots at points that the emulator has not seen.
    firms : int
        Simulated at each.
    """
    off, ages = emulated - simulated, emulated.shape[1]
    found = off.T @ off / len(off) - np.eye(ages) / (4.0 * firms)
    # Of few points a covariance is known badly: it is drawn towards one that is the same in all directions.
    even = max(float(np.trace(found)), 0.0) / (ages - 1) * np.eye(ages)
    values, vectors = np.linalg.eigh((len(off) * found + ages * even) / (len(off) + ages))
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


class ExitLikelihood:
    """The likelihood of the exits of one table.

    Parameters
    ----------
    exits : (ages + 1,) array
        Counted, as `exits_of` returns them.
    misfit : ParameterRange
        Standard deviation of a share of one half: 0.01 is one percentage point of survival. Its prior is even on the
        scale of the range.
    error : (ages + 1, ages + 1) array
        Covariance of the roots of shares that will be given.
    """

    def __init__(self, exits: Floats, misfit: ParameterRange, error: Floats) -> None:
        observed = roots_of(exits)
        tangent = np.linalg.svd(observed[np.newaxis])[2][1:].T
        values, vectors = np.linalg.eigh(tangent.T @ error @ tangent)
        self.misfit = misfit
        self.sizes = np.array([misfit.value((place + 0.5) / MISFITS) for place in range(MISFITS)])
        self._axes = tangent @ vectors
        self._target = observed @ self._axes
        variance = np.maximum(values, 0.0) + 0.25 / exits.sum() + self.sizes[:, np.newaxis] ** 2
        self._precision, self._norm = 1.0 / variance.T, 0.5 * np.log(variance).sum(axis=1)

    def __call__(self, roots: Floats) -> Floats:
        """Return the log likelihood, summed over sizes of the misfit, (points,), up to a constant."""
        each = self._each(roots)
        top = each.max(axis=1, keepdims=True)
        found = top[:, 0] + np.log(np.exp(each - top).mean(axis=1))
        return np.asarray(np.where(np.isfinite(found), found, -np.inf))

    def misfits(self, roots: Floats, random: np.random.Generator) -> Floats:
        """Draw the size of the misfit of each point given its roots, (points,)."""
        each = self._each(roots)
        share = np.exp(each - each.max(axis=1, keepdims=True))
        share = np.cumsum(share / share.sum(axis=1, keepdims=True), axis=1)
        place = (random.uniform(size=(len(roots), 1)) > share).sum(axis=1).clip(0, MISFITS - 1)
        within = (place + random.uniform(size=len(roots))) / MISFITS
        return np.asarray([self.misfit.value(at) for at in within.tolist()])

    def _each(self, roots: Floats) -> Floats:
        off = (roots @ self._axes - self._target) ** 2
        return np.asarray(-0.5 * off @ self._precision - self._norm)


def draw_alive(
    roots: Floats, misfit: Floats, firms: int, random: np.random.Generator, *, error: Floats, between: float = 0.0
) -> Floats:
    """Draw the shares alive of cohorts that the model predicts, (points, ages).

    Parameters
    ----------
    roots : (points, ages + 1) array
    misfit : (points,) array
    firms : int
        Size of a cohort.
    random : numpy.random.Generator
    error : (ages + 1, ages + 1) array
        As of `ExitLikelihood`.
    between : float
        Variance between cohorts of one sector, as `between_cohorts` returns it, beside the misfit.
    """
    values, vectors = np.linalg.eigh(error)
    scale = np.sqrt(np.asarray(misfit)[:, np.newaxis] ** 2 + 0.25 * between)
    own = (random.standard_normal(roots.shape) * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    off = own + random.standard_normal(roots.shape) * scale
    off -= (off * roots).sum(axis=1, keepdims=True) * roots
    shares = np.maximum(roots + off, 0.0) ** 2
    exits = random.multinomial(firms, shares / shares.sum(axis=1, keepdims=True))
    return np.asarray(1.0 - np.cumsum(exits, axis=-1)[..., :-1] / firms)


def between_cohorts(tables: list[SurvivalTable]) -> float:
    """Estimate how much cohorts differ beyond chance: 1/concentration of their shares around common ones, at least 0.

    Pearson's statistic of homogeneity over its degrees of freedom is 1 + (firms - 1)/(concentration + 1) on average
    where shares of cohorts are Dirichlet (Brier 1980, Biometrika 67, 591-596); solved for the concentration.

    Parameters
    ----------
    tables : list of SurvivalTable
        Cohorts with the same ages, two or more.
    """
    exits = np.array([exits_of(table) for table in tables])
    firms = exits.sum(axis=1, keepdims=True)
    expected = firms * exits.sum(axis=0) / firms.sum()
    ratio = float(((exits - expected) ** 2 / expected).sum()) / ((len(exits) - 1) * (exits.shape[1] - 1))
    return float(max(0.0, (ratio - 1.0) / (float(firms.mean()) - ratio)))
