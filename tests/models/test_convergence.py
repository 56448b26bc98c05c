"""The paradox does not hang on the time step: both effects of execution and m* with steps of 1, 1/2, 1/4, 1/8 week.

Random numbers of different steps do not match, so estimates are independent, and each has a seed of its own.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

import firmfate

WEAK, STRONG = 0.05, 1.0
MISALIGNMENTS = (0.0, 0.3, 0.45, 1.0)
STEPS = (1, 2, 4, 8)  # a week
FIRMS, BATCHES, WEEKS = 6_000, 30, 1040


class Found(NamedTuple):
    """Strong less weak execution, aligned and misaligned, in years; and where it turns. With standard errors."""

    value: np.ndarray
    se: np.ndarray


def estimated(steps_per_week: int, sample: int, **parameters: float) -> Found:
    execution, misalignment = (grid.ravel() for grid in np.meshgrid((WEAK, STRONG), MISALIGNMENTS, indexing="ij"))
    firms = firmfate.simulate(
        "firm", execution=execution, misalignment=misalignment, weeks=WEEKS, steps_per_week=steps_per_week,
        replicates=FIRMS * times(sample), seed=100 + steps_per_week + 1_000 * sample, parameters=parameters,
    )  # fmt: skip
    years = firms["event_week"].values.reshape(2, len(MISALIGNMENTS), BATCHES, -1).mean(axis=-1) / 52
    gain = years[1] - years[0]
    left = (gain.sum(axis=-1, keepdims=True) - gain) / (BATCHES - 1)
    estimates = np.array([numbers(left[:, batch]) for batch in range(BATCHES)])
    return Found(numbers(gain.mean(axis=-1)), np.sqrt((BATCHES - 1) * estimates.var(axis=0)))


def numbers(gain: np.ndarray) -> np.ndarray:
    """Return both effects, and m* between the two misalignments that enclose it."""
    (_, a, b, _), (_, at_a, at_b, _) = MISALIGNMENTS, gain
    assert at_a > 0 > at_b
    return np.array([gain[0], gain[-1], a + at_a / (at_a - at_b) * (b - a)])


def apart(one: Found, other: Found) -> np.ndarray:
    """Return by how many standard errors of their difference two steps differ."""
    return (one.value - other.value) / np.hypot(one.se, other.se)


@functools.cache
def by_step(steps: int, sample: int) -> Found:
    return estimated(steps, sample)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="an estimate off by 6 standard errors of a difference of two")
def test_no_step_changes_either_effect_or_where_it_turns(bounded: Bounded) -> None:
    pairs = list(itertools.combinations(STEPS, 2))

    def p_values(sample: int) -> list[float]:
        differ = [apart(by_step(one, sample), by_step(other, sample)) for one, other in pairs]
        return of_deviation(differ, BATCHES - 1)

    assert not bounded.refuses(p_values)
    bounded.sees(chance_of_deviation(6, BATCHES - 1), 3 * len(pairs))


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="an estimate off by 6 standard errors of a difference of two")
def test_shocks_that_shrink_with_a_wrong_power_of_the_step_are_seen(bounded: Bounded) -> None:
    """Noise that enters by Δ in place of √Δ has a standard deviation √Δ times too small."""
    steps = 4
    defaults = firmfate.models.load_model("firm").defaults
    wrong = {name: defaults[name] / steps**0.5 for name in ("demand_sd", "cost_sd", "weekly_sd")}
    spoiled = functools.cache(lambda sample: estimated(steps, sample, **wrong))
    assert bounded.refuses(lambda sample: of_deviation(apart(by_step(1, sample), spoiled(sample)), BATCHES - 1))
    bounded.sees(chance_of_deviation(6, BATCHES - 1), 3)
