"""Tempered sequential Monte Carlo: densities whose mass, modes and ridges are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from firmfate.calibration.sampling import sampled

RUNS = 8


def runs(log_density, free, *, particles=400, moves=6):
    found = []
    for run in range(RUNS):
        prior = np.random.Generator(np.random.Philox(run)).uniform(size=(8 * particles, free))
        found.append(
            sampled(log_density, prior, log_density(prior), particles=particles, moves=moves, seed=[3, run])
        )  # fmt: skip
    return found


def test_two_modes_keep_their_shares_and_the_evidence_is_known():
    sd, far = 0.04, stats.norm.logpdf

    def log_density(cube):
        left = far(cube, 0.25, sd).sum(axis=1) + np.log(0.3)
        right = far(cube, 0.75, sd).sum(axis=1) + np.log(0.7)
        return np.logaddexp(left, right)

    found = runs(log_density, 4)
    share = np.array([(run.cube[:, 0] > 0.5).mean() for run in found])
    evidence = np.array([run.log_evidence for run in found])
    for value, wanted in ((share, 0.7), (np.exp(evidence), 1.0)):
        assert abs(value.mean() - wanted) < 4 * value.std(ddof=1) / RUNS**0.5
        assert value.std(ddof=1) < 0.4
    # A step away is seen: half of the mass is not 0.7 of it.
    assert abs(share.mean() - 0.5) > 4 * share.std(ddof=1) / RUNS**0.5
    spread = np.array([run.cube[run.cube[:, 0] > 0.5].std(axis=0).mean() for run in found])
    assert spread.mean() == pytest.approx(sd, rel=0.05)
    assert min(run.powers for run in found) > 2


def test_a_curved_ridge_is_walked_to_its_ends_and_what_is_free_stays_even():
    def log_density(cube):
        return stats.norm.logpdf(cube[:, 1], 0.2 + 0.6 * cube[:, 0] ** 2, 0.01)

    cube = np.stack([run.cube for run in runs(log_density, 5)])
    assert np.std(cube[..., 1] - 0.2 - 0.6 * cube[..., 0] ** 2) == pytest.approx(0.01, rel=0.1)
    for place in (0, 2, 3, 4):
        own = cube[..., place].mean(axis=1)
        assert abs(own.mean() - 0.5) < 4 * own.std(ddof=1) / RUNS**0.5
        assert cube[..., place].std() == pytest.approx(12**-0.5, rel=0.05)
    assert np.quantile(cube[..., 0], [0.02, 0.98]) == pytest.approx([0.02, 0.98], abs=0.01)


def test_a_density_as_even_as_the_prior_takes_one_step():
    (run, *_) = runs(lambda cube: np.zeros(len(cube)), 2, particles=100, moves=1)
    assert (run.powers, run.log_evidence) == (1, 0.0)
