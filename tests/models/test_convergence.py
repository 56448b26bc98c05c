"""The paradox does not hang on the time step: both effects of execution and m* with steps of 1, 1/2, 1/4, 1/8 week.

Random numbers of different steps do not match, so estimates are independent, and each has a seed of its own.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest

import firmfate

WEAK, STRONG = 0.05, 1.0
MISALIGNMENTS = (0.0, 0.3, 0.45, 1.0)
STEPS = (1, 2, 4, 8)  # a week
FIRMS, BATCHES, WEEKS = 6_000, 30, 1040
WITHIN = 3.0  # standard errors


class Found(NamedTuple):
    """Strong less weak execution, aligned and misaligned, in years; and where it turns. With standard errors."""

    value: np.ndarray
    se: np.ndarray


def estimated(steps_per_week: int, **parameters: float) -> Found:
    execution, misalignment = (grid.ravel() for grid in np.meshgrid((WEAK, STRONG), MISALIGNMENTS, indexing="ij"))
    firms = firmfate.simulate(
        "firm", execution=execution, misalignment=misalignment, weeks=WEEKS, steps_per_week=steps_per_week,
        replicates=FIRMS, seed=100 + steps_per_week, parameters=parameters,
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
    return np.abs(one.value - other.value) / np.hypot(one.se, other.se)


@pytest.fixture(scope="module")
def by_step() -> dict[int, Found]:
    return {steps: estimated(steps) for steps in STEPS}


@pytest.mark.slow
def test_no_step_changes_either_effect_or_where_it_turns(by_step):
    for one, other in itertools.combinations(STEPS, 2):
        assert (apart(by_step[one], by_step[other]) < WITHIN).all(), (one, other)


@pytest.mark.slow
def test_shocks_that_shrink_with_a_wrong_power_of_the_step_are_seen(by_step):
    """Noise that enters by Δ in place of √Δ has a standard deviation √Δ times too small."""
    steps = 4
    defaults = firmfate.models.load_model("firm").defaults
    wrong = {name: defaults[name] / steps**0.5 for name in ("demand_sd", "cost_sd", "weekly_sd")}
    assert (apart(by_step[1], estimated(steps, **wrong)) > WITHIN).any()
