"""The table [precision]: what it reads, and what it refuses."""

from __future__ import annotations

import pickle

import jsonschema
import pytest

from firmfate import Study
from firmfate.errors import StudyError
from firmfate.models import load_model
from firmfate.precision import Reached
from firmfate.precision.words import sentence
from firmfate.study import study_schema

GRID = {"execution": [0.1, 0.9], "misalignment": [0.0, 1.0]}


def study(**given: object) -> Study:
    """A study of cars with these targets."""
    return Study(name="cars", model="car", grid=GRID, precision=given)


def test_targets_are_read_with_and_without_quotes() -> None:
    quoted = study(**{"rmst": "0.05 years", "survival.5y": 0.005, "incidence.crash.26w": 0.01, "m_star": 0.01})
    nested = study(rmst="2.6 weeks", survival={"5y": 0.005}, incidence={"crash": {"26w": 0.01}}, m_star=0.01)
    assert quoted.precision == nested.precision
    assert [(t.key, t.within, t.week, t.cause) for t in quoted.precision.targets] == [
        ("incidence.crash.26w", 0.01, 26, "crash"), ("m_star", 0.01, 1040, ""), ("rmst", 0.05, 1040, ""),
        ("survival.5y", 0.005, 260, ""),
    ]  # fmt: skip


def test_targets_between_cells_and_quantiles_are_read() -> None:
    quoted = study(**{"difference.execution.5y": "0.1 years", "quantile.0.25": "1 year", "sign": ["execution"]})
    nested = study(difference={"execution": {"5y": "0.1 years"}}, quantile={"0": {"25": "1 year"}}, sign="execution")
    assert quoted.precision == nested.precision
    assert [(t.key, t.within, t.week, t.share, t.between) for t in quoted.precision.targets] == [
        ("difference.execution.5y", 0.1, 260, 0.0, "execution"), ("quantile.0.25", 1.0, 1040, 0.25, ""),
        ("sign.execution", 0.0, 1040, 0.0, "execution"),
    ]  # fmt: skip
    within = study(**{"sign.10y": ["misalignment", "execution"]}).precision.targets
    assert [(t.key, t.week) for t in within] == [("sign.execution.10y", 520), ("sign.misalignment.10y", 520)]


def test_a_pilot_is_4096_firms_in_128_batches_unless_the_study_says_otherwise() -> None:
    plain, own = Study(name="cars", model="car"), study(rmst="1 week")
    assert (plain.precision, plain.replicates, plain.batches) == (None, 1000, 32)
    assert (own.precision.pilot, own.replicates, own.batches) == (4096, 4096, 128)
    asked = Study(name="cars", model="car", replicates=2048, precision={"rmst": "1 week"}, record={"batches": 64})
    assert (asked.precision.pilot, asked.replicates, asked.batches) == (2048, 2048, 64)


def test_a_grown_study_travels_with_its_firms() -> None:
    grown = study(rmst="1 week").grown(9984)
    again = pickle.loads(pickle.dumps(grown))
    assert (again.replicates, again.precision.pilot, again.text) == (9984, 4096, grown.text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "[precision] names no target"),
        ({"level": 0.95}, "[precision] names no target"),
        ({"rmts": "1 week"}, "did you mean 'rmst'?"),
        ({"rmst": 0.05}, 'must be a time with its unit, such as "0.05 years"'),
        ({"rmst": "11 years"}, "below half the horizon"),
        ({"rmst.5m": "1 week"}, "'5m' is no horizon, such as 5y or 26w"),
        ({"survival": 0.01}, "there is no such key"),
        ({"survival.21y": 0.01}, "beyond the study's horizon of 1040 weeks"),
        ({"survival.5y": 0.5}, "must be above 0 and below 0.5"),
        ({"incidence.fire.5y": 0.1}, "'fire' is no cause of model 'car'; allowed: crash"),
        ({"quantile.2": "1 week"}, "'2' is no share of firms, such as 0.5 for the median"),
        ({"quantile.0.5": 0.1}, "must be a time with its unit"),
        ({"difference": "1 week"}, "there is no such key"),
        (
            {"difference.speed": "1 week"},
            "'speed' is no axis of a [grid] with two values or more",
        ),
        ({"difference.execution.7y": "1 week"}, "364 weeks is none of record.horizons"),
        ({"sign": True}, 'must be an axis of the grid, such as "execution", or two named cells'),
        ({"sign": []}, "must be an axis of the grid"),
        ({"sign": "speed"}, "'speed' is no axis"),
        ({"m_star": 0.01, "level": 1}, "must lie in [0.5, 0.9999]"),
        ({"m_star": 0.01, "simultaneous": "yes"}, "must be true or false"),
        ({"m_star": 0.01, "at_most": "30 min"}, "time by the clock would give another result on another machine"),
        ({"m_star": 0.01, "at_most": 2000}, "is less than the pilot, study.replicates = 4,096"),
        ({"m_star": 0.01, "at_most": 10}, "must be an integer from 1024"),
    ],
)
def test_refusals(given: dict[str, object], words: str) -> None:
    with pytest.raises(StudyError) as refused:
        study(**given)
    assert words in str(refused.value)
    assert "precision" in str(refused.value)


def test_m_star_needs_its_grid() -> None:
    for grid in ({"execution": [0.1, 0.9]}, {"execution": [0.1, 0.9], "misalignment": [0.5]}):
        with pytest.raises(StudyError, match=r"needs a \[grid\] over execution and misalignment"):
            Study(name="cars", model="car", grid=grid, precision={"m_star": 0.01})


def test_a_small_pilot_is_refused() -> None:
    with pytest.raises(StudyError, match="at least 1,024"):
        Study(name="cars", model="car", replicates=1000, precision={"rmst": "1 week"})


def test_m_star_is_not_asked_of_fewer_firms_than_its_limits_take() -> None:
    given = {"name": "cars", "model": "car", "replicates": 1024,
             "grid": {"execution": [0.1, 0.9], "misalignment": [0, 1]}}  # fmt: skip
    Study(**given, precision={"m_star": 0.01, "at_most": 4096})
    Study(**given, precision={"rmst": "1 week", "at_most": 2000})
    with pytest.raises(StudyError, match=r"at_most = 4,000 firms a cell: limits of m_star count from 4,096 firms"):
        Study(**given, precision={"m_star": 0.01, "at_most": 4000})


@pytest.mark.parametrize(
    ("least", "words"),
    [(2048, "but the cells beside it have fewer than 4,096 firms"), (16_384, "but its error is not known everywhere")],
)
def test_why_a_narrow_m_star_is_not_enough(least: int, words: str) -> None:
    one = Reached(target="m_star", within=0.05, widest=0.01, level=0.95, firms=16_384, least=least, cells=2, narrow=1,
                  never=0, unseen=0.0, undefined=0, needed=20_000.0)  # fmt: skip
    assert words in sentence(one)


def test_the_schema_allows_what_the_reader_does() -> None:
    schema = study_schema(load_model("car"))
    good = {"rmst": "0.05 years", "rmst.5y": "2 weeks", "survival": {"5y": 0.01}, "incidence.crash.26w": 0.01,
            "quantile.0.5": "1 year", "difference.execution": "1 week", "difference.a - b": "1 week",
            "sign": ["execution"], "sign.5y": "execution",
            "survival_difference.a - b.5y": 0.02, "survival_difference": {"execution": {"5y": 0.02}},
            "m_star": 0.01, "level": 0.9, "simultaneous": True, "at_most": "2 core-hours"}  # fmt: skip
    jsonschema.validate({"study": {"name": "cars"}, "precision": good}, schema)
    jsonschema.validate({"study": {"name": "cars"}, "precision": {"difference": {"execution": "1 week"}}}, schema)
    for bad in (
        {"rmst": 0.05},
        {"sign": 1},
        {"difference": 0.1},
        {"survival": 0.1},
        {"survival.5m": 0.1},
        {"at_most": "30 min"},
        {"quantile": 0.1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"study": {"name": "cars"}, "precision": bad}, schema)
