"""What cannot be estimated is refused in one sentence, and what is badly known is warned of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from firmfate import rare_event_probability
from firmfate.errors import EstimateError, FirmfateError, UnreliableErrorWarning

from .laws import GAMBLER, cars


def several(s: Any, p: Any) -> Any:
    """Return two numbers."""
    return s.distance, 1.0


def swapped(p: Any, s: Any) -> Any:
    """Take arguments in another order."""
    return s.distance


def misspelt(s: Any) -> Any:
    """Read a stock that is not there."""
    return -s.distanc


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"importance": "distnce"}, "no stock or auxiliary of the model 'car'; did you mean 'distance'"),
        ({"importance": 3}, "importance = 3; allowed: the name of a stock"),
        ({"importance": several}, "FF108 .* importance returned tuple"),
        ({"importance": swapped}, r"importance takes \(p, s\); allowed: some of \(s, p, draw, week\)"),
        ({"importance": misspelt}, "FF111 .* no stock 'distanc'"),
        ({"importance": lambda s: -s.distance}, "FF101 .* write it with 'def'"),
        ({"cause": "crsh"}, "cause = 'crsh' is no cause of the model 'car'; did you mean 'crash'"),
        ({"levels": [-2, -2]}, "levels = .* finite numbers that ascend"),
        ({"levels": [-2, np.nan]}, "levels = .* finite numbers that ascend"),
        ({"levels": "many"}, "levels = 'many'; allowed"),
        ({"levels": 3}, "levels = 3; allowed"),
        ({"firms": 1}, "firms = 1; allowed: an integer from 2"),
        ({"runs": 1}, "runs = 1; allowed: an integer from 2"),
        ({"seed": -1}, "seed = -1"),
        ({"threads": 0}, "threads = 0"),
        (
            {"weeks": 5},
            "is no integer number of steps at steps_per_week = 0.0769231; allowed: multiples of 13",
        ),
        ({"execution": [0.1, 0.2]}, "of one cell"),
        ({"parameters": {"buffer_meen": 1}}, "did you mean 'buffer_mean'"),
    ],
)
def test_arguments(given: dict[str, Any], words: str) -> None:
    with pytest.raises(FirmfateError, match=words):
        cars(1e-3, **({"importance": "-distance"} | given))


def test_an_auxiliary_that_needs_shocks() -> None:
    with pytest.raises(FirmfateError, match="'wins' depends on the shocks of a step"):
        rare_event_probability(GAMBLER, importance="-wins")


def test_an_event_that_no_firm_comes_near() -> None:
    with pytest.raises(EstimateError, match="of 1,000 firms of the pilot, none had the event"):
        cars(1e-3, "-distance", parameters={"buffer_mean": 8.0, "buffer_sd": 0}, firms=50, runs=2)
    with pytest.raises(EstimateError, match=r"no run of 2 had the event; .* shares came to the next: 1, 0"):
        cars(1e-8, "-distance", levels=[-99], firms=10, runs=2)


def test_an_importance_of_the_wrong_sign() -> None:
    with pytest.raises(EstimateError, match="it grows towards the event, as '-distance' does where less distance is"):
        cars(1e-8, "distance", firms=50, runs=2)


def test_an_event_that_is_not_rare_needs_no_levels() -> None:
    found = rare_event_probability("car", importance="-distance", firms=100, runs=2)
    assert "2 runs of 100 firms at the start, without levels: " in repr(found)


def test_where_firms_end_by_another_cause_is_no_level() -> None:
    with pytest.raises(EstimateError, match="none had the event or came beyond an importance of 11:"):
        rare_event_probability(
            GAMBLER, importance="coins", cause="ruin", parameters={"win": 0.95}, weeks=50, firms=10, runs=2
        )


def test_arithmetic_that_fails() -> None:
    with pytest.raises(EstimateError, match="the arithmetic of 1,000 of 1,000 firms has failed"):
        rare_event_probability(GAMBLER, importance="-coins", parameters={"spoilt": 1.0}, weeks=50, firms=10, runs=2)


def test_runs_that_vary_too_much_are_warned_of() -> None:
    with pytest.warns(UnreliableErrorWarning, match="few of 4 runs make most of the estimate"):
        found = cars(1e-3, "-distance", firms=20, runs=4, levels=[-9, -7, -5])
    assert found.lower > 0
    assert str(found).count("e-") >= 4
    assert " 0e-" not in str(found)
