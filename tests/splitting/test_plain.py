"""Beside simulation firm by firm: the same probabilities of `firm`, and what both cost."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

import firmfate
from firmfate import rare_event_probability
from firmfate.models import load_model

from .laws import cars, mean_of, near


def leaving(s: Any, p: Any) -> Any:
    """Return how near customers are to leaving: those gone, and how long the others have waited."""
    return 0.05 * s.perceived_lead_time - s.customers


RUNS = 32
"""Of splitting, where nothing else is said."""
ALIKE = {"buffer_sd": 0, "margin_sd": 0}
CASES = [
    ("customer_collapse", leaving, {"weeks": 104, "misalignment": 0.5, "parameters": ALIKE}),
    ("insolvency", "-health", {"weeks": 104}),
]


@pytest.mark.slow
@pytest.mark.bounded(power=0.85, against="a probability that is half as high again")
@pytest.mark.parametrize(("cause", "importance", "given"), CASES)
def test_firms_agree_with_firms_that_are_not_split(
    cause: str, importance: Any, given: dict[str, Any], bounded: Bounded
) -> None:
    number = [one.name for one in load_model("firm").causes].index(cause) + 1

    @functools.cache
    def both(sample: int) -> tuple[float, float, float]:
        """Return both probabilities, and the relative error of their ratio."""
        found = rare_event_probability(
            "firm", importance=importance, cause=cause, firms=2000 * times(sample), threads=1, seed=sample, **given
        )
        firms = firmfate.simulate("firm", replicates=300_000 * times(sample), seed=1 + sample, threads=1, **given)
        share = float((firms.cause == number).mean())
        assert 3e-4 < share < 1e-2
        assert found.relative_error < 0.1
        return found.probability, share, np.hypot(found.relative_error, 1 / np.sqrt(share * firms.cause.size))

    def p_values(sample: int, factor: float = 1.0) -> list[float]:
        split, share, error = both(sample)
        return of_deviation(np.log(factor * split / share) / error, RUNS - 1)

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, 1.5))
    bounded.sees(chance_of_deviation(np.log(1.5) / both(0)[-1], RUNS - 1))


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="a probability that is half as high again", rounds=1)
@pytest.mark.parametrize("importance", ["-distance", near])
def test_cost_of_one_in_a_million(
    importance: Any, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    """Steps, and seconds of a core, for the same relative error."""
    cars(1e-3, importance, firms=1000, runs=2)  # compiled before it is timed
    begun = time.process_time()
    found = cars(1e-6, importance, firms=4000, runs=RUNS)
    split = time.process_time() - begun
    parameters = {"buffer_mean": mean_of(1e-6), "buffer_sd": 0}
    given = {"weeks": 520, "misalignment": 0, "parameters": parameters, "threads": 1}
    firmfate.simulate("car", replicates=1000, **given)
    begun = time.process_time()
    firms = firmfate.simulate("car", replicates=2_000_000, **given)
    a_step = (time.process_time() - begun) / float(firms.event_week.sum() / 13)
    steps = found.firm_steps + found.pilot_firm_steps
    record_property("relative error", found.relative_error)
    record_property("firm-steps", {"split": steps, "not split": found.plain_firm_steps})
    record_property("fewer firm-steps, a factor", found.plain_firm_steps / steps)
    record_property("relative variance times firm-steps", {
        "split": found.relative_error**2 * steps, "not split": found.relative_error**2 * found.plain_firm_steps,
    })  # fmt: skip
    record_property("core-seconds", {"split": split, "not split, extrapolated": found.plain_firm_steps * a_step})
    assert not bounded.refuses(of_deviation(np.log(found.probability / 1e-6) / found.relative_error, RUNS - 1))
    assert bounded.refuses(of_deviation(np.log(1.5 * found.probability / 1e-6) / found.relative_error, RUNS - 1))
    bounded.sees(chance_of_deviation(np.log(1.5) / found.relative_error, RUNS - 1))
    assert found.plain_firm_steps > 500 * steps
