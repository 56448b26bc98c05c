"""The likelihood of counted exits by age, given simulated ones: Dirichlet-multinomial.

A model's shares of exits by age are off those of the world by a misfit, and a simulation of F firms knows them up to
its own error. Both are taken as Dirichlet: shares around those simulated, with the covariance of a multinomial of as
many firms as the concentration. A multinomial of F firms has that covariance too, so variances add: 1/concentration =
1/(that of the misfit) + 1/F. The cohort is then a multinomial draw. (Dirichlet-multinomial: Mosimann 1962, Biometrika
49, 65-82.)
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


def concentration(misfit: ArrayLike, firms: int) -> Floats:
    """Return the Dirichlet concentration for a misfit and a number of simulated firms.

    Parameters
    ----------
    misfit : array
        Standard deviation of a share of one half: 0.01 is one percentage point of survival.
    firms : int
        Simulated firms.

    Examples
    --------
    >>> float(concentration(0.01, 10**9).round()), float(concentration(0.01, 2_499).round(1))
    (2499.0, 1249.5)
    """
    own = 0.25 / np.square(np.asarray(misfit, dtype=np.float64)) - 1.0
    return np.asarray(1.0 / (1.0 / own + 1.0 / firms))


def log_likelihood(exits: ArrayLike, simulated: ArrayLike, misfit: ArrayLike) -> Floats:
    """Return log P(exits | simulated exits, misfit) up to a term that depends on `exits` alone.

    Parameters
    ----------
    exits : (ages + 1,) array
        Counted, as `exits_of` returns them.
    simulated : (..., ages + 1) array
        Simulated counts; NaN where nothing could be simulated, which gives -inf.
    misfit : (...) array
        As of `concentration`.
    """
    from scipy.special import gammaln

    exits, simulated = np.asarray(exits, np.float64), np.asarray(simulated, np.float64)
    alpha = _alpha(simulated, misfit)
    total = alpha.sum(axis=-1)
    found = gammaln(total) - gammaln(total + exits.sum()) + (gammaln(alpha + exits) - gammaln(alpha)).sum(axis=-1)
    return np.asarray(np.where(np.isfinite(found), found, -np.inf))


def draw_alive(
    simulated: ArrayLike, misfit: ArrayLike, firms: int, random: np.random.Generator, *, between: float = 0.0
) -> Floats:
    """Draw the shares alive of cohorts that the model predicts, (..., ages).

    Parameters
    ----------
    simulated, misfit
        As of `log_likelihood`.
    firms : int
        Size of a cohort.
    random : numpy.random.Generator
    between : float
        Variance between cohorts of one sector, as `between_cohorts` returns it, beside the misfit.
    """
    shares = _dirichlet(_alpha(np.asarray(simulated, np.float64), misfit), random)
    if between > 0:
        shares = _dirichlet(shares / between, random)
    exits = random.multinomial(firms, shares)
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


def _alpha(simulated: Floats, misfit: ArrayLike) -> Floats:
    firms = simulated.sum(axis=-1)
    shares = (simulated + ADDED) / (firms + ADDED * simulated.shape[-1])[..., np.newaxis]
    known = np.where(np.isfinite(firms), firms, 1.0)
    own = 0.25 / np.square(np.asarray(misfit, dtype=np.float64)) - 1.0
    found: Floats = (1.0 / (1.0 / own + 1.0 / known))[..., np.newaxis] * shares
    return found


def _dirichlet(alpha: Floats, random: np.random.Generator) -> Floats:
    """Draw shares of the last axis; `numpy.random.Generator.dirichlet` takes one point at a time."""
    drawn = random.standard_gamma(np.maximum(alpha, 1e-300))
    found: Floats = drawn / drawn.sum(axis=-1, keepdims=True)
    return found
