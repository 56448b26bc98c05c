"""A directory never mixes firms of two versions of a model, wherever the constant stands that was edited in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate

MODEL = """\
from typing import NamedTuple
from firmfate import Cause, Model, Normal, Parameter, Stock
{constants}

def start(p, draw):
    return {{"cash": {limit}}}

def step(s, p, draw, shock, week):
    return {{"cash": s.cash + shock.sales, "broke": s.cash < 0}}

WALK = Model(name="walk", summary="A walk.", start=start, step=step, stocks=[Stock("cash")], causes=[Cause("broke")],
             shocks=[Normal("sales")])
"""
STUDY = '[study]\nname = "walks"\nmodel = "walk.py:WALK"\nyears = 2\nreplicates = {}\n'

PLACES = {
    "a tuple": ("LIMITS = ({}, 1.0)", "LIMITS[0]"),
    "a dict": ("LIMITS = {{'low': {}}}", "LIMITS['low']"),
    "a class attribute": ("class Limits:\n    low = {}", "Limits.low"),
    "a NamedTuple instance": ("class Limits(NamedTuple):\n    low: float\n\nLIMITS = Limits({})", "LIMITS.low"),
    "a default argument": ("def low(limit={}):\n    return limit", "low()"),
    "a module that is imported": ("from {module} import LIMIT", "LIMIT"),
}


def write(folder: Path, place: str, value: float, replicates: int) -> None:
    constants, limit = PLACES[place]
    module = f"limits_{int(value)}_{replicates}"
    (folder / f"{module}.py").write_text(f"LIMIT = {value}\n")
    text = MODEL.format(constants=constants.format(value, module=module), limit=limit)
    (folder / "walk.py").write_text(text)
    (folder / "study.toml").write_text(STUDY.format(replicates))


@pytest.mark.parametrize("place", PLACES)
def test_a_run_is_not_extended_by_firms_of_an_edited_model(
    command: Callable, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    run = tmp_path / "run"
    write(tmp_path, place, 10.0, 100)
    assert command("run", tmp_path / "study.toml", "--into", run).code == 0
    held = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    write(tmp_path, place, 30.0, 200)
    ended = command("run", tmp_path / "study.toml", "--into", run)
    assert ended.code == 2
    assert "holds firms of another version of the model 'walk': what it computes has changed" in ended.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == held
    write(tmp_path, place, 10.0, 200)
    assert command("run", tmp_path / "study.toml", "--into", run).code == 0
    with firmfate.open_run(run) as ds:
        assert int(ds.firms.sum()) == 200
