"""What the built-in models declare is what was committed, and conditions on several values hold at their ends."""

from __future__ import annotations

from typing import Any

import pytest
from declared import FOLDER, declared

from firmfate.models import BUILT_IN, load_model


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_a_model_declares_is_what_was_committed(name: str) -> None:
    """Where a change is meant, `python tests/models/declared.py` writes the table anew."""
    committed = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert list(declared(load_model(name))) == committed
    assert load_model(name)._repr_html_().count(" *<") == sum(line.endswith(" *") for line in committed)


def broken(dt: float = 1.0, **values: float) -> list[str]:
    model = load_model("firm")
    return list(model.broken_conditions(model.defaults | values, dt))


@pytest.mark.parametrize("name", ["fill_time", "pick_time", "transit_time", "rework_time"])
@pytest.mark.parametrize(("dt", "words"), [(0.5, "0.5 weeks"), (1.0, "1 week"), (2.0, "2 weeks")])
def test_no_time_is_shorter_than_a_step(name: str, dt: float, words: str) -> None:
    times: dict[str, float] = dict.fromkeys(("fill_time", "pick_time", "transit_time", "rework_time"), dt)
    assert broken(dt, **times) == []
    assert broken(dt, **times | {name: dt * (1 - 1e-13)}) == []  # one step but for rounding
    short = dt * (1 - 1e-9)
    assert broken(dt, **times | {name: short}) == [
        f"{name} = {short:g} weeks must be at least one step ({words}): raise it, or steps_per_week"
    ]


def test_capacity_leaves_more_than_a_quiet_firm_starts() -> None:
    """All of these numbers are exact in binary: rework takes 1/4, and a quiet firm starts 1."""
    given: dict[str, Any] = {"obsolescence": 0.0, "defect_rate": 0.5, "inspection": 0.5}
    assert broken(**given, capacity=1.25 + 2**-40) == []
    assert broken(**given, capacity=1.25) == [
        "capacity = 1.25 leaves 1.000 of weekly demand after rework, and a quiet firm starts 1.000, which must be "
        "less: raise capacity, or lower defect_rate, obsolescence or stock_cover"
    ]
    assert len(broken(**given, capacity=1.0, fill_time=0.5)) == 2
