"""The tables and settings of a model at the ends of what is allowed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from firmfate import Auxiliary, Cause, Mark, Model, Normal, Parameter, Stock, Uniform
from firmfate.errors import ModelError
from firmfate.models.declarations import SHARE, RandomNumber
from firmfate.models.refusals import REFUSALS


def start(p, draw):
    return {"savings": 5.0}


def step(s, p, draw, shock, week):
    return {"savings": s.savings + p.margin, "closed": s.savings < 0.0}


def marked(s, p, draw, shock, week):
    return {"savings": s.savings + p.margin, "closed": s.savings < 0.0, "alarm": s.savings < 1.0, "mood": 1.0}


def observe(s, p, draw, shock, week):
    return {"sales": s.savings}


def many(s, p, draw, shock, week):
    return {"savings": s.savings, **{f"cause_{i}": s.savings < 0.0 for i in range(254)}}


def made(**settings: Any) -> Model:
    given = {"name": "shop", "summary": "A shop.", "start": start, "step": step, "stocks": [Stock("savings")],
             "causes": [Cause("closed")], "parameters": [Parameter("margin", 0.5)]}  # fmt: skip
    return Model(**given | settings)


GOOD: list[dict[str, Any]] = [
    {"step": marked, "alarm": "poor", "marks": [Mark("mood", 1)]},
    {"step": marked, "alarm": "poor", "marks": [Mark("mood", 254)]},
    {"step": many, "causes": [Cause(f"cause_{i}") for i in range(254)]},
    {"draws": [Uniform("size", parts=64)]},
    {"parameters": [Parameter("margin", 0.5), Parameter("part", 1.0, parts=3)]},
    *({"steps_per_week": steps} for steps in (1, 7, 1 / 3, 1 / 13)),
    {"observe": observe, "auxiliaries": [Auxiliary("sales")]},
    {"check": lambda values, dt: iter(())},
]


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_what_is_allowed_at_the_ends(place: int) -> None:
    model = made(**GOOD[place])
    assert isinstance(model.stocks, tuple)
    assert isinstance(model.parameters, tuple)


BAD: list[tuple[str, dict[str, Any], str]] = [
    *(("FF117", {"step": marked, "alarm": "poor", "marks": [Mark("mood", maximum)]},
       f"mark 'mood' has the maximum {re.escape(repr(maximum))}; allowed: 1 to 254")
      for maximum in (0, -1, 255, 256, 2.0)),
    ("FF117", {"step": marked, "marks": [Mark("mood", 5)]}, "say in alarm what it means"),
    ("FF117", {"observe": observe}, "observe and auxiliaries belong together"),
    ("FF117", {"auxiliaries": [Auxiliary("sales")]}, "observe and auxiliaries belong together"),
    ("FF116", {"causes": [Cause(f"cause_{i}") for i in range(255)]}, "causes has 255 rows; allowed: 1 to 254"),
    ("FF116", {"causes": []}, "causes has 0 rows"), ("FF116", {"stocks": []}, "stocks is empty"),
    ("FF116", {"shocks": [Normal("a", parts=64), Normal("b")]}, "shocks has 65 random numbers; at most 64"),
    ("FF116", {"draws": [Normal("a", parts=65)]}, "draws has 65 random numbers; at most 64"),
    *(("FF115", {"steps_per_week": steps}, "steps_per_week is") for steps in (0, -1, 1.5, 2 / 3, float("nan"), "1")),
    ("FF115", {"alarm": 3}, "the alarm 3; allowed: text"), ("FF115", {"check": 3}, "check is 3; it takes a function"),
    ("FF115", {"shocks": [Stock("a")]}, "it takes Normal, Uniform or Exponential"),
    ("FF115", {"stocks": [Cause("a")]}, "stocks holds .* it takes Stock$|it takes Stock[^s]"),
    ("FF115", {"stocks": "savings"}, "it takes a list of Stock"),
    ("FF115", {"parameters": [Parameter("a", "1")]}, "has the default '1'; allowed: a number"),
    ("FF115", {"parameters": [Parameter("a", 1.0, "1", (0, 1))]}, r"allows \(0, 1\); write an Interval"),
    ("FF115", {"stocks": [Stock("a", parts=0)]}, "has the parts 0; allowed"),
    ("FF115", {"stocks": [Stock("a", parts=(1, 2))]}, r"has the parts \(1, 2\); allowed"),
    ("FF115", {"shocks": [RandomNumber("a")]}, "it takes Normal, Uniform or Exponential"),
    ("FF115", {"parameters": [Parameter("a", 2.5, "1", SHARE)]}, r"default 2\.5 of 'a' is outside \[0, 1\]"),
    ("FF114", {"name": ""}, "the model's name is ''"), ("FF114", {"name": 3}, "the model's name is 3"),
    ("FF114", {"stocks": [Stock(3)]}, "stocks has a name 3; allowed: text"),
    *(("FF114", {"parameters": [Parameter(name, 1.0)]}, f"parameter '{name}' cannot be a name")
      for name in ("1a", "a b", "_a", "if")),
    ("FF114", {"parameters": [Parameter("a", 1.0, parts=("x", "y z"))]}, "'y z' cannot be a name"),
    ("FF114", {"parameters": [Parameter("a", 1.0), Parameter("a", 2.0)]}, "parameter 'a' appears twice"),
    ("FF114", {"stocks": [Stock("a_b"), Stock("a", parts=("b",))]}, "stock 'a_b' appears twice"),
    ("FF114", {"parameters": [Parameter("dt", 1.0)]}, "is the length of a step already"),
    ("FF114", {"causes": [Cause("savings")]}, "stock, cause or mark 'savings' appears twice"),
    ("FF114", {"causes": [Cause("alarm")]}, "'alarm' says in a step whether the alarm rings"),
    ("FF101", {"step": 3}, "step is 3"),
    ("FF101", {"observe": 3}, "observe is 3, which is no plain function"), ("FF101", {"start": None}, "start is None"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(BAD)))
def test_what_lies_beyond_is_refused_where_it_is_written(place: int) -> None:
    code, settings, said = BAD[place]
    with pytest.raises(ModelError, match=said) as refused:
        made(**settings)
    assert str(refused.value).startswith(f"{code} model ")
    assert "test_checks.py, line " in str(refused.value)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_page_shows_tables_below_the_lines_they_belong_to(code: str) -> None:
    refusal = REFUSALS[code]
    sides = list(zip((refusal.wrong, refusal.right), refusal.tables, strict=True))
    assert refusal.page.count("# in the model's table:") == sum(bool(lines and tables) for lines, tables in sides)
    assert "```python\n\n" not in refusal.page
    for lines, tables in sides:
        assert all(line.strip() in refusal.page for line in (*lines.splitlines(), *tables.splitlines()))
