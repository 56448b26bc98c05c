"""Elementary functions against 50 digits, in units in the last place; what they do at the ends of their range."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from firmfate.program import elementary, interpreter
from firmfate.program.graph import Graph
from firmfate.program.program import Program
from firmfate.program.values import Value, nearest


def apply(function, x: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """Return what a function's program makes of numbers."""
    graph = Graph()
    inputs = [Value(graph, graph.input(f"stock.{i}")) for i in range(1 + len(more))]
    program = Program.of({"y": function(*inputs)})
    return interpreter.run(program, {f"stock.{i}": values for i, values in enumerate((x, *more))})["y"]


def units(found: np.ndarray, exact: list) -> np.ndarray:
    """Return errors in units in the last place of the exact values."""
    with mpmath.workdps(50):
        return np.array([
            float(abs(mpmath.mpf(float(y)) - value)) / math.ulp(float(value)) for y, value in zip(found, exact,
            strict=True)
        ])  # fmt: skip


RNG = np.random.default_rng(1)
SPREAD = np.exp(RNG.uniform(-30, 30, 300))
CASES = {
    "exp": (elementary.exp, mpmath.exp, RNG.uniform(-700, 700, 400), lambda x: 2 + np.abs(x)),
    "exp near 0": (elementary.exp, mpmath.exp, RNG.uniform(-1, 1, 300), lambda x: 2 + np.abs(x)),
    "log": (elementary.log, mpmath.log, SPREAD, lambda x: 2),
    "log near 1": (elementary.log, mpmath.log, 1 + RNG.uniform(-0.3, 0.4, 300), lambda x: 2),
    "log of tiny": (elementary.log, mpmath.log, 10.0 ** RNG.uniform(-320, -300, 100), lambda x: 2),
    "log1p": (elementary.log1p, mpmath.log1p, np.concatenate([SPREAD, -RNG.uniform(0, 0.99, 200)]), lambda x: 2),
    "log1p of small": (elementary.log1p, mpmath.log1p, RNG.choice([-1, 1], 200) * 10.0 ** RNG.uniform(-18, -3, 200),
                       lambda x: 2),
    "expm1": (elementary.expm1, mpmath.expm1, RNG.uniform(-40, 100, 300), lambda x: 2 + np.abs(x)),
    "expm1 of small": (elementary.expm1, mpmath.expm1, RNG.choice([-1, 1], 200) * 10.0 ** RNG.uniform(-18, 0, 200),
                       lambda x: 2 + np.abs(x)),
    "sin": (elementary.sin, mpmath.sin, RNG.uniform(-1000, 1000, 400), lambda x: 2),
    "cos": (elementary.cos, mpmath.cos, RNG.uniform(-1000, 1000, 400), lambda x: 2),
    "tanh": (elementary.tanh, mpmath.tanh, np.concatenate([RNG.uniform(-25, 25, 300), [1e-9, -1e-12]]), lambda x: 3),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_errors(case):
    function, exact, x, allowed = CASES[case]
    with mpmath.workdps(50):
        values = [exact(mpmath.mpf(float(value))) for value in x]
    found = units(apply(function, x), values)
    assert (found <= allowed(x)).all(), found.max()
    assert found.max() > 0.2, "the control: not all are the exact value's nearest"


def test_sine_and_cosine_of_large_numbers():
    x = 10.0 ** RNG.uniform(3, 15, 300)
    with mpmath.workdps(50):
        for function, exact in ((elementary.sin, mpmath.sin), (elementary.cos, mpmath.cos)):
            values = [exact(mpmath.mpf(float(value))) for value in x]
            errors = [
                abs(float(mpmath.mpf(float(y)) - value)) for y, value in zip(apply(function, x), values, strict=True)
            ]
            assert max(errors) < 3e-16
            assert np.isnan(apply(function, np.array([2e15, np.inf, np.nan]))).all()


def test_powers():
    base, exponent = np.exp(RNG.uniform(-20, 20, 400)), RNG.uniform(-10, 10, 400)
    with mpmath.workdps(50):
        values = [mpmath.power(float(x), float(y)) for x, y in zip(base, exponent, strict=True)]
    errors = units(apply(elementary.power, base, exponent), values)
    assert (errors <= 3 + 2 * np.abs(exponent * np.log(base))).all()
    x = np.array([-2.0, -2.0, -2.0, 0.0, 0.0, 0.0, 5.0, 1.0, -0.5])
    y = np.array([2.0, 3.0, 0.5, 2.0, 0.0, -1.0, 0.0, 1e300, -2.0])
    found = apply(elementary.power, x, y)
    np.testing.assert_allclose(found, [4.0, -8.0, np.nan, 0.0, 1.0, np.inf, 1.0, 1.0, 4.0], rtol=1e-14)


ENDS = [
    (elementary.exp, [-np.inf, -1e6, -746.0, 709.8, 1e6, np.inf, np.nan], [0, 0, 0, np.inf, np.inf, np.inf, np.nan]),
    (elementary.log, [0.0, -0.0, -1.0, np.inf, np.nan], [-np.inf, -np.inf, np.nan, np.inf, np.nan]),
    (elementary.log1p, [-1.0, -2.0, np.inf, 0.0], [-np.inf, np.nan, np.inf, 0.0]),
    (elementary.expm1, [-np.inf, -100.0, np.inf, 0.0, np.nan], [-1.0, -1.0, np.inf, 0.0, np.nan]),
    (elementary.tanh, [-np.inf, 30.0, np.nan, 0.0], [-1.0, 1.0, np.nan, 0.0]),
    (nearest, [0.5, 1.5, 2.5, -0.5, -1.5, 2.0**53, 1e300, np.inf], [0, 2, 2, 0, -2, 2.0**53, 1e300, np.inf]),
]


@pytest.mark.parametrize(("function", "x", "expected"), ENDS)
def test_ends(function, x, expected):
    np.testing.assert_array_equal(apply(function, np.array(x)), expected)


def test_exp_of_the_smallest_is_rounded_not_flushed():
    x = np.linspace(-745.0, -708.5, 200)
    np.testing.assert_allclose(apply(elementary.exp, x), np.exp(x), rtol=2e-13, atol=5e-324)
    assert (apply(elementary.exp, x) > 0).all()
