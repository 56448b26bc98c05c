"""One random function, examined: read as Python reads it, and the same bits by every way of running it."""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tests.kernel.machine_code import Compiled, same_bits, ways
from tests.program.noise import spread
from tests.program.random_functions import INPUTS, NAMES, Writer, by_python, made, programs

from firmfate.program import interpreter
from firmfate.program.program import Program

POINTS = 16


def points(seed: int) -> list[tuple[float, ...]]:
    """Return points at which a function is tried: small, large and integer numbers, among them ties."""
    rng = random.Random(seed)

    def number() -> float:
        return rng.choice((rng.gauss(0, 2), rng.uniform(-1, 1), float(rng.randrange(-5, 6)), rng.gauss(0, 30)))

    return [tuple(number() for _ in NAMES) for _ in range(POINTS)]


def columns(at: list[tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Return the points as inputs of a program."""
    return {INPUTS[name]: np.array([point[i] for point in at]) for i, name in enumerate(NAMES)}


class Case(NamedTuple):
    """A random function: its text, and its program as written and by the rules."""

    seed: int
    text: str
    function: Callable[..., Any]
    written: Program
    ruled: Program

    @classmethod
    def of(cls, seed: int, *, exact: bool) -> Case:
        """Return the function of a seed; of operations that Python rounds once, or of all."""
        text = Writer(seed, 2 + seed % 6, exact=exact).function()
        function = made(text, f"{'exact' if exact else 'rounded'} {seed}")
        return cls(seed, text, function, *programs(function))


def check_meaning(seed: int) -> int:
    """See that operations which Python rounds once are read to the last bit; return how many points were compared."""
    return _compare_meaning(Case.of(seed, exact=True))


def check_rules(seed: int) -> int:
    """See that rules and elementary functions stay within 1e-12 of Python, where its own result is that certain."""
    return _compare_rules(Case.of(seed, exact=False))


def examine(seed: int) -> int:
    """See all of it for one function, and that machine code has the interpreter's bits; return the points compared.

    Odd seeds take operations that Python rounds once; seeds take every way of writing machine code in turn.
    """
    exact = bool(seed % 2)
    case = Case.of(seed, exact=exact)
    compared = _compare_meaning(case) if exact else _compare_rules(case)
    inputs = columns(points(seed + 1))
    lanes, features = ways()[seed // 2 % len(ways())]
    expected, found = interpreter.run(case.ruled, inputs), Compiled(case.ruled, lanes, features).run(inputs)
    for name, values in expected.items():
        assert same_bits(np.broadcast_to(found[name], values.shape), values), (  # of constants there is one row
            f"seed {seed}, {lanes} lanes, output {name}: {found[name]}, interpreter {values}\n{case.text}"
        )
    linecache.cache.pop(case.function.__code__.co_filename, None)
    return compared


def _compare_meaning(case: Case) -> int:
    seed, text, function, written, _ = case
    at = points(seed + 1)
    found = interpreter.run(written, columns(at))
    compared = 0
    for i, point in enumerate(at):
        expected = by_python(function, point)
        if expected is None:
            continue
        compared += 1
        result = tuple(float(found[str(k)][i]) for k in range(3))
        assert result == expected, f"seed {seed} at {point}: {result}, Python {expected}\n{text}"
    return compared


def _compare_rules(case: Case) -> int:
    seed, text, function, written, ruled = case
    at = points(seed + 1)
    inputs = columns(at)
    plain, found = interpreter.run(written, inputs), interpreter.run(ruled, inputs)
    uncertain = spread(written, inputs, plain, seed)
    compared = 0
    for name, values in plain.items():
        allowed = 1e-12 * np.abs(values) + 1e-300 + 8 * uncertain[name]
        sure = np.isfinite(values) & np.isfinite(allowed)
        wrong = sure & ~(np.abs(found[name] - values) <= allowed)
        assert not wrong.any(), (
            f"seed {seed}, output {name}: rules move {values[wrong]} to {found[name][wrong]}\n{text}"
        )
        for i, point in enumerate(at):
            expected = by_python(function, point)
            if expected is not None and sure[i]:
                compared += 1
                off = abs(values[i] - expected[int(name)])
                assert off <= allowed[i], f"seed {seed} at {point}: {values[i]}, Python {expected[int(name)]}\n{text}"
    return compared
