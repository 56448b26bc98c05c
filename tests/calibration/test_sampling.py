"""Tempered sequential Monte Carlo: densities whose mass, modes and ridges are known."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, of_mean, times

from firmfate.calibration.sampling import sampled

RUNS = 16


def runs(log_density, free, *, sample=0, particles=200, moves=6):
    found = []
    for run in range(1_000 * sample, 1_000 * sample + RUNS * times(sample)):
        prior = np.random.Generator(np.random.Philox(run)).uniform(size=(8 * particles, free))
        found.append(
            sampled(log_density, prior, log_density(prior), particles=particles, moves=moves, seed=[3, run])
        )  # fmt: skip
    return found


@pytest.mark.bounded(power=0.95, against="a share of 0.5 in place of 0.7, or an evidence that is off by a quarter")
def test_two_modes_keep_their_shares_and_the_evidence_is_known(bounded: Bounded):
    sd, far = 0.04, stats.norm.logpdf

    def log_density(cube):
        left = far(cube, 0.25, sd).sum(axis=1) + np.log(0.3)
        right = far(cube, 0.75, sd).sum(axis=1) + np.log(0.7)
        return np.logaddexp(left, right)

    found = functools.cache(lambda sample: runs(log_density, 4, sample=sample))

    def shares_and_evidence(sample):
        return np.array([((run.cube[:, 0] > 0.5).mean(), np.exp(run.log_evidence)) for run in found(sample)])

    assert not bounded.refuses(lambda sample: of_mean(shares_and_evidence(sample), [0.7, 1.0]))
    assert bounded.refuses(lambda sample: of_mean(shares_and_evidence(sample), [0.3, 1.0]))
    errors = shares_and_evidence(0).std(axis=0, ddof=1)
    assert (errors < 0.4).all()
    for off, error in zip((0.2, 0.25), errors, strict=True):
        bounded.sees(chance_of_deviation(off / error * RUNS**0.5, RUNS - 1), 2)
    found = found(0)
    spread = np.array([run.cube[run.cube[:, 0] > 0.5].std(axis=0).mean() for run in found])
    assert spread.mean() == pytest.approx(sd, rel=0.05)
    assert min(run.powers for run in found) > 2


@pytest.mark.bounded(power=0.9, against="a mean that is off by a tenth of the range")
def test_a_curved_ridge_is_walked_to_its_ends_and_what_is_free_stays_even(bounded: Bounded):
    def log_density(cube):
        return stats.norm.logpdf(cube[:, 1], 0.2 + 0.6 * cube[:, 0] ** 2, 0.01)

    @functools.cache
    def cubes(sample):
        return np.stack([run.cube for run in runs(log_density, 5, sample=sample)])

    even = [0, 2, 3, 4]
    assert not bounded.refuses(lambda sample: of_mean(cubes(sample)[..., even].mean(axis=1), 0.5))
    assert bounded.refuses(lambda sample: of_mean(cubes(sample)[..., even].mean(axis=1), 0.6))
    error = cubes(0)[..., even].mean(axis=1).std(axis=0, ddof=1).max()
    bounded.sees(chance_of_deviation(0.1 / error * RUNS**0.5, RUNS - 1), len(even))
    cube = cubes(0)
    assert np.std(cube[..., 1] - 0.2 - 0.6 * cube[..., 0] ** 2) == pytest.approx(0.01, rel=0.1)
    for place in even:
        assert cube[..., place].std() == pytest.approx(12**-0.5, rel=0.05)
    assert np.quantile(cube[..., 0], [0.02, 0.98]) == pytest.approx([0.02, 0.98], abs=0.01)


def test_a_density_as_even_as_the_prior_takes_one_step():
    (run, *_) = runs(lambda cube: np.zeros(len(cube)), 2, particles=100, moves=1)
    assert (run.powers, run.log_evidence) == (1, 0.0)
