"""What a tracer reads means what Python means: random functions, and each way of deciding on its own."""

from __future__ import annotations

import functools
import math
import operator
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.program.examination import check_meaning, check_rules, columns, points
from tests.program.random_functions import as_written, made

from firmfate.program import interpreter


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**40))
def test_operations_that_python_rounds_once_are_read_to_the_last_bit(seed):
    check_meaning(seed)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**40))
def test_rules_and_elementary_functions_stay_within_1e_12(seed):
    check_rules(seed)


@pytest.mark.slow
def test_thousands_of_random_functions():
    """More of both; the evidence takes 2**20."""
    assert sum(map(check_meaning, range(1200))) > 15_000
    assert sum(map(check_rules, range(300))) > 3_000


def left_to_right(values, start=0):
    """Return the sum as Python rounded it up to 3.11; from 3.12 on it carries what rounding loses."""
    return functools.reduce(operator.add, values, start)


def read(body: str, head: str = ""):
    """Return a function of a body of lines, and what its program and Python make of some points."""
    text = f"import math\nimport firmfate\n{head}\n\ndef f(a, b, c, d):\n" + "\n".join(
        f"    {line}" for line in body.strip("\n").splitlines()
    )
    function = made(text + "\n", f"body {hash(body)}")
    written = as_written(function)
    at = [*points(3), (0.0, -0.0, 1.0, -1.0), (0.5, 0.5, 0.5, 0.5)]
    found = interpreter.run(written, columns(at))
    plain = types.FunctionType(function.__code__, {**function.__globals__, "sum": left_to_right})
    expected = np.array([plain(*point) for point in at], float).T
    return np.array([found[str(i)] for i in range(3)]), expected, written.by_rules()


SAME = {
    "powers": "y = a\ny **= 4\nx = b\nx **= -1 if b else 1\nreturn y, a ** 0.5 if a > 0 else 0.0, (abs(c) + 1) ** -1.5",
    "integer division": "return (a * 8) // 0.1, 1.0 % 0.1 + (a - a), -7 // 2 + a",
    "divmod": "q, r = divmod(a, 0.75)\nreturn q, r, divmod(5, 0.3)[1] + 0 * a",
    "chained": "return float(a < b <= c), float(a != b), 1.0 if not a < b < c else 2.0",
    "a chain works out each value once": (
        "xs, it = [3.0, a, 2.0, b], iter([a, b, c])\nx = 1.0 if a < xs.pop() <= c else 0.0\n"
        "y = 0 < xs.pop() < xs.pop() + 3\nreturn x + len(xs), y + xs[-1], float(a <= next(it) < d) + next(it)"
    ),
    "powers in place": (
        "xs, at = [a, b], [1, 0]\nxs[at.pop()] **= 2\nt = {'x': c}\nt['x'] **= len(at)\nreturn *xs, t['x']"
    ),
    "iterators within cases": (
        "it = iter((a, b))\nx = next(it)\nif c > 0:\n    y = next(z for z in (b, d))\nelse:\n"
        "    y = sum(z for z in (x, d))\n"
        "return x, y, next(it)"
    ),
    "iterators of a generator": (
        "import itertools\nx = sum(g(y) if a > y else z for y, z in itertools.product((1.0, 2.0), (b, c)))\n"
        "return x, sum((b, c)[i] if a > 0 else t for i, t in enumerate((a, d))), b"
    ),
    "comprehensions in all places": (
        "x = (1.0, 2.0)\ny = [x for x in [x * a for x in x]]\n"
        "\ndef g(z, ys=[x * b for x in (1, 2)]):\n    return z + ys[1]\n"
        "\n"
        "t = (lambda: [x * c for x in (1, 2)])()[1] if d > 0 else sum(x for x in (c, d))\n"
        "u = [t for x in (1, -1, 2) if (t := x * 2) > 0]\n"
        "return y[1] + x[0] + g(d), t + len(u), [[x * z for x in (a, b)] for z in (c, d)][1][0]"
    ),
    "and or": "return (a and b) or c, a or b, (a > 0 and b) + 0.0",
    "lists": "xs = [a, b]\nxs.append(c)\nxs[0] = d\nreturn sum(xs), len(xs) * a, sum(x * x for x in xs if True)",
    "dicts": "t = {'x': a, 'y': b}\nt['z'] = c\nreturn sum(t.values()), t['x'], max(t.values())",
    "zip": "return sum(x * y for x, y in zip((a, b), (c, d))), sum(i * x for i, x in enumerate([a, b, c])), a",
    "closures": "k = 2.0\n\ndef g(x):\n    return k * x if x > 0 else -x\n\nreturn g(a), (lambda x: x + b)(a), g(g(c))",
    "nested returns": "if a > 0:\n    if b > 0:\n        return a, b, 1.0\n    c = c + 1\nelif d > 0:\n"
    "    return d, c, 2.0\n"
    "return c, d, 3.0",
    "known decisions": "n = 3\nif n > 2:\n    x = a\nelse:\n    x = undefined\nwhile n > 0:\n    n -= 1\n"
    "    x = x + n\n"
    "return x, n + a, a if True else undefined",
    "break": "t = a\nfor i in range(10):\n    if i == 3:\n        break\n    t = t + i * b\nelse:\n"
    "    t = 0.0\nreturn t, b, c",
    "membership": "return float(a in (1, 2, 3)), float(a not in (0, 0.5)), float(int(a) in [1, 2])",
    "walrus": "return (y := a * 2) + y, y, min([a, b], default=0)",
    "comprehensions hide nothing": (
        "x, y = c, 0.0\nif b > 0:\n    y = sum([x * x for x in (a, d)])\n    y += x if a > d else 1.0\n"
        "    y += len({x for x in (1, 2, 2)}) * {x: x * a for x in (1, 2)}[2]\n    y += x if a > 0 else b\n"
        "return x, y, 0.0"
    ),
    "all any": "return float(all([a > 0, b > 0])), float(any(x > 1 for x in (a, b, c))), bool(a) + 0.0",
    "counting": "return sum([a > 0, b > 0, c > 0]), (a > b) + (c > d), (a > 0) * 2.5",
    "map": "return sum(map(abs, (a, b))), max(map(lambda x: x * 2, (a, b))), list(map(g, (a, b)))[1]",
    "keywords": "return h(a, y=b), h(y=a, x=b), h(*(a, b))",
    "rounding": "return round(a * 2.5), math.floor(a) + math.ceil(b), math.trunc(c) - int(d)",
    "tables": "return firmfate.table(a, [-1, 0, 2], [5, 1, 3]), firmfate.table(b, (0, 1), (0, 1)), a",
    "recursion": "return fold(a, 3), fold(b, 0), a",
}
HEAD = """
def g(x):
    if x > 1:
        return x * 3
    return x - 1


def h(x, y=2.0):
    return x - y


def fold(x, n):
    return fold(x * 0.5 + 1, n - 1) if n else x
"""


@pytest.mark.parametrize("what", SAME)
def test_a_construct_means_what_python_means(what):
    found, expected, _ = read(SAME[what], HEAD)
    exact = what not in ("powers",)
    if exact:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_early_returns_do_not_double_the_program():
    """Twelve nested early returns took 20,483 instructions once."""
    sizes = []
    for n in (4, 12):
        lines = ["y = 0.0"]
        for i in range(n):
            lines += [f"if a > {i}:", f"    if b > {i}:", f"        return a, b, {float(i)}", "    y = y + 1"]
        found, expected, ruled = read("\n".join([*lines, "return y, c, d"]))
        np.testing.assert_array_equal(found, expected)
        sizes.append(len(ruled.graph.nodes))
    assert sizes[1] < 4 * sizes[0]


def test_division_by_zero_is_infinite_where_python_raises():
    function = made("def f(a, b, c, d):\n    return a / b, -a / b, b / b\n", "zero")
    written = as_written(function)
    found = interpreter.run(
        written, {name: 0.0 if name == "p.b" else 1.0 for name in ("stock.a", "p.b", "draw.c", "stock.d")}
    )
    assert [float(found[str(i)]) for i in range(2)] == [math.inf, -math.inf]
    assert math.isnan(found["2"])
    with pytest.raises(ZeroDivisionError):
        function(1.0, 0.0, 1.0, 1.0)
