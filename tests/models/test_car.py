"""`car` against its exact laws, 400,000 cars a case, by the binomial law; a drift wrong by 3 % is seen."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import special, stats
from tests.bounded import chance_of_share, of_share, times

import firmfate

CARS = 400_000
BUFFER_MEAN, BUFFER_SD, DRIFT, GAIN, HARM = 0.862, 1.031, -0.189, 0.3, 0.5
STEPS = {"week": 1, "quarter": 1 / 13}


def start_points(count: int = 400):
    """Quadrature over the log-normal distance at the start: points and weights."""
    nodes, weights = special.roots_hermitenorm(count)
    return np.exp(BUFFER_MEAN + BUFFER_SD * nodes), weights / weights.sum()


def survival(years, drift, distance):
    """First passage of a Brownian motion with drift (Black & Cox 1976), the second term through log Φ."""
    root = np.sqrt(years)
    stays = stats.norm.cdf((distance + drift * years) / root)
    returns = np.exp(-2 * drift * distance + stats.norm.logcdf((-distance + drift * years) / root))
    return stays - returns


def drift(execution, misalignment):
    return DRIFT + GAIN * execution - HARM * execution * misalignment


AGES = np.arange(1, 21)


def exactly(execution, misalignment, factor=1.0):
    """Return survival at 20 ages; `factor` spoils the drift."""
    distance, weights = start_points()
    return survival(AGES[:, np.newaxis], factor * drift(execution, misalignment), distance) @ weights


def alive(execution, misalignment, steps_per_week, sample):
    """Return how many cars of a sample are alive at these ages, and of how many."""
    count = CARS * times(sample)
    cars = firmfate.simulate(
        "car",
        execution=execution,
        misalignment=misalignment,
        parameters={"notice": 0.0},
        steps_per_week=steps_per_week,
        replicates=count,
        seed=11 + sample,
    )
    died = np.where(cars.cause[0] == 1, cars.event_week[0], np.inf)
    return np.array([np.count_nonzero(died > 52 * age) for age in AGES]), count


@pytest.mark.bounded(power=0.99, against="a drift wrong by 3 %")
@pytest.mark.parametrize("steps_per_week", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(("execution", "misalignment"), [(1.0, 1.0), (0.2, 0.9)])
def test_survival_is_exact_at_every_step(execution, misalignment, steps_per_week, bounded):
    simulated = functools.cache(lambda sample: alive(execution, misalignment, steps_per_week, sample))
    exact = exactly(execution, misalignment)
    assert not bounded.refuses(lambda sample: of_share(*simulated(sample), exact))
    for factor in (0.97, 1.03):
        wrong = exactly(execution, misalignment, factor)
        assert bounded.refuses(lambda sample, wrong=wrong: of_share(*simulated(sample), wrong))
        most = np.abs(wrong - exact).argmax()
        bounded.sees(chance_of_share(CARS, wrong[most], exact[most]), len(AGES))


def crash_before_notice(rate, factor=1.0):
    """Probability that an exponential clock of this rate is beaten, averaged over the distance at the start."""
    distance, weights = start_points()
    mu = factor * drift(1.0, 1.0)
    return float(np.exp(distance * (-mu - np.sqrt(mu * mu + 2 * rate))) @ weights)


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="a drift wrong by 5 %")
@pytest.mark.parametrize("steps_per_week", STEPS.values(), ids=STEPS)
def test_crash_before_the_driver_notices(steps_per_week, bounded):
    rate = 0.2  # over 60 years all but 6 in a million clocks have rung

    @functools.cache
    def unnoticed(sample):
        cars = firmfate.simulate(
            "car",
            execution=1.0,
            misalignment=1.0,
            parameters={"notice": rate},
            weeks=52 * 60,
            steps_per_week=steps_per_week,
            replicates=CARS * times(sample),
            seed=5 + sample,
        )
        return int(((cars.cause == 1) & (cars.alarm_week == 0)).sum()), CARS * times(sample)

    exact, wrong = crash_before_notice(rate), crash_before_notice(rate, factor=1.05)
    assert not bounded.refuses(lambda sample: of_share(*unnoticed(sample), exact))
    assert bounded.refuses(lambda sample: of_share(*unnoticed(sample), wrong))
    bounded.sees(chance_of_share(CARS, wrong, exact))


def test_sign_change_without_notice():
    """At m* = execution_gain/harm the drift, and so survival, does not depend on the engine."""
    cars = firmfate.simulate(
        "car", execution=[0.1, 1.0], misalignment=GAIN / HARM, parameters={"notice": 0.0}, replicates=2000, seed=3
    )
    assert (cars.event_week[0] == cars.event_week[1]).mean() > 0.999
