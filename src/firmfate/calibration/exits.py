"""The likelihood of counted exits by age, given the model's shares of them: Dirichlet-multinomial.

A model's shares of exits by age are off those of the world by a misfit, and what is known of the model's shares, by an
emulator or a simulation of F firms, is off by an error. Both are taken as Dirichlet: shares around those given, with
the covariance of a multinomial of as many firms as the concentration. Variances add: 1/concentration = 1/(that of the
misfit) + error, which is 1/F of a simulation. The cohort is then a multinomial draw. (Dirichlet-multinomial: Mosimann
1962, Biometrika 49, 65-82.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.errors import EstimateError

Floats = NDArray[np.float64]

ADDED = 0.5
"""Firms added to each simulated count (Jeffreys), so that an age at which none of F firms has ended is not
impossible."""


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
    alive = np.rint(np.concatenate([[1.0], table.surviving]) * table.firms)
    return np.concatenate([-np.diff(alive), alive[-1:]])


def concentration(misfit: ArrayLike, error: float = 0.0) -> Floats:
    """Return the Dirichlet concentration for a misfit and an error of the shares.

    Parameters
    ----------
    misfit : array
        Standard deviation of a share of one half: 0.01 is one percentage point of survival.
    error : float
        That of the shares, as 1/concentration: the emulator's, or 1/F of F simulated firms.

    Examples
    --------
    >>> float(concentration(0.01).round()), float(concentration(0.01, 1 / 2_499).round(1))
    (2499.0, 1249.5)
    """
    own = 0.25 / np.square(np.asarray(misfit, dtype=np.float64)) - 1.0
    return np.asarray(1.0 / (1.0 / own + error))


def shares_of(exits: ArrayLike) -> Floats:
    """Return shares of simulated exits, (..., ages + 1), none of which is 0: half a firm is added to each count."""
    counted = np.asarray(exits, np.float64) + ADDED
    return np.asarray(counted / counted.sum(axis=-1, keepdims=True))


def log_likelihood(exits: ArrayLike, shares: ArrayLike, misfit: ArrayLike, error: float = 0.0) -> Floats:
    """Return log P(exits | shares, misfit) up to a term that depends on `exits` alone.

    Parameters
    ----------
    exits : (ages + 1,) array
        Counted, as `exits_of` returns them.
    shares : (..., ages + 1) array
        Emulated, or of simulated counts (`shares_of`); NaN where nothing could be simulated, which gives -inf.
    misfit : (...) array
    error : float
        As of `concentration`.
    """
    from scipy.special import gammaln

    exits = np.asarray(exits, np.float64)
    alpha = concentration(misfit, error)[..., np.newaxis] * np.asarray(shares, np.float64)
    total = alpha.sum(axis=-1)
    found = gammaln(total) - gammaln(total + exits.sum()) + (gammaln(alpha + exits) - gammaln(alpha)).sum(axis=-1)
    return np.asarray(np.where(np.isfinite(found), found, -np.inf))


def draw_alive(
    shares: ArrayLike,
    misfit: ArrayLike,
    firms: int,
    random: np.random.Generator,
    *,
    error: float = 0.0,
    between: float = 0.0,
) -> Floats:
    """Draw the shares alive of cohorts that the model predicts, (..., ages).

    Parameters
    ----------
    shares, misfit, error
        As of `log_likelihood`.
    firms : int
        Size of a cohort.
    random : numpy.random.Generator
    between : float
        Variance between cohorts of one sector, as `between_cohorts` returns it, beside the misfit.
    """
    drawn = _dirichlet(concentration(misfit, error)[..., np.newaxis] * np.asarray(shares, np.float64), random)
    if between > 0:
        drawn = _dirichlet(drawn / between, random)
    exits = random.multinomial(firms, drawn)
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


def _dirichlet(alpha: Floats, random: np.random.Generator) -> Floats:
    """Draw shares of the last axis; `numpy.random.Generator.dirichlet` takes one point at a time."""
    drawn = random.standard_gamma(np.maximum(alpha, 1e-300))
    found: Floats = drawn / drawn.sum(axis=-1, keepdims=True)
    return found
