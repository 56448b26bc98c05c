"""A user's model as its file is run, and as studies ask it: where it fails, what it starts with, what it is called."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from firmfate import Cause, Exponential, Model, Normal, Parameter, Stock, Uniform
from firmfate.announcing import model_runs
from firmfate.errors import ModelError
from firmfate.models import load_model
from firmfate.models.refusals import REFUSALS

SHOP = REFUSALS["FF111"].example(wrong=False)
"""A file that holds the model SHOP."""


def start(p, draw):
    return {"normal": draw.z * p.size, "uniform": draw.u, "exponential": draw.e, "week": 0.0, "fate": 0.0}


def step(s, p, draw, shock, week):
    return {"normal": s.normal + shock.z, "uniform": s.uniform + shock.u, "exponential": s.exponential + shock.e,
            "week": week + 0.25, "fate": draw.u, "closed": week < 0}  # fmt: skip


def made(**settings: Any) -> Model:
    numbers = [Normal("z"), Uniform("u"), Exponential("e")]
    stocks = [Stock(name) for name in ("normal", "uniform", "exponential", "week", "fate")]
    return Model("shop", "A shop.", start, step, stocks=stocks, shocks=numbers, draws=numbers, causes=[Cause("closed")],
                 parameters=[Parameter("size", 3.0), Parameter("part", 1.0, parts=2)], **settings)  # fmt: skip


def test_medians_of_the_first_step() -> None:
    """Of every kind of random number, half are below; the first step is at week 0."""
    wanted = {"normal": 0.0, "uniform": 1.0, "exponential": 2 * math.log(2), "week": 0.25, "fate": 0.5}
    assert made().first_step([3.0, 1.0, 1.0], 1.0) == pytest.approx(wanted)
    beyond = made().first_step([math.inf, 1.0, 1.0], 1.0)  # 0 times infinity: the stocks at the start
    assert math.isnan(beyond["normal"])
    assert beyond["uniform"] == 0.5
    with pytest.raises(ValueError, match="zip"):
        made().first_step([3.0], 1.0)


def test_names_of_files_and_of_datasets() -> None:
    model = made()
    assert model.steps_per_week == 1.0
    assert model.keys == {"size": ("size",), "part": ("part_1", "part_2"), "part.1": ("part_1",), "part.2": ("part_2",)}
    asked, known = ("part_1", "part.1", "part", "nothing"), ["part.1", "part.1", "part", "nothing"]
    assert [model.key(name) for name in asked] == known
    assert model.defaults == {"size": 3.0, "part_1": 1.0, "part_2": 1.0}
    assert model.parameter("part.2").name == "part"
    assert load_model("car").module == "firmfate.models.car"
    assert model.module == __name__
    shown = model._repr_html_()
    assert [shown.count(f"{n} {rows}<") for n, rows in ((2, "parameters"), (5, "stocks"), (1, "causes"))] == [1, 1, 1]
    assert "<b>Model shop</b>" in shown.partition("A shop.")[0]


def check_sentences(values: Mapping[str, float], dt: float) -> Iterator[str]:
    yield f"size is {values['size'] + dt:g}"
    if values["size"] > 5:
        yield f"log {math.log(-1.0)}"


def check_divides(values: Mapping[str, float], dt: float) -> Iterator[str]:
    yield str(1 / (dt - 1))


def check_returns_text(values: Mapping[str, float], dt: float) -> Any:
    return "size is 3"


def check_returns_a_number(values: Mapping[str, float], dt: float) -> Any:
    return 3


def check_yields_a_number(values: Mapping[str, float], dt: float) -> Any:
    return ["fine", 3]


def first(values: Mapping[str, float]) -> float:
    return second(values)


def second(values: Mapping[str, float]) -> float:
    return values["sise"]


def check_misses(values: Mapping[str, float], dt: float) -> Iterator[str]:
    yield str(first(values))


class Check:
    """What is called, and has no line of its own."""

    def __call__(self, values: Mapping[str, float], dt: float) -> Any:
        return values["sise"]


def asked(check: Any, size: float = 3.0) -> list[str]:
    return list(made(check=check).broken_conditions({"size": size}, 1.0))


def test_conditions_are_sentences_and_arithmetic_that_fails_is_one() -> None:
    assert asked(None) == []
    assert asked(check_sentences) == ["size is 4"]
    cannot = "the conditions of model 'shop' cannot be computed: "
    found = asked(check_sentences, size=6.0)
    assert found[0] == "size is 7"
    assert found[1].startswith(cannot)
    assert asked(check_divides)[0].startswith(f"{cannot}float division by zero")


def line_of(function: Any) -> int:
    return int(function.__code__.co_firstlineno)


@pytest.mark.parametrize(
    ("check", "line", "said"),
    [
        (check_returns_text, line_of(check_returns_text), "check returned 'size is 3'; it yields sentences"),
        (check_returns_a_number, line_of(check_returns_a_number), "check returned 3; it yields sentences"),
        (check_yields_a_number, line_of(check_yields_a_number), "check yielded 3; it yields sentences"),
        (check_misses, line_of(second) + 1, "check failed: KeyError: 'sise'"),  # the innermost of three lines
    ],
)
def test_a_check_that_fails_is_refused_with_its_line(check: Any, line: int, said: str) -> None:
    with pytest.raises(ModelError, match=rf"^FF123 model 'shop': .*test_user_models\.py, line {line}: .*{said}"):
        asked(check)


def test_a_check_without_a_line_is_refused_without_one() -> None:
    with pytest.raises(ModelError, match=r"^FF123 model 'shop'.*check failed: KeyError") as refused:
        asked(Check())
    assert "line" not in str(refused.value)


def loaded(folder: Path, text: str) -> Model:
    (folder / "shop.py").write_text(text, encoding="utf-8")
    return load_model("shop.py:SHOP", beside=folder)


def test_a_file_is_run_once_and_an_edited_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = loaded(tmp_path, SHOP)
    assert loaded(tmp_path, SHOP) is shop
    monkeypatch.chdir(tmp_path)
    assert load_model("shop.py:SHOP") is shop
    again = loaded(tmp_path, SHOP.replace("5.0", "6.0"))
    assert again is not shop
    assert again.program.digest != shop.program.digest


DEEP = """
def outer(x):
    return middle(x)

def middle(x):
    return inner(x)

def inner(x):
    return 1 / x

outer(0)
"""


def test_the_line_of_a_file_that_fails_is_the_innermost(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"^FF122 model 'shop\.py:SHOP': .*shop\.py, line 9: .*ZeroDivisionError"
    ) as refused:
        loaded(tmp_path, DEEP)
    assert "a model is one file" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "kind"), [("raise SystemExit(3)", ModelError), ("raise KeyboardInterrupt", KeyboardInterrupt)]
)
def test_a_file_that_ends_the_process_is_refused_and_an_interrupt_is_one(tmp_path: Path, text: str, kind: Any) -> None:
    before = set(sys.modules)
    for _ in range(2):  # nothing half run is kept
        with pytest.raises(kind) as ended:
            loaded(tmp_path, text)
        assert (kind is KeyboardInterrupt) or str(ended.value).startswith("FF122")
    assert not [name for name in set(sys.modules) - before if name.startswith("firmfate_user_model")]


def test_an_interrupt_while_a_file_is_announced_leaves_no_empty_module(tmp_path: Path) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    text, before = SHOP + "\n# announced\n", model_runs.set(interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            loaded(tmp_path, text)
    finally:
        model_runs.reset(before)
    assert loaded(tmp_path, text).name == "shop"


OBSERVED = """
def observe(s, p, draw, shock, week):
    return dict(twice=2.0 * s.{stock})

SEEN = Model(
    "seen", "Seen.", start, step, parameters=SHOP.parameters, stocks=SHOP.stocks, shocks=SHOP.shocks,
    causes=SHOP.causes, observe=observe, auxiliaries=[firmfate.Auxiliary("twice")],
)
"""


def test_observe_is_read_when_the_model_is_made(tmp_path: Path) -> None:
    assert loaded(tmp_path, SHOP + OBSERVED.format(stock="savings")).name == "shop"
    with pytest.raises(ModelError, match=r"^FF111 .*shop\.py, line \d+"):
        loaded(tmp_path, SHOP + OBSERVED.format(stock="nothing"))
