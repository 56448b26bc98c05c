"""Estimates agree with probabilities that are known, their errors with how they vary; wrong copies do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import firmfate
from firmfate import rare_event_probability
from firmfate.splitting import RareEvent, runs

from .laws import GAMBLER, cars, crash_of_many, mean_of, near, ruin

DISTANT = 4.0
"""Standard errors that are allowed."""


def off(found: RareEvent, truth: float) -> float:
    """Return how far an estimate is off, in standard errors."""
    return (found.probability - truth) / found.standard_error


def test_one_in_a_million() -> None:
    found = cars(1e-6, firms=300)
    assert abs(off(found, 1e-6)) < DISTANT
    assert found.relative_error < 0.1
    assert found.lower < 1e-6 < found.upper
    factor = np.exp(2.0395 * found.relative_error)  # Student's t with 31 degrees of freedom
    assert (found.lower, found.upper) == pytest.approx(
        (found.probability / factor, found.probability * factor), rel=1e-4
    )
    assert found.plain_firm_steps > 1000 * (found.firm_steps + found.pilot_firm_steps)
    assert np.prod(found.shares) == pytest.approx(found.probability, rel=0.2)  # the mean of products, product of means
    assert ((found.shares[:-1] > 0.1) & (found.shares[:-1] < 0.35)).all()


@pytest.mark.slow
def test_the_law_is_that_of_the_model() -> None:
    """Where simulation firm by firm can show it: a crash in a hundred."""
    parameters = {"buffer_mean": mean_of(0.01, 0.5), "buffer_sd": 0.5}
    firms = firmfate.simulate("car", misalignment=0, parameters=parameters, weeks=520, replicates=100_000)
    share = float((firms.cause == 1).mean())
    assert abs(share - 0.01) < DISTANT * np.sqrt(0.01 * 0.99 / 100_000)


def test_one_of_two_causes_and_importances_that_are_integers() -> None:
    truth = ruin(9, 0.8, 100)
    assert truth < 1e-5
    found = rare_event_probability(GAMBLER, importance="-coins", cause="ruin", weeks=100, firms=500, threads=1)
    assert abs(off(found, truth)) < DISTANT
    assert set(found.levels) <= set(range(-11, 0))
    same = rare_event_probability(GAMBLER, importance="-share", cause="ruin", weeks=100, firms=500, threads=1)
    assert same.estimates.tolist() == found.estimates.tolist()


def test_no_levels_are_plain_simulation() -> None:
    found = cars(0.02, "-distance", levels=(), firms=500, runs=20)
    binomial = np.sqrt(0.02 * 0.98 / 10_000)
    assert abs(found.probability - 0.02) < DISTANT * binomial
    assert found.standard_error == pytest.approx(binomial, rel=0.6)
    assert 0.3 < found.plain_firm_steps / found.firm_steps < 3


def test_levels_that_all_firms_begin_above_take_no_steps() -> None:
    plain, levels = (cars(0.2, "-distance", levels=levels, firms=200, runs=4) for levels in ((), (-100, -90)))
    assert levels.shares[:2].tolist() == [1, 1]
    assert levels.firm_steps == pytest.approx(plain.firm_steps, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probability", "sd", "importance"), [(1e-8, 0.0, near), (1e-8, 0.0, "-distance"), (1e-6, 0.3, near)]
)
def test_rarer_and_of_many_distances(probability: float, sd: float, importance: Any) -> None:
    assert crash_of_many(mean_of(probability, sd), sd) == pytest.approx(probability)
    found = cars(probability, importance, sd=sd, firms=4000, seed=2)
    assert abs(off(found, probability)) < DISTANT
    assert found.relative_error < 0.15


def repeated(probability: float, repetitions: int, **more: Any) -> tuple[float, float, float]:
    """Return coverage of the limits, the spread of estimates over the stated error, and the mean's deviation."""
    found = [cars(probability, seed=seed, **more) for seed in range(repetitions)]
    estimates = np.array([one.probability for one in found])
    stated = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    covered = np.mean([one.lower <= probability <= one.upper for one in found])
    spread = estimates.std(ddof=1)
    return float(covered), float(spread / stated), float((estimates.mean() - probability) / spread * repetitions**0.5)


def check_repeated(found: tuple[float, float, float], repetitions: int) -> None:
    """Within four standard errors: of a binomial share, of a standard deviation, of a mean."""
    covered, ratio, deviation = found
    assert abs(covered - 0.95) < DISTANT * np.sqrt(0.95 * 0.05 / repetitions)
    assert abs(ratio - 1) < DISTANT / np.sqrt(2 * repetitions)
    assert abs(deviation) < DISTANT


@pytest.mark.slow
def test_limits_cover_and_errors_are_as_stated() -> None:
    check_repeated(repeated(1e-3, 150, firms=200, runs=16), 150)


@pytest.mark.evidence
@pytest.mark.parametrize(("probability", "importance"), [(1e-3, "-distance"), (1e-4, near)])
def test_a_thousand_repetitions(
    probability: float, importance: Any, record_property: Callable[[str, object], None]
) -> None:
    found = repeated(probability, 1000, importance=importance, firms=300, runs=16)
    for name, value in zip(
        ("covered of 95 %", "spread over stated error", "mean, standard errors"), found, strict=True
    ):
        record_property(name, value)
    check_repeated(found, 1000)


def nearest(states: Any, happened: int, firms: int, key: int, first: int) -> Any:
    """Copy the nearer half alone: the states at a level have not the same number of copies."""
    order = np.argsort(states[:, -1])
    return COPIED(states[order[: len(states) // 2 + 1]], happened, firms, key, first)


COPIED, FIRST = runs.copied, runs.first_replicate


def test_states_chosen_by_what_they_are_give_a_wrong_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(runs, "copied", nearest)
    assert off(cars(1e-3, firms=1000), 1e-3) < -1.5 * DISTANT


@pytest.mark.slow
def test_random_numbers_that_stages_have_in_common_give_a_wrong_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    given = {"importance": "-coins", "cause": "ruin", "weeks": 100, "firms": 4000}
    assert abs(off(rare_event_probability(GAMBLER, **given), ruin(9, 0.8, 100))) < DISTANT
    monkeypatch.setattr(runs, "first_replicate", lambda number, stage: FIRST(number, 0))
    assert off(rare_event_probability(GAMBLER, **given), ruin(9, 0.8, 100)) < -1.5 * DISTANT


def test_the_share_of_the_last_stage_alone_is_not_it() -> None:
    """The negative control: shares without the weight of those before."""
    found = cars(1e-6, firms=100, runs=8)
    assert found.shares[-1] > 1e5 * found.probability
