"""Simulation-based calibration: ranks of true values among draws of their posterior, and a test that they are even.

Talts et al. (2018), arXiv:1804.06788. Truth is drawn from the prior, a cohort from the truth and its misfit, a
posterior from the cohort; if all is right, the rank of the truth is even.
"""

from __future__ import annotations

import functools
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
    """Return the exact probability that chi-squared over equal bins is at least as large."""
    counted = np.histogram(rank, bins=bins, range=(0, 1 + 1e-9))[0]
    more, found = pairs(counted) - pairs(np.bincount(np.arange(rank.size) % bins)), tail(rank.size, bins)
    return float(found[min(more, found.size - 1)])


def pairs(counted: np.ndarray) -> int:
    """Return how many pairs share a bin: chi-squared grows with it, and with nothing else."""
    return int((counted * (counted - 1) // 2).sum())


@functools.cache
def tail(count: int, bins: int) -> np.ndarray:
    """Return the probabilities that at least so many pairs share one of equally likely bins, from the fewest on.

    Counts of bins are Poisson's, given their sum. The distribution of sum and pairs together is found by a Fourier
    transform, along both modulo a number that is more than their spread: what lies beyond is 0 but for rounding.
    """
    totals, spread = (1 << int(np.ceil(np.log2(times))) for times in (20 * count**0.5, 16 * count))
    each = np.arange(totals)
    weight, own = stats.poisson.pmf(each, count / bins), each * (each - 1) // 2
    turned = np.exp(2j * np.pi * each * count / totals)

    def at(frequencies: np.ndarray) -> np.ndarray:
        angle = np.outer(frequencies, own) % spread * (2 * np.pi / spread)
        return (np.fft.fft(weight * np.exp(-1j * angle)) ** bins * turned).mean(axis=1)

    transformed = np.concatenate([at(some) for some in np.array_split(np.arange(spread // 2 + 1), 16)])
    found = np.fft.irfft(transformed, spread) / stats.poisson.pmf(count, count)
    fewest = pairs(np.bincount(np.arange(count) % bins))
    return np.clip(np.cumsum(np.roll(found, -fewest)[::-1])[::-1], 0.0, 1.0)


def power(cohorts: int, *, narrow: float = 1.0, shift: float = 0.0, level: float = 0.01) -> float:
    """Return how often the test rejects where posteriors are too narrow by a factor, or off by standard deviations."""
    random = np.random.Generator(np.random.Philox(1))
    truth = random.standard_normal((1_000, cohorts))
    rank = stats.norm.cdf(truth + shift, scale=1 / narrow)
    return float(np.mean([p_value(row) < level for row in rank]))
