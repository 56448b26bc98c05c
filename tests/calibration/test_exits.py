"""The likelihood of counted exits: an exact law where it is known, moments, and what it must refuse."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, of_mean, times

from firmfate.calibration import SurvivalTable, read_survival_table
from firmfate.calibration.exits import (
    ExitLikelihood,
    between_cohorts,
    draw_alive,
    error_of,
    exits_of,
    roots_of,
)
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange

COUNTED = np.array([400.0, 300.0, 100.0, 1200.0])
NONE = np.zeros((4, 4))


def test_likelihood_is_that_of_the_multinomial_where_firms_are_many():
    exits = 100 * COUNTED
    near = exits + np.array([[0, 0, 0, 0], [150, -90, 60, -120], [-80, 100, -30, 10]])
    likelihood = ExitLikelihood(exits, ParameterRange(1e-6, 2e-6, log=True), NONE)
    found = likelihood(roots_of(near))
    wanted = [stats.multinomial(int(exits.sum()), row / row.sum()).logpmf(exits) for row in near]
    assert found - found[0] == pytest.approx(np.array(wanted) - wanted[0], rel=0.03)
    # An error of the roots as large as the sampling's halves the exponent.
    doubled = ExitLikelihood(exits, ParameterRange(1e-6, 2e-6, log=True), np.eye(4) / (4 * exits.sum()))
    wide = doubled(roots_of(near))
    assert wide - wide[0] == pytest.approx((found - found[0]) / 2, rel=1e-4)


def test_likelihood_is_summed_over_sizes_of_the_misfit_and_draws_them():
    likelihood = ExitLikelihood(100 * COUNTED, ParameterRange(0.001, 0.05, log=True), NONE)
    other = roots_of([[440.0, 300, 100, 1160], [400, 300, 100, 1200]])
    each = []
    for size in likelihood.sizes:
        alone = ExitLikelihood(100 * COUNTED, ParameterRange(size, size * (1 + 1e-9), log=True), NONE)
        each.append(np.exp(alone(other)))
    assert likelihood(other) == pytest.approx(np.log(np.mean(each, axis=0)), rel=1e-6)
    random = np.random.Generator(np.random.Philox(2))
    drawn = likelihood.misfits(np.repeat(other, 4_000, axis=0), random).reshape(2, 4_000)
    weight = np.array(each) / np.sum(each, axis=0)
    for place in (0, 1):
        mean = float(weight[:, place] @ likelihood.sizes)
        assert drawn[place].mean() == pytest.approx(mean, rel=0.03)
    assert drawn[0].mean() > 2 * drawn[1].mean()


def test_the_covariance_of_an_emulator_is_found_again():
    random = np.random.Generator(np.random.Philox(3))
    roots = roots_of(COUNTED)
    tangent = np.linalg.svd(roots[np.newaxis])[2][1:].T
    wanted = tangent @ np.diag([4e-4, 1e-4, 0]) @ tangent.T
    true = roots + random.multivariate_normal(np.zeros(4), wanted, size=4_000, method="eigh")
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    simulated = roots_of(random.multinomial(2_000, true**2))
    found = error_of(np.tile(roots, (4_000, 1)), simulated, 2_000)
    assert np.diag(tangent.T @ found @ tangent) == pytest.approx([4e-4, 1e-4, 0], abs=3e-5)


def test_what_cannot_be_simulated_is_impossible_and_an_age_without_exits_is_not():
    likelihood = ExitLikelihood(np.array([41.0, 28, 7, 124]), ParameterRange(0.01, 0.02), NONE)
    found = likelihood(roots_of([COUNTED, np.full(4, np.nan), [400, 0, 400, 1200]]))
    assert np.isneginf(found).tolist() == [False, True, False]
    assert found[0] > found[2]


def test_predicted_cohorts_scatter_by_misfit_emulator_and_sampling():
    random = np.random.Generator(np.random.Philox(4))
    roots = np.tile(roots_of(COUNTED), (20_000, 1))
    alive = 1 - np.cumsum(roots[0] ** 2)[:-1]
    drawn = draw_alive(roots, np.full(20_000, 0.02), 3_000, random, error=np.eye(4) * 0.01**2)
    sd = 2 * np.sqrt(alive * (1 - alive) * (0.25 / 3_000 + 0.02**2 + 0.01**2))
    assert drawn.mean(axis=0) == pytest.approx(alive, abs=0.003)
    assert drawn.std(axis=0) == pytest.approx(sd, rel=0.03)
    # Sampling alone would scatter by less than half of it.
    assert (np.sqrt(alive * (1 - alive) / 3_000) < 0.5 * drawn.std(axis=0)).all()
    wider = draw_alive(roots, np.full(20_000, 0.02), 3_000, random, error=np.eye(4) * 0.01**2, between=0.01)
    assert (wider.std(axis=0) > 1.5 * drawn.std(axis=0)).all()


@pytest.mark.bounded(power=0.99, against="a variance that is off by a fifth; where there is none, one of 1/5000")
@pytest.mark.parametrize("between", [0.0, 1 / 200, 1 / 2000])
def test_the_variance_between_cohorts_is_found_again(between, bounded: Bounded):
    shares, repetitions = COUNTED / COUNTED.sum(), 300

    @functools.cache
    def found(sample):
        random, each = np.random.Generator(np.random.Philox(8 + sample)), []
        for _ in range(repetitions * times(sample)):
            own = random.dirichlet(shares / between, size=8) if between else np.tile(shares, (8, 1))
            exits = random.multinomial(5_000, own)
            alive = 1 - np.cumsum(exits, axis=1)[:, :-1] / 5_000
            each.append(between_cohorts([SurvivalTable(np.array([1.0, 2, 3]), row, firms=5_000) for row in alive]))
        return np.array(each)

    # Cut off at 0, so that without a variance the mean is a little above it.
    bias, off = (0.0, between / 5) if between else (1e-4, 1 / 5_000)
    assert not bounded.refuses(lambda sample: of_mean(found(sample), between, bias))
    assert bounded.refuses(lambda sample: of_mean(found(sample), between + off, bias))
    bounded.sees(chance_of_deviation((off - bias) / found(0).std(ddof=1) * repetitions**0.5, repetitions - 1))


def test_exits_add_up_to_the_cohort_and_need_its_size():
    table = read_survival_table(series="BLS_BED_total_private", cohort="1994-03")
    exits = exits_of(table)
    assert exits.sum() == 569_419
    assert exits[[0, -1]].tolist() == [569_419 - 453_134, 102_360]
    with pytest.raises(EstimateError, match="needs numbers of firms, not only shares"):
        exits_of(read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03"))
