"""Designs and populations at the ends of what is allowed, where the schema says the same, and by exact numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from firmfate.design import Population
from firmfate.design.axes import Axis
from firmfate.design.coalitions import Coalitions, members
from firmfate.design.dependence import cholesky, weights
from firmfate.design.distributions import Distribution
from firmfate.design.families import FAMILIES
from firmfate.design.grid import Grid
from firmfate.design.strata import strata_edges
from firmfate.errors import StudyError
from firmfate.models import load_model
from firmfate.models.declarations import Interval
from firmfate.study import Study, study_schema

jsonschema = pytest.importorskip("jsonschema")
HEAD: dict[str, Any] = {"study": {"name": "x", "years": 1, "replicates": 8}}
TWO = {"execution": {"beta": [2, 2]}, "alarm": {"uniform": [0.5, 0.9]}}
BETWEEN = ["execution", "alarm"]


def study(**tables: Any) -> Study:
    return Study(**HEAD, **tables)


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft7Validator(study_schema(load_model("firm")))


def spaced(points: int) -> dict[str, Any]:
    return {"grid": {"execution": {"from": 0, "to": 1, "points": points}}}


def pair(**strength: Any) -> dict[str, Any]:
    between = strength.pop("between", BETWEEN)
    return {"population": {**TWO, "correlation": [{"between": between, **strength}]}}


def strata(**bins: int) -> dict[str, Any]:
    return {"population": {**TWO, "strata": bins}}


def beta(*arguments: float) -> dict[str, Any]:
    return {"population": {"execution": {"beta": list(arguments)}}}


GOOD: list[dict[str, Any]] = [
    spaced(2), spaced(100_000), {"grid": {"execution": {"values": [0.5]}}}, {"grid": {"execution": [0]}},
    {"grid": {"execution": {"from": 0.1, "to": 1, "points": 3, "scale": "log"}}},
    *({"sobol": {"points": points, "execution": [0, 1]}} for points in (2, 1_000_000)),
    {"sobol": {"points": 2, "execution": {"from": 0, "to": 1, "scale": "linear"}, "scramble": False}},
    *({"latin_hypercube": {"points": 2_000, "optimise": how, "execution": [0, 1]}} for how in ("discrepancy", "none")),
    {"latin_hypercube": {"points": 2_001, "optimise": "none", "execution": [0, 1]}},
    {"saltelli": {"points": 2, "execution": [0, 1], "alarm": [0.5, 0.9]}},
    {"coalitions": {"execution": [1, 0]}}, {"coalitions": {"execution": {"off": 0, "on": 1}}},
    {"cells": [{"name": "n" * 64, "execution": 0.5}]}, {"cells": [{"name": "a b", "execution": 0}]},
    pair(rank=-0.99), pair(normal=0.99), strata(execution=2), strata(execution=64), strata(execution=8, alarm=8),
    beta(0.01, 1e6), beta(2, 2, 0.1, 0.9), {"population": {"execution": {"empirical": [0.5]}}},
    {"population": {"execution": {"constant": 1}}}, {"population": {"execution": {"constant": [1]}}},
    {"population": {"execution": {"constant": {"value": 1}}}}, {"population": {"execution": {"uniform": [0.5, 0.5]}}},
    {"population": {"execution": {"triangular": [0.2, 0.2, 0.4]}}},
    {"population": {"execution": {"triangular": [0.2, 0.4, 0.4]}}},
    {"population": {"correct_time": {"lognormal": {"median": "26 weeks", "sd_log": 0}}}},
    {"population": {"correct_time": {"normal": ["26 weeks", 0]}}},
    {"population": {"execution": {"beta": {"a": 2, "b": 2}}}},
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_both_allow(place: int, validator: Any) -> None:
    assert study(**GOOD[place]).name == "x"
    validator.validate({**HEAD, **GOOD[place]})


BAD: list[tuple[dict[str, Any], str]] = [
    (spaced(1), "from 2 to 100,?000"), (spaced(100_001), "from 2 to 100,?000"),
    ({"sobol": {"points": 1, "execution": [0, 1]}}, "from 2 to 1,?000,?000"),
    ({"sobol": {"points": 1_000_001, "execution": [0, 1]}}, "from 2 to 1,?000,?000"),
    ({"sobol": {"points": 4, "execution": [0]}}, "must be a range"),
    ({"sobol": {"points": 4, "execution": [0, 0.5, 1]}}, "must be a range"),
    ({"coalitions": {"execution": [0]}}, r"must be \{ off"), ({"coalitions": {"execution": [0, 1, 0.5]}}, "must be"),
    ({"coalitions": {"execution": {"off": 0, "on": 1, "x": 1}}}, "must be"),
    ({"cells": [{"name": "n" * 65, "execution": 0.5}]}, "1 to 64 characters"),
    (pair(rank=1), r"\(-1, 1\)"), (pair(normal=-1), r"\(-1, 1\)"),
    (pair(between=["execution"], rank=0.5), "must be two keys"),
    (pair(between=["execution", "alarm", "execution"], rank=0.5), "must be two keys"),
    (strata(execution=1), "from 2 to 64"), (strata(execution=65), "from 2 to 64"),
    ({"population": {"alarm": {}}}, "must be { family = "),
    ({"population": {"alarm": {"uniform": [0.5, 0.9], "constant": 0.5}}}, "must be { family = "),
    ({"population": {"execution": {"empirical": []}}}, "must be a list of observed values"),
    ({"population": {"execution": {"empirical": {"column": "a"}}}}, "needs 'file', a CSV file"),
    ({"population": {"correct_time": {"lognormal": [26, 1]}}}, "can be read in two ways"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(BAD)))
def test_both_refuse(place: int, validator: Any) -> None:
    table, said = BAD[place]
    with pytest.raises(StudyError, match=said):
        study(**table)
    assert list(validator.iter_errors({**HEAD, **table}))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"latin_hypercube": {"points": 2_001, "optimise": "discrepancy", "execution": [0, 1]}}, "at most 2,000"),
        ({"population": {"misalignment.sales": {"uniform": [0, 1]},
                         "strata": {"misalignment_sales": 3, "misalignment.sales": 2}}}, "is written twice; keep one"),
        ({"cells": [{"name": "a  b", "execution": 0.5}]}, "single spaces"),
        ({"cells": [{"name": "a", "execution": 0.5}, {"name": "a", "execution": 0.6}]},
         r"cells\[1\]\.name: 'a' is the name of cells\[0\] already"),
        ({"cells": [{"name": "a", "execution": 0.5}, {"execution": 0.6}]}, r"cells\[1\]: .*differing: name"),
        (pair(), "needs either rank"),
        (pair(rank=0.5, normal=0.5), "needs either rank"),
        (pair(between=["execution", "execution"], rank=0.5), "two different keys"),
        ({"population": {**TWO, "correlation": [{"between": BETWEEN, "rank": 0.1},
                                                {"between": BETWEEN[::-1], "rank": 0.1}]}}, "that is named once"),
        ({"population": {**TWO, "correlation": {"between": BETWEEN}}}, "must be a list of tables"),
        (strata(execution=8, alarm=9), "makes 72 strata; at most 64"),
        (beta(0.0099, 2), r"a and b must lie in \[0.01, 1e6\]"), (beta(2, 1.01e6), "a and b must lie in"),
        (beta(2, 2, 0.5, 0.5), "low must be below high"), (beta(2, 2, 0.5), r"must be \[a, b, low, high\]"),
        ({"population": {"execution": {"truncated_normal": [0.5, 0, 0, 1]}}}, "sd must be above 0"),
        ({"population": {"execution": {"truncated_normal": [0.5, 0.1, 0.5, 0.5]}}}, "low must be below high"),
        ({"population": {"execution": {"uniform": [0.6, 0.5]}}}, "low must not be above high"),
        ({"population": {"correct_time": {"lognormal": {"median": 26, "sd_log": -0.1}}}}, "sd_log is negative"),
        ({"population": {"execution": {"uniform": [0, 1], "beta": [2, 2]}}}, "must be { family = "),
        ({"population": {"correct_time": {"lognormal": {"median": 1e300, "sd_log": 500}}}}, "cannot be computed with"),
        ({"grid": {"execution": [0], "execution.sales": [0, 0]}}, r"execution\.sales\[1\] = 0: is there already, as "),
    ],
)  # fmt: skip
def test_the_reader_refuses_what_no_schema_says(table: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        study(**table)


def test_sixteen_players_and_no_more() -> None:
    keys = [row.key for row in _shares()]
    table = {key: [0.25, 0.5] for key in keys[:17]}
    assert len(table) == 17
    with pytest.raises(StudyError, match=r"has 17 axes, so 2\^17 cells; at most 16"):
        study(coalitions=table)
    table.pop(keys[0])
    assert study(coalitions=table).design.count == 65_536


def _shares() -> list[Any]:
    """Return parameters of the firm that may be 1/4 and 1/2."""
    model = load_model("firm")
    return [type("Key", (), {"key": key}) for key in model.keys
            if "." in key and 0.25 in model.parameter(key).allowed and 0.5 in model.parameter(key).allowed] + [
        type("Key", (), {"key": key}) for key in model.keys
        if "." not in key and key not in ("execution", "misalignment") and 0.25 in model.parameter(key).allowed
        and 0.5 in model.parameter(key).allowed
    ]  # fmt: skip


def test_a_million_cells_and_no_more() -> None:
    axes = {"execution": {"from": 0, "to": 1, "points": 1_000}, "misalignment": {"from": 0, "to": 1, "points": 1_000}}
    assert study(grid=axes).design.count == 1_000_000
    with pytest.raises(StudyError, match=r"\[grid\] has 1,001,000 cells; at most 1,000,000"):
        study(grid=axes | {"execution": {"from": 0, "to": 1, "points": 1_001}})
    assert study(saltelli={"points": 8, "execution": [0, 1], "alarm": [0.5, 0.9]}).design.count == 32
    three = {"points": 8, "second_order": True, "execution": [0, 1], "alarm": [0.5, 0.9], "blindness": [0, 1]}
    assert study(saltelli=three).design.count == 64


def test_coalitions_switch_axis_i_by_bit_i() -> None:
    assert members(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]
    game = Coalitions((Axis("a", (1.0, 2.0)), Axis("b", (4.0, 3.0))))
    assert game.points(0).tolist() == [[1, 4], [2, 4], [1, 3], [2, 3]]


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, "one cell"),
        ({"grid": {"misalignment.sales": [1, 0], "correct_time": [26]}},
         "a grid over misalignment of sales (2 values from 0 to 1) and correct time (1 values from 26 to 26)"),
        ({"sobol": {"points": 4, "execution": [0, 1]}}, "a scrambled Sobol sequence over execution"),
        ({"sobol": {"points": 4, "execution": [0, 1], "scramble": False}}, "a Sobol sequence over execution"),
        ({"cells": [{"execution": 0.5, "alarm": 0.5}]}, "listed cells over execution and alarm"),
    ],
)  # fmt: skip
def test_a_design_in_words(tables: dict[str, Any], words: str) -> None:
    assert study(**tables).design.words == words


def test_cells_in_words_and_by_name(tmp_path: Path) -> None:
    found = study(grid={"execution": [0.5, 1], "misalignment": [0, 0.5, 1]}).cells
    assert repr(found) == f"<Cells: 6 (2 execution x 3 misalignment) of {len(found.fields)} parameters>"
    assert list(found.values(5)) == list(found.fields)
    assert found.values(3)["misalignment_sales"] == 0
    assert found.random_words.tolist() == [0] * 6
    named = study(cells=[{"name": "b", "execution": 0.5}, {"name": "a", "execution": 0.2}]).cells
    assert named.coords["cell"][1].tolist() == ["b", "a"]
    assert named.coords["cell"][2]["long_name"] == "name of the cell, as the study gives it"
    assert named.coords["execution"][2]["long_name"] == load_model("firm").parameter("execution").meaning
    (tmp_path / "cells.csv").write_text("name,execution\n1,0.5\nb,0.2\n")
    text = 'cells = "cells.csv"\n[study]\nname = "x"\n'
    assert Study.parse(text, beside=tmp_path).design.names == ("1", "b")


ANY = Interval(-math.inf, math.inf)


def drawn(family: str, *arguments: float, at: float = 0.9) -> float:
    return float(Distribution("execution", family, arguments, ANY).quantile(np.array([at]))[0])


def test_quantiles_by_closed_forms() -> None:
    z = float(ndtri(0.9))
    assert drawn("normal", 3, 2) == pytest.approx(3 + 2 * z)
    assert drawn("lognormal", 3, 2) == pytest.approx(3 * math.exp(2 * z))
    assert drawn("uniform", 3, 5) == pytest.approx(4.8)
    assert drawn("beta", 2, 1) == pytest.approx(math.sqrt(0.9))
    assert drawn("beta", 1, 2, 3, 5) == pytest.approx(3 + 2 * (1 - math.sqrt(0.1)))
    assert drawn("triangular", 1, 2, 4, at=0.2) == pytest.approx(1 + math.sqrt(0.2 * 3 * 1))
    assert drawn("triangular", 1, 2, 4) == pytest.approx(4 - math.sqrt(0.1 * 3 * 2))
    low, high = ndtr((1 - 3) / 2), ndtr((4 - 3) / 2)
    assert drawn("truncated_normal", 3, 2, 1, 4) == pytest.approx(3 + 2 * ndtri(low + 0.9 * (high - low)))
    assert drawn("constant", 7) == 7
    assert [drawn("empirical", 1, 2, 4, 8, at=at) for at in (0.1, 0.25, 0.74, 0.75)] == [1, 2, 4, 8]


def test_open_ends_are_not_reached_and_closed_ones_are() -> None:
    for low, high in ((False, False), (True, False), (False, True)):
        allowed = Interval(0.0, 1.0, open_low=low, open_high=high)
        one = Distribution("execution", "uniform", (-1.0, 2.0), allowed)
        found = one.quantile(np.array([0.1, 0.9])).tolist()
        assert found == [5e-324 if low else 0.0, 1 - 2**-53 if high else 1.0]


def test_what_is_the_same_for_all_firms() -> None:
    same = (("constant", 1), ("normal", 1, 0), ("lognormal", 1, 0), ("uniform", 2, 2), ("empirical", 2, 2, 2))
    differs = (("normal", 0, 1), ("uniform", 1, 2), ("empirical", 1, 1, 2), ("beta", 2, 2), ("beta", 2, 0.01))
    for constant, cases in ((True, same), (False, differs)):
        for family, *arguments in cases:
            one = Distribution("execution", str(family), tuple(map(float, arguments)), ANY)
            assert one.constant is constant, one
            assert one.words.startswith("constant, ") is constant
    assert Distribution("a", "normal", (1.25, 0.0), ANY).words == "constant, 1.25"


def test_distributions_in_words() -> None:
    one = Distribution("a", "truncated_normal", (1.0, 2.0, -1.0, 3.0), ANY)
    assert one.described == "truncated_normal(1, 2, -1, 3)"
    assert one.words == "truncated normal (mean 1, sd 2, low -1, high 3), median 1, 5-95 % -0.735 to 2.74"
    seen = Distribution("a", "empirical", tuple(map(float, range(1_000))), ANY)
    assert seen.words == "empirical (1,000 values), median 500, 5-95 % 50 to 950"
    assert seen.described.startswith("empirical(1000 values, ")
    assert FAMILIES["beta"].needed == ("a", "b")
    assert FAMILIES["beta"].form == "[a, b, low, high]"
    assert FAMILIES["lognormal"].form == "{ median = .., sd_log = .. }"
    assert "where 3.2 is the mean of the logarithm" in FAMILIES["lognormal"].two_ways(3.2, 0.5)
    assert "{ median = 24.53, sd_log = 0.5 }" in FAMILIES["lognormal"].two_ways(3.2, 0.5)


def test_the_factor_of_correlations_by_hand() -> None:
    pairs = (("a", "b", 0.6), ("b", "c", 0.5))
    third = math.sqrt(1 - 0.625**2)
    found = cholesky(("a", "b", "c"), pairs)
    assert found is not None
    np.testing.assert_allclose(found, [[1, 0, 0], [0.6, 0.8, 0], [0, 0.625, third]], atol=1e-15)
    assert cholesky(("a", "b"), (("a", "b", 1.0),)) is None
    assert weights((("a", "b", 0.6),)) == {"a": (("a", 1.0),), "b": (("a", 0.6), ("b", 0.8))}
    population = study(**pair(rank=0.5)).population
    assert population.correlations == (("alarm", "execution", pytest.approx(2 * math.sin(math.pi / 12))),)
    assert study(**pair(normal=0.5)).population.correlations == (("alarm", "execution", 0.5),)


def test_strata_by_hand() -> None:
    one = Distribution("a", "uniform", (0.0, 8.0), ANY)
    assert strata_edges(one, 4) == (2.0, 4.0, 6.0)
    population = Population.read(
        {
            "execution": {"uniform": [0, 1]},
            "blindness": {"uniform": [0, 1]},
            "strata": {"execution": 2, "blindness": 3},
        },
        _source(),
    ).placed(("blindness", "execution"), {"blindness": ("blindness",), "execution": ("execution",)})
    assert population.strata_count == 6
    values = np.array([[0.1, 0.1], [0.1, 0.9], [0.5, 0.1], [0.9, 0.9], [1 / 3, 0.5]])
    assert population.stratum(values).tolist() == [0, 1, 2, 5, 3]
    assert [stratum.names for stratum in population.strata] == [
        ("blindness_lower", "blindness_upper"), ("execution_lower", "execution_upper"),
    ]  # fmt: skip
    assert population.quantiles(np.array([[0.25, 0.75]])).tolist() == [[0.25, 0.75]]


def _source() -> Any:
    from firmfate.tables.source import Source

    return Source(load_model("firm"), Path())


def test_observed_values_of_a_file_by_their_column(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x\n0.5\n0.25\n")
    (tmp_path / "two.csv").write_text("x,execution\n0.5,0.75\n0.25,0.5\n")

    def read(written: str) -> tuple[float, ...]:
        text = f'[study]\nname = "x"\n[population]\nexecution = {{ empirical = {written} }}\n'
        return Study.parse(text, beside=tmp_path).population.distributions[0].arguments

    assert read('"one.csv"') == read('{ file = "one.csv", column = "x" }') == (0.25, 0.5)
    assert read('"two.csv"') == (0.5, 0.75)
    assert read('{ file = "two.csv", column = "x" }') == (0.25, 0.5)
    (tmp_path / "one.csv").write_text("x\n0.5\n1.25\n")
    with pytest.raises(StudyError, match=r"one\.csv line 3 column x"):
        read('"one.csv"')


def test_a_quantile_that_the_libraries_cannot_compute_is_no_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Distribution, uniform: object) -> None:
        raise OverflowError("math range error")

    monkeypatch.setattr(Distribution, "unclipped", fails)
    assert Distribution("a", "normal", (0.0, 1.0), ANY).reach == (-math.inf, math.inf)
    with pytest.raises(StudyError, match="reach from -inf to inf, which cannot be computed with"):
        study(population={"correct_time": {"normal": [26, 1]}})


def test_a_grid_with_other_values_of_one_axis() -> None:
    grid = Grid((Axis("execution", (0.0, 1.0)), Axis("misalignment", (0.0, 1.0))))
    finer = grid.with_values("misalignment", (0.0, 0.5, 1.0))
    assert [axis.values for axis in finer.axes] == [(0.0, 1.0), (0.0, 0.5, 1.0)]
    assert finer.count == 6
