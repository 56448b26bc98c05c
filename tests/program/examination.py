"""One random function, examined: read as Python reads it, and the same bits by every way of running it."""

from __future__ import annotations

import random

import numpy as np
from tests.program.noise import spread
from tests.program.random_functions import INPUTS, NAMES, Writer, by_python, made, programs

from firmfate.program import interpreter

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


def check_meaning(seed: int) -> int:
    """See that operations which Python rounds once are read to the last bit; return how many points were compared."""
    text = Writer(seed, 2 + seed % 6, exact=True).function()
    function = made(text, f"exact {seed}")
    written, _ = programs(function)
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


def check_rules(seed: int) -> int:
    """See that rules and elementary functions stay within 1e-12 of Python, where its own result is that certain."""
    text = Writer(seed, 2 + seed % 6, exact=False).function()
    function = made(text, f"rounded {seed}")
    written, ruled = programs(function)
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
