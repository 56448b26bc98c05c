"""`car` against its exact laws, a million cars a case, in units of the standard error; a drift wrong by 3 % is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import firmfate

CARS = 1_000_000
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


def largest_deviation(execution, misalignment, steps_per_week, factor=1.0):
    """Largest |simulated - exact| survival at 20 ages, in standard errors; `factor` spoils the exact drift."""
    cars = firmfate.simulate(
        "car",
        execution=execution,
        misalignment=misalignment,
        parameters={"notice": 0.0},
        steps_per_week=steps_per_week,
        replicates=CARS,
        seed=11,
    )
    died = np.where(cars.cause[0] == 1, cars.event_week[0], np.inf)
    ages = np.arange(1, 21)
    simulated = (died[:, np.newaxis] > 52 * ages).mean(0)
    distance, weights = start_points()
    exact = survival(ages[:, np.newaxis], factor * drift(execution, misalignment), distance) @ weights
    return np.abs((simulated - exact) / np.sqrt(exact * (1 - exact) / CARS)).max()


@pytest.mark.parametrize("steps_per_week", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(("execution", "misalignment"), [(1.0, 1.0), (0.2, 0.9)])
def test_survival_is_exact_at_every_step(execution, misalignment, steps_per_week):
    assert largest_deviation(execution, misalignment, steps_per_week) < 4


def test_a_drift_wrong_by_3_percent_is_seen():
    assert largest_deviation(1.0, 1.0, 1 / 13, factor=1.03) > 4
    assert largest_deviation(1.0, 1.0, 1 / 13, factor=0.97) > 4


def crash_before_notice(rate, factor=1.0):
    """Probability that an exponential clock of this rate is beaten, averaged over the distance at the start."""
    distance, weights = start_points()
    mu = factor * drift(1.0, 1.0)
    return float(np.exp(distance * (-mu - np.sqrt(mu * mu + 2 * rate))) @ weights)


@pytest.mark.slow
@pytest.mark.parametrize("steps_per_week", STEPS.values(), ids=STEPS)
def test_crash_before_the_driver_notices(steps_per_week):
    rate = 0.2  # over 60 years all but 6 in a million clocks have rung
    cars = firmfate.simulate(
        "car",
        execution=1.0,
        misalignment=1.0,
        parameters={"notice": rate},
        weeks=52 * 60,
        steps_per_week=steps_per_week,
        replicates=CARS,
        seed=5,
    )
    unnoticed = float(((cars.cause == 1) & (cars.alarm_week == 0)).mean())
    exact = crash_before_notice(rate)
    se = np.sqrt(exact * (1 - exact) / CARS)
    assert abs(unnoticed - exact) < 4 * se
    assert abs(unnoticed - crash_before_notice(rate, factor=1.03)) > 4 * se


def test_sign_change_without_notice():
    """At m* = execution_gain/harm the drift, and so survival, does not depend on the engine."""
    cars = firmfate.simulate(
        "car", execution=[0.1, 1.0], misalignment=GAIN / HARM, parameters={"notice": 0.0}, replicates=2000, seed=3
    )
    assert (cars.event_week[0] == cars.event_week[1]).mean() > 0.999
