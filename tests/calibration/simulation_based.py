"""Simulation-based calibration: ranks of true values among draws of their posterior, and a test that they are even.

Talts et al. (2018), arXiv:1804.06788. Truth is drawn from the prior, a cohort from the truth and its misfit, a
posterior from the cohort; if all is right, the rank of the truth is even.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from firmfate.calibration import SimulatedSurvival, SurvivalTable, calibrate_posteriors
from firmfate.calibration.exits import draw_alive, roots_of

FREE = {"buffer_mean": (0.0, 1.5), "drift": (-0.5, 0.0)}
MISFIT = (0.01, 0.05, True)
STILL = {"execution": 0, "misalignment": 0, "buffer_sd": 0.8}
AGES = np.array([1.0, 2, 4, 7, 10])
FIRMS = 20_000
"""Size of a cohort."""

TRUTH = 50_000
"""Firms that say what the model's shares are; their error is a fifth of that of the likelihood's."""


def cohort(seed: int) -> tuple[dict[str, float], SurvivalTable]:
    """Return true values, and a cohort of the model with a misfit."""
    random = np.random.Generator(np.random.Philox(seed))
    simulated = SimulatedSurvival("car", AGES, FREE, parameters=STILL)
    unit = random.uniform(size=2)
    misfit = MISFIT[0] * (MISFIT[1] / MISFIT[0]) ** random.uniform()
    alive = simulated.curves([unit], firms=TRUTH, seed=10**6 + seed)[0]
    roots = roots_of(-np.diff(np.concatenate([[1.0], alive, [0.0]])) * TRUTH)
    own = draw_alive(roots[np.newaxis], np.array([misfit]), FIRMS, random, error=np.zeros((len(roots), len(roots))))
    table = SurvivalTable(AGES, own[0], firms=FIRMS, name=f"cohort {seed}")
    return {**simulated.values(unit), "misfit": misfit}, table


def ranks(seeds: range, *, narrow: float = 3.0, **options: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the share of draws below the truth by parameter, one a cohort.

    Beside it the same of draws that are too narrow by a factor: what the test must reject.
    """
    found: dict[str, list[float]] = {}
    spoiled: dict[str, list[float]] = {}
    truths, tables = zip(*map(cohort, seeds), strict=True)
    # Truth is drawn from the whole box, so that a second wave would be as wide as the first.
    given = {
        "points": 512,
        "firms": 4_000,
        "waves": 1,
        "particles": 64,
        "moves": 5,
        "checked": 4,
        "seed": seeds[0],
        **options,
    }
    trees = calibrate_posteriors("car", tables, FREE, parameters=STILL, misfit=MISFIT, **given)
    for truth, tree in zip(truths, trees, strict=True):
        for key, value in truth.items():
            drawn = tree["posterior"][key].values.ravel()
            found.setdefault(key, []).append(float((drawn < value).mean()))
            close = drawn.mean() + (drawn - drawn.mean()) / narrow
            spoiled.setdefault(key, []).append(float((close < value).mean()))
    first, second = ({key: np.array(rank) for key, rank in kept.items()} for kept in (found, spoiled))
    return first, second


def p_value(rank: np.ndarray, bins: int = 8) -> float:
    """Return the probability of ranks at least as uneven, by chi-squared over equal bins."""
    counted = np.histogram(rank, bins=bins, range=(0, 1 + 1e-9))[0]
    return float(stats.chisquare(counted).pvalue)


def power(cohorts: int, *, narrow: float = 1.0, shift: float = 0.0, level: float = 0.01) -> float:
    """Return how often the test rejects where posteriors are too narrow by a factor, or off by standard deviations."""
    random = np.random.Generator(np.random.Philox(1))
    truth = random.standard_normal((1_000, cohorts))
    rank = stats.norm.cdf(truth + shift, scale=1 / narrow)
    return float(np.mean([p_value(row) < level for row in rank]))
