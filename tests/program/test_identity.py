"""A model's identity is what it computes: not how it is typed, and every constant that it uses, wherever that
stands."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from firmfate.models import load_model

HEAD = """
from typing import NamedTuple
from firmfate import Cause, Model, Normal, Parameter, Stock
{constants}

def start(p, draw):
    return dict(savings={start})

{functions}

SHOP = Model("shop", "A shop.", start, step, parameters=[Parameter("margin", 0.01)], stocks=[Stock("savings")],
             shocks=[Normal("sales")], causes=[Cause("closed")])
"""
STEP = """
def step(s, p, draw, shock, week):
    savings = s.savings + p.margin + LIMIT * shock.sales
    return dict(savings=savings, closed=savings < 0.0)
"""


def digest(folder: Path, functions: str = STEP, constants: str = "LIMIT = 10.0", start: str = "5.0") -> str:
    text = HEAD.format(functions=textwrap.dedent(functions), constants=textwrap.dedent(constants), start=start)
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(text)
    return load_model("model.py:SHOP", beside=folder).program.digest


def used(expression: str) -> str:
    return STEP.replace("LIMIT", expression)


CONSTANTS = {
    "a number": ("LIMIT = {}", "LIMIT"),
    "a tuple": ("LIMITS = ({}, 1.0)", "LIMITS[0]"),
    "a dict": ("LIMITS = {{'a': {}}}", "LIMITS['a']"),
    "a class attribute": ("class L:\n    a = {}", "L.a"),
    "a NamedTuple instance": ("class L(NamedTuple):\n    a: float\n\nLIMITS = L({})", "LIMITS.a"),
    "a default argument": ("H = {}\n\ndef f(x, h=H):\n    return x * h", "f(1.0)"),
    "a keyword default": ("def f(x, *, h={}):\n    return x * h", "f(1.0)"),
    "a closure": ("def make(h):\n    def f(x):\n        return x * h\n    return f\n\nf = make({})", "f(1.0)"),
    "a module's attribute": ("import types\nM = types.SimpleNamespace(a={})", "M.a"),
    "a property": ("class L:\n    @property\n    def a(self):\n        return {}\n\nL = L()", "L.a"),
    "the program's own text": ("", "{}"),
}


@pytest.mark.parametrize("kind", CONSTANTS)
def test_an_edit_of_a_constant_is_seen(kind, tmp_path):
    constants, expression = CONSTANTS[kind]
    found = [
        digest(tmp_path / str(value), used(expression.format(value)), constants.format(value))
        for value in (10.0, 30.0, 10.0)
    ]
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_an_edit_of_an_imported_helper_is_seen(tmp_path, monkeypatch):
    found = []
    for value in (10.0, 30.0):
        folder = tmp_path / str(value)
        folder.mkdir()
        name = f"helper_{int(value)}"
        (folder / f"{name}.py").write_text(f"LIMITS = ({value}, 1.0)\n\ndef f(x):\n    return x * LIMITS[0]\n")
        monkeypatch.syspath_prepend(str(folder))
        found.append(digest(folder, used("f(1.0)"), f"from {name} import f"))
    assert found[0] != found[1]


REFACTORED = {
    "names of variables": STEP.replace("savings = s", "left = s").replace(
        "savings=savings, closed=savings", "savings=left, closed=left"
    ),
    "a helper": "def f(s, p):\n    return s.savings + p.margin\n" + STEP.replace("s.savings + p.margin", "f(s, p)"),
    "order of statements": """
        def step(s, p, draw, shock, week):
            noise = LIMIT * shock.sales
            before = s.savings + p.margin
            closed = before + noise < 0.0
            return dict(closed=closed, savings=before + noise)
        """,
    "order of operands": STEP.replace("s.savings + p.margin", "p.margin + s.savings").replace(
        "LIMIT * shock.sales", "shock.sales * LIMIT"
    ),
    "a comment and a dead line": STEP.replace(
        "    savings =", "    # a comment\n    unused = s.savings**2\n    savings ="
    ),
    "a conditional instead of if": STEP.replace("closed=savings < 0.0", "closed=True if savings < 0.0 else False"),
    "if instead of a condition": """
        def step(s, p, draw, shock, week):
            savings = s.savings + p.margin + LIMIT * shock.sales
            if savings < 0.0:
                closed = True
            else:
                closed = False
            return dict(savings=savings, closed=closed)
        """,
}


@pytest.mark.parametrize("how", REFACTORED)
def test_a_refactoring_is_not(how, tmp_path):
    assert digest(tmp_path / "a") == digest(tmp_path / "b", REFACTORED[how])


DIFFERENT = {
    "start": {"start": "6.0"},
    "a sign": {"functions": STEP.replace("+ p.margin", "- p.margin")},
    "a comparison": {"functions": STEP.replace("savings < 0.0", "savings <= 0.0")},
    "a kind of random number": {"functions": STEP.replace("shock.sales", "shock.sales * shock.sales")},
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_change_of_meaning_is_seen(what, tmp_path):
    assert digest(tmp_path / "a") != digest(tmp_path / "b", **DIFFERENT[what])


BUILT_IN = {"car": "04374ce48439a4f6", "firm": "c1740519164afb61"}


@pytest.mark.parametrize("name", BUILT_IN)
def test_all_versions_of_python_agree_on_the_built_in_models(name):
    """The digests that stand here were made under Python 3.11; CI runs the test under others."""
    assert load_model(name).program.digest[:16] == BUILT_IN[name], sys.version
