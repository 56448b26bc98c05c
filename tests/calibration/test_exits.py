"""The likelihood of counted exits: an exact law where it is known, moments, and what it must refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from firmfate.calibration import SurvivalTable, read_survival_table
from firmfate.calibration.exits import (
    between_cohorts,
    concentration,
    draw_alive,
    exits_of,
    log_likelihood,
    shares_of,
)
from firmfate.errors import EstimateError

SIMULATED = np.array([400.0, 300.0, 100.0, 1200.0])
ERROR = 1 / 2_000
"""That of 2,000 simulated firms."""


def test_likelihood_is_scipys_dirichlet_multinomial():
    exits = np.array([41, 28, 7, 124])
    shares = (SIMULATED + 0.5) / (SIMULATED.sum() + 2)
    assert shares_of(SIMULATED) == pytest.approx(shares)
    for misfit in (0.002, 0.01, 0.04):
        law = stats.dirichlet_multinomial(concentration(misfit, ERROR) * shares, exits.sum())
        other = stats.dirichlet_multinomial(concentration(0.02, ERROR) * shares[::-1], exits.sum())
        wanted = law.logpmf(exits) - other.logpmf(exits)
        found = log_likelihood(exits, shares, misfit, ERROR) - log_likelihood(exits, shares[::-1], 0.02, ERROR)
        assert float(found) == pytest.approx(wanted, rel=1e-9)


def test_variances_of_misfit_and_simulation_add():
    assert float(concentration(0.01)) == pytest.approx(2499)
    assert 1 / float(concentration(0.01, 1 / 500)) == pytest.approx(1 / 2499 + 1 / 500)


def test_without_misfit_and_noise_it_is_the_multinomial():
    many, exits = SIMULATED / SIMULATED.sum(), np.array([41, 28, 7, 124])
    found = log_likelihood(exits, many, 1e-5) - log_likelihood(exits, many[::-1], 1e-5)
    shares = SIMULATED / SIMULATED.sum()
    wanted = stats.multinomial(200, shares).logpmf(exits) - stats.multinomial(200, shares[::-1]).logpmf(exits)
    assert float(found) == pytest.approx(wanted, abs=1e-3)


def test_what_cannot_be_simulated_is_impossible_and_an_age_without_exits_is_not():
    simulated = shares_of([SIMULATED, np.full(4, np.nan), [400, 0, 400, 1200]])
    found = log_likelihood([41, 28, 7, 124], simulated, np.full(3, 0.01))
    assert np.isneginf(found).tolist() == [False, True, False]
    assert found[0] > found[2]


def test_predicted_cohorts_scatter_by_misfit_simulation_and_sampling():
    random = np.random.Generator(np.random.Philox(4))
    shares = np.broadcast_to(shares_of(SIMULATED), (20_000, 4))
    drawn = draw_alive(shares, np.full(20_000, 0.02), 300, random, error=ERROR)
    alive = 1 - np.cumsum(SIMULATED + 0.5)[:-1] / 2002
    scale = (300 / float(concentration(0.02, ERROR)) + 1) / (1 + 1 / float(concentration(0.02, ERROR)))
    sd = np.sqrt(alive * (1 - alive) / 300 * scale)
    error = sd / np.sqrt(20_000)
    assert (np.abs(drawn.mean(axis=0) - alive) < 5 * error).all()
    assert drawn.std(axis=0) == pytest.approx(sd, rel=5 / np.sqrt(40_000))
    # Sampling alone would scatter by less than half of it.
    assert (np.sqrt(alive * (1 - alive) / 300) < 0.8 * drawn.std(axis=0)).all()
    wider = draw_alive(shares, np.full(20_000, 0.02), 300, random, error=ERROR, between=0.01)
    assert (wider.std(axis=0) > 1.2 * drawn.std(axis=0)).all()


@pytest.mark.parametrize("between", [0.0, 1 / 200, 1 / 2000])
def test_the_variance_between_cohorts_is_found_again(between):
    random = np.random.Generator(np.random.Philox(8))
    shares, found = SIMULATED / SIMULATED.sum(), []
    for _ in range(300):
        own = random.dirichlet(shares / between, size=8) if between else np.tile(shares, (8, 1))
        exits = random.multinomial(5_000, own)
        alive = 1 - np.cumsum(exits, axis=1)[:, :-1] / 5_000
        found.append(between_cohorts([SurvivalTable(np.array([1.0, 2, 3]), row, firms=5_000) for row in alive]))
    error = np.std(found) / np.sqrt(len(found))
    # Cut off at 0, so that without a variance the mean is a little above it.
    assert abs(np.mean(found) - between) < 5 * error + (1e-4 if between == 0 else 0)


def test_exits_add_up_to_the_cohort_and_need_its_size():
    table = read_survival_table(series="BLS_BED_total_private", cohort="1994-03")
    exits = exits_of(table)
    assert exits.sum() == 569_419
    assert exits[[0, -1]].tolist() == [569_419 - 453_134, 102_360]
    with pytest.raises(EstimateError, match="needs numbers of firms, not only shares"):
        exits_of(read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03"))
