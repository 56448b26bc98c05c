"""What the published schema of a study's parts refuses, the reader refuses; and other places that lacked a test
(`tests/evidence/mutation.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from firmfate.design.distributions import Distribution
from firmfate.errors import StudyError
from firmfate.models import load_model
from firmfate.study import Study, study_schema

jsonschema = pytest.importorskip("jsonschema")
HEAD: dict[str, Any] = {"study": {"name": "x", "years": 1, "replicates": 8}}


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft7Validator(study_schema(load_model("firm")))


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"cells": [{"name": "", "execution": 0.5}]}, "name"),
        ({"population": {"execution": {"uniform": [0, 1], "constant": 1}}}, "execution"),
        ({"population": {"execution": {"uniform": [0, 1]}, "alarm": {"uniform": [0.5, 0.9]},
                         "correlation": [{"between": ["execution"], "rank": 0.3}]}}, "between"),
        ({"population": {"cash_buffer": {"lognormal": {"median": 0, "sd_log": 0.5}}}}, "median must be above 0"),
    ],
)  # fmt: skip
def test_both_refuse(validator: Any, table: dict[str, Any], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Study(**HEAD, **table).cells  # noqa: B018
    if "median" not in match:  # a schema of JSON does not know it
        assert list(validator.iter_errors({**HEAD, **table}))


def test_both_allow(validator: Any) -> None:
    table = {
        "population": {
            "execution": {"uniform": [0, 1]}, "alarm": {"uniform": [0.5, 0.9]},
            "correlation": [{"between": ["execution", "alarm"], "rank": 0.3}],
        }
    }  # fmt: skip
    assert Study(**HEAD, **table).population.keys
    validator.validate({**HEAD, **table})


@pytest.mark.parametrize(("end", "word"), [("from", "first"), ("to", "last")])
def test_a_range_says_which_end_is_missing(end: str, word: str) -> None:
    span = {"from": 0, "to": 1}
    del span[end]
    with pytest.raises(StudyError, match=f"needs '{end}', the {word} value of the range"):
        Study(**HEAD, sobol={"points": 8, "execution": span})


def test_the_last_observed_value_is_drawn_at_the_end_of_the_unit_interval() -> None:
    """Where the product of the largest number below 1 and the number of values rounds up."""
    allowed = load_model("firm").parameter("execution.sales").allowed
    values = Distribution("execution", "empirical", (0.1, 0.2, 0.7), allowed)
    assert values.unclipped(np.array([1 - 2.0**-53])).tolist() == [0.7]
