"""Beside simulation firm by firm: the same probabilities of `firm`, and what both cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import firmfate
from firmfate import rare_event_probability
from firmfate.models import load_model

from .laws import cars, mean_of, near


def leaving(s: Any, p: Any) -> Any:
    """Return how near customers are to leaving: those gone, and how long the others have waited."""
    return 0.05 * s.perceived_lead_time - s.customers


ALIKE = {"buffer_sd": 0, "margin_sd": 0}
CASES = [
    ("customer_collapse", leaving, {"weeks": 104, "misalignment": 0.5, "parameters": ALIKE}),
    ("insolvency", "-health", {"weeks": 104}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("cause", "importance", "given"), CASES)
def test_firms_agree_with_firms_that_are_not_split(cause: str, importance: Any, given: dict[str, Any]) -> None:
    found = rare_event_probability("firm", importance=importance, cause=cause, firms=2000, threads=1, **given)
    firms = firmfate.simulate("firm", replicates=300_000, seed=1, threads=1, **given)
    number = [one.name for one in load_model("firm").causes].index(cause) + 1
    share = float((firms.cause == number).mean())
    error = np.sqrt(share * (1 - share) / firms.cause.size)
    assert 3e-4 < share < 1e-2
    assert abs(found.probability - share) < 4 * np.hypot(found.standard_error, error)
    assert found.relative_error < 0.1
    assert abs(1.5 * found.probability - share) > 4 * np.hypot(found.standard_error, error)  # the negative control


@pytest.mark.evidence
@pytest.mark.parametrize("importance", ["-distance", near])
def test_cost_of_one_in_a_million(importance: Any, record_property: Callable[[str, object], None]) -> None:
    """Steps, and seconds of a core, for the same relative error."""
    cars(1e-3, importance, firms=1000, runs=2)  # compiled before it is timed
    begun = time.process_time()
    found = cars(1e-6, importance, firms=4000, runs=32)
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
    assert abs(found.probability - 1e-6) < 4 * found.standard_error
    assert found.plain_firm_steps > 500 * steps
