"""Functions for models and the step of a car, called as plain Python, by closed forms."""

from __future__ import annotations

import math
from types import SimpleNamespace as Given
from typing import Any

import pytest
from scipy import stats

from firmfate.errors import ModelError
from firmfate.models import car, functions, load_model
from firmfate.models.declarations import (
    ANY,
    BELOW_ONE,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    WEEK_OR_LONGER,
    Interval,
    Mark,
    Parameter,
    Stock,
    numbered,
)

XS, YS = [1, 2, 4, 8], [3, 5, 4, 20]


@pytest.mark.parametrize(("x", "y"), [(-9, 3), (1, 3), (1.5, 4), (2, 5), (3, 4.5), (4, 4), (5, 8), (8, 20), (9, 20)])
def test_a_table_is_linear_between_its_points(x: float, y: float) -> None:
    assert functions.table(x, XS, YS) == pytest.approx(y)
    assert functions.table(x, XS[:2], YS[:2]) == pytest.approx(min(y, 5) if x < 2 else 5)


@pytest.mark.parametrize(
    ("xs", "ys"), [([1, 2], 3), (1, [2, 3]), ([1, 2], [3]), ([1], [2]), ([1, 1], [2, 3]), ([2, 1], [2, 3])]
)
def test_what_is_no_table_is_refused(xs: Any, ys: Any) -> None:
    with pytest.raises(Exception, match="a table"):
        functions.table(0.5, xs, ys)


def test_a_delay_holds_what_it_should_and_settles_there() -> None:
    """Little's law: what is in transit is inflow times delay; a step of inflow has gone through after many delays."""
    stages = functions.delay_start(3.0, 8.0, 4)
    assert stages == (6.0,) * 4
    assert functions.delay_outflow(stages, 8.0) == 3.0
    assert functions.delay_step((6.0, 8.0), 1.0, 4.0, 0.5) == (6 + 0.5 * (1 - 3), 8 + 0.5 * (3 - 4))
    assert functions.delay_outflow((5.0, 6.0, 8.0), 12.0) == 2.0
    stepped = functions.delay_step((6.0, 7.0, 8.0), 1.0, 3.0, 0.5)
    assert stepped == (6 + 0.5 * (1 - 6), 7 + 0.5 * (6 - 7), 8 + 0.5 * (7 - 8))
    for _ in range(400):
        stages = functions.delay_step(stages, 5.0, 8.0, 0.25)
    assert stages == pytest.approx((10.0,) * 4)
    assert functions.delay_outflow(stages, 8.0) == pytest.approx(5.0)


def test_random_numbers_are_quantiles_of_their_laws() -> None:
    for u in (0.01, 0.2, 0.5, 0.8, 0.99):
        z = float(stats.norm.ppf(u))
        assert functions.lognormal(z, 3.0, 0.5) == pytest.approx(stats.lognorm(0.5, scale=3).ppf(u))
        assert functions.poisson(u, 2.5, 20) == stats.poisson(2.5).ppf(u)
        assert functions.triangular(u, 1.0, 2.0, 5.0) == pytest.approx(stats.triang(0.25, 1, 4).ppf(u))
        assert functions.triangular(u, 1.0, 5.0, 5.0) == pytest.approx(stats.triang(1, 1, 4).ppf(u))
        assert functions.gamma(z, 6.0, 3.0) == pytest.approx(stats.gamma(3, scale=2).ppf(u), abs=0.06)
        assert functions.bernoulli(u, 0.5) is (u < 0.5)
        assert functions.erlang([u], 6.0) == pytest.approx(stats.expon(scale=6).isf(u))
    assert functions.poisson(0.9999, 2.5, 3) == 3.0
    assert functions.poisson(math.exp(-2.5), 2.5, 3) == 0.0  # the share of firms with none
    assert functions.gamma(0.5, 6.0, 4.0) == pytest.approx(6 * (1 - 1 / 36 + 0.5 / 6) ** 3)  # Wilson & Hilferty 1931
    assert functions.gamma(-9.0, 6.0, 1.0) == 0.0
    assert functions.erlang([0.5, 0.25], 6.0) == pytest.approx(3 * math.log(8))


P = {
    "buffer_mean": 0.5, "buffer_sd": 2.0, "drift": -0.2, "execution_gain": 0.3, "harm": 0.5, "sigma": 1.5,
    "notice": 0.1,
}  # fmt: skip


def moved(distance: float, week: float, notice: float, **shock: float) -> dict[str, Any]:
    """Step a car by a quarter; `notice` is the year in which its driver notices."""
    p = Given(**P, execution=0.8, misalignment=0.5, dt=13.0)
    draw = Given(notice=1 - math.exp(-0.1 * notice))
    given = {"road": 0.0, "road_repaired": 0.0, "edge": 1.0, "edge_repaired": 1.0} | shock
    return car.step(Given(distance=distance), p, draw, Given(**given), week)


def test_a_car_steps_by_hand() -> None:
    straight, crooked = -0.2 + 0.3 * 0.8, -0.2 + 0.3 * 0.8 - 0.5 * 0.8 * 0.5
    found = moved(2.0, 26.0, 9.0, road=0.4, road_repaired=9.0)
    assert found["distance"] == pytest.approx(2 + crooked / 4 + 1.5 * 0.5 * 0.4)
    assert not found["crash"]
    assert not found["alarm"]
    found = moved(2.0, 26.0, 0.25, road=9.0, road_repaired=-0.4)
    assert found["distance"] == pytest.approx(2 + straight / 4 - 1.5 * 0.5 * 0.4)
    assert found["alarm"]
    assert not found["crash"]
    found = moved(2.0, 26.0, 0.6, road=0.4, road_repaired=0.2)  # at 0.1 of the 0.25 years of the step
    between = 2 + crooked * 0.1 + 1.5 * math.sqrt(0.1) * 0.4
    after = between + straight * 0.15 + 1.5 * math.sqrt(0.15) * 0.2
    assert found["distance"] == pytest.approx(after)
    early = math.exp(-2 * 2 * between / (2.25 * 0.1))
    late = math.exp(-2 * between * after / (2.25 * 0.15))
    for shock, crash, alarm in (
        ({"edge": early * 0.999}, True, False), ({"edge": early * 1.001}, False, True),
        ({"edge_repaired": late * 0.999}, True, True), ({"edge_repaired": late * 1.001}, False, True),
    ):  # fmt: skip
        found = moved(2.0, 26.0, 0.6, road=0.4, road_repaired=0.2, **shock)
        assert (bool(found["crash"]), bool(found["alarm"])) == (crash, alarm), shock
    assert moved(0.5, 26.0, 9.0, road=-2.0)["crash"]  # beyond the edge


def test_a_driver_notices_at_a_constant_rate_or_never() -> None:
    assert car.notice_year(Given(notice=0.1), Given(notice=0.5)) == pytest.approx(10 * math.log(2))
    assert car.notice_year(Given(notice=0.0), Given(notice=0.5)) == math.inf
    assert car.start(Given(**P), Given(buffer=0.25)) == {"distance": pytest.approx(math.e)}
    assert car.MODEL.steps_per_week == pytest.approx(1 / 13)
    assert not car.touched(Given(sigma=1.0), 1.0, 1.0, 0.0, 0.5)
    assert car.touched(Given(sigma=1.0), 1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "words"),
    [
        (SHARE, (0, 0.5, 1), (-1e-9, 1 + 1e-9, math.nan), "[0, 1]"),
        (BELOW_ONE, (0, 0.999), (-1e-9, 1), "[0, 1)"),
        (NOT_NEGATIVE, (0, 1e300), (-1e-9, math.inf), "[0, inf)"),
        (POSITIVE, (1e-300, 9), (0, -1, math.inf), "(0, inf)"),
        (ANY, (-1e300, 0, 1e300), (-math.inf, math.inf, math.nan), "(-inf, inf)"),
        (WEEK_OR_LONGER, (1, 52), (1 - 1e-9, math.inf), "[1, inf)"),
        (Interval(2, 3, open_low=True, open_high=True), (2.5,), (2, 3), "(2, 3)"),
    ],
)
def test_intervals_hold_their_ends_or_not(
    interval: Interval, inside: tuple[float, ...], outside: tuple[float, ...], words: str
) -> None:
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)
    assert str(interval) == words


def test_rows_and_their_parts() -> None:
    assert numbered(3) == ("1", "2", "3")
    assert numbered(1) == ("1",)
    assert (numbered(0), numbered(-1), numbered(True), numbered("ab")) == (0, -1, True, "ab")
    assert numbered(["a", "b"]) == ("a", "b")
    assert Stock("x", parts=2).fields == ("x_1", "x_2")
    assert Stock("x").fields == ("x",)
    assert Parameter("x", 0.5, parts=("a",)).keys == ("x", "x.a")
    plain = Parameter("x", 0.5)
    assert (plain.unit, str(plain.allowed), plain.assumption, plain.keys) == ("1", "(-inf, inf)", False, ("x",))
    assert (Mark("green_kpis", 5).dim, Mark("green_kpis", 5, dim="green").dim) == ("green_kpis", "green")
    assert Mark("loss", 5).counted == "los_count"


def test_a_model_in_words() -> None:
    model = load_model("car")
    assert repr(model) == (
        "<Model 'car': The metaphor: distance to the edge of the road, exactly solvable; 9 parameters, 1 stocks, "
        "1 causes>"
    )
    shown = model._repr_html_()
    assert "9 parameters" in shown
    assert "1 stocks" in shown
    assert model.parameter("harm").default == 0.5
    assert load_model("firm").parameter("misalignment.sales").name == "misalignment"
    assert load_model("firm").keys["misalignment.sales"] == ("misalignment_sales",)
    assert len(load_model("firm").keys["misalignment"]) == 5
    assert [(mark.name, mark.maximum) for mark in load_model("firm").marks] == [("green_kpis", 5)]  # one a division
    assert load_model(model) is model


def test_the_first_step_has_median_random_numbers() -> None:
    model = load_model("car")
    row = [P.get(name, 0.5) for name in model.fields]
    p = Given(**dict(zip(model.fields, row, strict=True)), dt=13.0)
    shocks = Given(road=0.0, road_repaired=0.0, edge=0.5, edge_repaired=0.5)
    wanted = car.step(Given(distance=math.exp(0.5)), p, Given(notice=0.5), shocks, 0.0)["distance"]
    assert model.first_step(row, 13.0) == {"distance": pytest.approx(wanted)}
    row[model.fields.index("buffer_mean")] = 1e5
    assert model.first_step(row, 13.0) == {"distance": math.inf}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("frim", r"model 'frim' is not known; allowed: firm, car, or a file and a name, 'my_model\.py:NAME'; did you"),
        ("model.txt:CAR", "model 'model.txt:CAR' is not known"), ("model.py", "model 'model.py' is not known"),
        ("none.py:CAR", "there is no file .*none.py"), ("model.py:CRA", "named 'CRA'; did you mean 'CAR'"),
        ("model.py:zzzzzz", "named 'zzzzzz'; it holds CAR"),
        ("empty.py:CAR", "empty.py holds no firmfate Model named 'CAR'$"),
        ("fails.py:CAR", r"fails\.py, line 3.*the file cannot be run: ZeroDivisionError: division by zero"),
        ("lacks.py:CAR", "No module named 'nowhere_at_all'; a model is one file"),
        ("broken.py:CAR", r"broken\.py, line 2.*SyntaxError"),
        ("nulls.py:CAR", r"nulls\.py, line 0: the file cannot be run: .* null bytes"),
    ],
)  # fmt: skip
def test_files_that_hold_no_such_model(tmp_path: Any, name: str, said: str) -> None:
    texts = {"model.py": "from firmfate.models.car import MODEL as CAR\n", "empty.py": "", "lacks.py":
             "import nowhere_at_all\n", "fails.py": "a = 1\n\nb = a / 0\n", "broken.py": "a = 1\nb = (\n"}  # fmt: skip
    texts["nulls.py"] = "a = 1\0"
    for file, text in texts.items():
        (tmp_path / file).write_text(text)
    with pytest.raises(ModelError, match=said) as refused:
        load_model(name, beside=tmp_path)
    assert ("a model is one file" in str(refused.value)) == ("nowhere" in said)
    assert load_model("model.py:CAR", beside=tmp_path) is load_model("car")
