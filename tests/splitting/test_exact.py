"""Estimates agree with probabilities that are known, their errors with how they vary; wrong copies do not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.bounded import (
    Bounded,
    chance_of_deviation,
    chance_of_share,
    chance_of_spread,
    of_deviation,
    of_mean,
    of_share,
    of_spread,
    shares,
    times,
)

import firmfate
from firmfate import rare_event_probability
from firmfate.splitting import RareEvent, runs

from .laws import GAMBLER, cars, crash_of_many, mean_of, near, ruin

APART = 100_000
"""From the seeds of a sample to those of the next one."""


def of_estimate(found: RareEvent, truth: float) -> list[float]:
    """Return the p-value of an estimate, as its limits have it: by Student's t on the scale of logarithms."""
    return of_deviation(np.log(found.probability / truth) / found.relative_error, len(found.estimates) - 1)


def check(bounded: Bounded, estimated: Callable[[int, int], RareEvent], truth: float, wrong: float = 1.5) -> RareEvent:
    """Return an estimate, (firms, seed) of a sample given; the truth is so many times what must be refused."""
    found = functools.cache(lambda sample: estimated(times(sample), APART * sample))
    assert not bounded.refuses(lambda sample: of_estimate(found(sample), truth))
    assert bounded.refuses(lambda sample: of_estimate(found(sample), truth / wrong))
    first = found(0)
    bounded.sees(chance_of_deviation(np.log(wrong) / first.relative_error, len(first.estimates) - 1))
    return first


@pytest.mark.bounded(power=0.9, against="a probability that is half as high again")
def test_one_in_a_million(bounded: Bounded) -> None:
    found = check(bounded, lambda grown, seed: cars(1e-6, firms=300 * grown, seed=seed), 1e-6)
    assert found.relative_error < 0.1
    factor = np.exp(2.0395 * found.relative_error)  # Student's t with 31 degrees of freedom
    assert (found.lower, found.upper) == pytest.approx(
        (found.probability / factor, found.probability * factor), rel=1e-4
    )
    assert found.plain_firm_steps > 1000 * (found.firm_steps + found.pilot_firm_steps)
    assert np.prod(found.shares) == pytest.approx(found.probability, rel=0.2)  # the mean of products, product of means
    assert ((found.shares[:-1] > 0.1) & (found.shares[:-1] < 0.35)).all()


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="a probability that is off by a sixth")
def test_the_law_is_that_of_the_model(bounded: Bounded) -> None:
    """Where simulation firm by firm can show it: a crash in a hundred."""
    parameters = {"buffer_mean": mean_of(0.01, 0.5), "buffer_sd": 0.5}

    @functools.cache
    def crashed(sample: int, firms: int) -> float:
        given = {"misalignment": 0, "parameters": parameters, "weeks": 520, "replicates": firms}
        return float((firmfate.simulate("car", seed=1 + sample, **given).cause == 1).mean())

    assert not bounded.refuses(shares(crashed, 100_000, 0.01))
    assert bounded.refuses(shares(crashed, 100_000, 0.01 * 7 / 6))
    bounded.sees(chance_of_share(100_000, 0.01, 0.01 * 7 / 6))


@pytest.mark.bounded(power=0.9, against="a probability that is half as high again")
def test_one_of_two_causes_and_importances_that_are_integers(bounded: Bounded) -> None:
    truth = ruin(9, 0.8, 100)
    assert truth < 1e-5
    given = {"cause": "ruin", "weeks": 100, "threads": 1}
    found = check(bounded, lambda grown, seed: rare_event_probability(
        GAMBLER, importance="-coins", firms=500 * grown, seed=seed, **given
    ), truth)  # fmt: skip
    assert set(found.levels) <= set(range(-11, 0))
    same = rare_event_probability(GAMBLER, importance="-share", firms=500, **given)
    assert same.estimates.tolist() == found.estimates.tolist()


@pytest.mark.bounded(power=0.95, against="a probability that is half as high again, or an error that is twice as large")
def test_no_levels_are_plain_simulation(bounded: Bounded) -> None:
    runs = 20

    @functools.cache
    def estimated(sample: int) -> RareEvent:
        return cars(0.02, "-distance", levels=(), firms=500, runs=runs * times(sample), seed=APART * sample)

    def p_values(sample: int, truth: float) -> list[float]:
        firms = 500 * runs * times(sample)
        error = estimated(sample).standard_error / np.sqrt(truth * (1 - truth) / firms)
        hits = round(estimated(sample).probability * firms)
        return [*of_share(hits, firms, truth), *of_spread(error, runs * times(sample) - 1)]

    assert not bounded.refuses(lambda sample: p_values(sample, 0.02))
    assert bounded.refuses(lambda sample: p_values(sample, 0.03))
    bounded.sees(chance_of_share(500 * runs, 0.02, 0.03), 2)
    bounded.sees(chance_of_spread(2, runs - 1), 2)
    found = estimated(0)
    assert 0.3 < found.plain_firm_steps / found.firm_steps < 3


def test_levels_that_all_firms_begin_above_take_no_steps() -> None:
    plain, levels = (cars(0.2, "-distance", levels=levels, firms=200, runs=4) for levels in ((), (-100, -90)))
    assert levels.shares[:2].tolist() == [1, 1]
    assert levels.firm_steps == pytest.approx(plain.firm_steps, rel=0.05)


@pytest.mark.slow
@pytest.mark.bounded(power=0.9, against="a probability that is twice as high")
@pytest.mark.parametrize(
    ("probability", "sd", "importance"), [(1e-8, 0.0, near), (1e-8, 0.0, "-distance"), (1e-6, 0.3, near)]
)
def test_rarer_and_of_many_distances(probability: float, sd: float, importance: Any, bounded: Bounded) -> None:
    assert crash_of_many(mean_of(probability, sd), sd) == pytest.approx(probability)

    def estimated(grown: int, seed: int) -> RareEvent:
        return cars(probability, importance, sd=sd, firms=4000 * grown, seed=2 + seed)

    assert check(bounded, estimated, probability, wrong=2).relative_error < 0.15


def check_repeated(
    bounded: Bounded, probability: float, repetitions: int, cover: float, factor: float, **more: Any
) -> tuple[float, float, float]:
    """Return coverage of the limits, the spread of estimates over the stated error, and the mean's relative error.

    The controls are limits of half the width, and errors that are stated `factor` times too small.
    """

    @functools.cache
    def found(sample: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        seeds = range(APART * sample, APART * sample + repetitions * times(sample))
        each = [cars(probability, seed=seed, **more) for seed in seeds]
        center = np.array([np.log([one.lower, one.upper]).mean() for one in each])
        half = np.array([np.log(one.upper / one.lower) / 2 for one in each])
        estimates = np.array([one.probability for one in each])
        stated = np.sqrt(np.mean([one.standard_error**2 for one in each]))
        return np.abs(center - np.log(probability)) / half, estimates, estimates.std(ddof=1) / stated

    def covered(sample: int, width: float = 1.0) -> list[float]:
        inside = found(sample)[0] <= width
        return of_share(np.count_nonzero(inside), inside.size, 0.95)

    def spread(sample: int, factor: float = 1.0) -> list[float]:
        return of_spread(found(sample)[2] * factor, repetitions * times(sample) - 1)

    def mean(sample: int, truth: float) -> list[float]:
        return of_mean(found(sample)[1], truth)

    assert not bounded.refuses(lambda sample: [*covered(sample), *spread(sample), *mean(sample, probability)])
    assert bounded.refuses(lambda sample: covered(sample, 0.5))
    assert bounded.refuses(lambda sample: spread(sample, factor))
    bounded.sees(chance_of_share(repetitions, 0.95, cover), 3)
    bounded.sees(chance_of_spread(factor, repetitions - 1), 3)
    outside, estimates, ratio = found(0)
    return float(np.mean(outside <= 1)), float(ratio), float(estimates.mean() / probability - 1)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 80 %, or errors half as large again as stated")
def test_limits_cover_and_errors_are_as_stated(bounded: Bounded) -> None:
    check_repeated(bounded, 1e-3, 150, 0.8, 1.5, firms=200, runs=16)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 91 %, or errors 1.2 times as large as stated")
@pytest.mark.parametrize(("probability", "importance"), [(1e-3, "-distance"), (1e-4, near)])
def test_a_thousand_repetitions(
    probability: float, importance: Any, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    given = {"importance": importance, "firms": 300, "runs": 16}
    found = check_repeated(bounded, probability, 1000, 0.91, 1.2, **given)
    for name, value in zip(("covered of 95 %", "spread over stated error", "mean, off by"), found, strict=True):
        record_property(name, value)


def nearest(states: Any, happened: int, firms: int, key: int, first: int) -> Any:
    """Copy the nearer half alone: the states at a level have not the same number of copies."""
    order = np.argsort(states[:, -1])
    return COPIED(states[order[: len(states) // 2 + 1]], happened, firms, key, first)


COPIED, FIRST = runs.copied, runs.first_replicate


def refused_as_too_low(bounded: Bounded, estimated: Callable[[int, int], RareEvent], truth: float) -> bool:
    """Return whether an estimate is refused, and is too low."""
    found = functools.cache(lambda sample: estimated(times(sample), APART * sample))
    first = found(0)
    bounded.sees(chance_of_deviation(np.log(1.5) / first.relative_error, len(first.estimates) - 1))
    return bounded.refuses(lambda sample: of_estimate(found(sample), truth)) and first.probability < truth


@pytest.mark.bounded(power=0.9, against="a probability that is half as high again")
def test_states_chosen_by_what_they_are_give_a_wrong_estimate(
    monkeypatch: pytest.MonkeyPatch, bounded: Bounded
) -> None:
    """The negative control."""
    monkeypatch.setattr(runs, "copied", nearest)
    assert refused_as_too_low(bounded, lambda grown, seed: cars(1e-3, firms=1000 * grown, seed=seed), 1e-3)


@pytest.mark.slow
@pytest.mark.bounded(power=0.9, against="a probability that is half as high again")
def test_random_numbers_that_stages_have_in_common_give_a_wrong_estimate(
    monkeypatch: pytest.MonkeyPatch, bounded: Bounded
) -> None:
    """The negative control."""
    given, truth = {"importance": "-coins", "cause": "ruin", "weeks": 100}, ruin(9, 0.8, 100)

    def estimated(grown: int, seed: int) -> RareEvent:
        return rare_event_probability(GAMBLER, firms=4000 * grown, seed=seed, **given)

    check(bounded, estimated, truth)
    monkeypatch.setattr(runs, "first_replicate", lambda number, stage: FIRST(number, 0))
    assert refused_as_too_low(bounded, estimated, truth)


def test_the_share_of_the_last_stage_alone_is_not_it() -> None:
    """The negative control: shares without the weight of those before."""
    found = cars(1e-6, firms=100, runs=8)
    assert found.shares[-1] > 1e5 * found.probability
