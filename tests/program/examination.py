"""Random functions, examined: read as Python reads them, and the same bits by every way of running them."""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from tests.kernel.machine_code import Compiled, compiled, same_bits, ways
from tests.program.noise import rounded_later, spread
from tests.program.random_functions import INPUTS, NAMES, Writer, as_written, by_python, made, unfolded, with_floats

from firmfate.program import interpreter
from firmfate.program.program import Program

POINTS = 16
EVENLY = 68_544
"""Functions of seeds below have 2 to 7 statements, each as often; of others half have 1, a quarter 2, up to 7."""


def statements(seed: int) -> int:
    """Return how many statements a function has, about, beside those of its helpers."""
    if seed < EVENLY:
        return 2 + seed % 6
    pair = seed // 2 | 1 << 6
    return (pair & -pair).bit_length()


def points(seed: int) -> list[tuple[float, ...]]:
    """Return points at which a function is tried: small, large and integer numbers, among them ties."""
    rng = random.Random(seed)

    def number() -> float:
        return rng.choice((rng.gauss(0, 2), rng.uniform(-1, 1), float(rng.randrange(-5, 6)), rng.gauss(0, 30)))

    return [tuple(number() for _ in NAMES) for _ in range(POINTS)]


def columns(at: list[tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Return the points as inputs of a program."""
    return {INPUTS[name]: np.array([point[i] for point in at]) for i, name in enumerate(NAMES)}


@dataclass
class Case:
    """A random function: its text, its program as written and by the rules, and where they are compared."""

    seed: int
    text: str
    function: Callable[..., Any]
    written: Program
    at: list[tuple[float, ...]]
    inputs: dict[str, np.ndarray]

    @classmethod
    def of(cls, seed: int, *, exact: bool) -> Case:
        """Return the function of a seed; of operations that Python rounds once, or of all."""
        text = Writer(seed, statements(seed), exact=exact).function()
        at = points(seed + 1)
        function = made(text, f"{'exact' if exact else 'rounded'} {seed}")
        return cls(seed, text, function, as_written(function), at, columns(at))

    @cached_property
    def ruled(self) -> Program:
        """The program by the rules."""
        return self.written.by_rules()


def check_meaning(seed: int) -> int:
    """See that operations which Python rounds once are read to the last bit; return how many points were compared."""
    return _compare_meaning(Case.of(seed, exact=True))


def check_rules(seed: int) -> int:
    """See that rules and elementary functions stay within 1e-12 of Python, where its own result is that certain."""
    case = Case.of(seed, exact=False)
    return _compare_rules(case, interpreter.run(case.ruled, case.inputs))


class Examined(NamedTuple):
    """A function up to its machine code: the case, what the interpreter makes of it, and the points compared."""

    case: Case
    expected: dict[str, np.ndarray]
    compared: int

    @classmethod
    def of(cls, seed: int) -> Examined:
        """Compare the function of a seed with Python; odd seeds take operations that Python rounds once."""
        case = Case.of(seed, exact=bool(seed % 2))
        expected = interpreter.run(case.ruled, case.inputs)
        return cls(case, expected, _compare_meaning(case) if seed % 2 else _compare_rules(case, expected))

    def compare(self, code: Compiled) -> None:
        """See that machine code has the interpreter's bits."""
        found = code.run(self.case.inputs)
        for name, values in self.expected.items():
            assert same_bits(np.broadcast_to(found[name], values.shape), values), (  # of constants there is one row
                f"seed {self.case.seed}, {code.lanes} lanes, output {name}: {found[name]}, interpreter {values}\n"
                f"{self.case.text}"
            )


def examine(seeds: Sequence[int]) -> dict[int, int | Exception]:
    """Examine the functions of some seeds, whose machine code is one module: Python's meaning, the rules, and the same
    bits as the interpreter. Seeds take every way of writing machine code in turn.

    Returns
    -------
    dict
        Seed -> points compared, or what failed.
    """
    found: dict[int, int | Exception] = {}
    waiting: list[Examined] = []
    for seed in seeds:
        try:
            waiting.append(Examined.of(seed))
            linecache.cache.pop(waiting[-1].case.function.__code__.co_filename, None)
        except Exception as fault:
            found[seed] = fault
    try:
        codes = compiled([(one.case.ruled, *way(one.case.seed)) for one in waiting])
    except Exception as fault:
        if len(seeds) > 1:  # which of them is it?
            return {seed: result for one in seeds for seed, result in examine([one]).items()}
        return {**found, **{one.case.seed: fault for one in waiting}}
    for one, code in zip(waiting, codes, strict=True):
        try:
            one.compare(code)
            found[one.case.seed] = one.compared
        except Exception as fault:
            found[one.case.seed] = fault
    return found


def examine_reading(seeds: Sequence[int]) -> dict[int, int | Exception]:
    """Examine what functions mean, and the rules where not all operations are rounded once; no machine code.

    Returns
    -------
    dict
        As `examine` does.
    """
    found: dict[int, int | Exception] = {}
    for seed in seeds:
        try:
            found[seed] = check_meaning(seed) if seed % 2 else check_rules(seed)
        except Exception as fault:
            found[seed] = fault
        linecache.cache.clear()
    return found


def way(seed: int) -> tuple[int, frozenset[str]]:
    """Return lanes and features of a seed's machine code."""
    return ways()[(seed // 2 + seed // 1024) % len(ways())]


def _compare_meaning(case: Case) -> int:
    found = interpreter.run(case.written, case.inputs)
    compared = 0
    for i, point in enumerate(case.at):
        expected = by_python(case.function, point)
        if expected is None:
            continue
        compared += 1
        result = tuple(float(found[str(k)][i]) for k in range(3))
        if result != expected:  # integers beyond 2**53, which Python does not round?
            expected = by_python(with_floats(case.text), point)
        assert result == expected, f"seed {case.seed} at {point}: {result}, Python {expected}\n{case.text}"
    return compared


def _compare_rules(case: Case, found: dict[str, np.ndarray]) -> int:
    plain = interpreter.run(case.written, case.inputs)
    by_point = [by_python(case.function, point) for point in case.at]
    try:
        return _compare_within(case, plain, found, by_point, spread(case.written, case.inputs, plain, case.seed))
    except AssertionError:
        return _compare_within(case, plain, found, by_point, closer_spread(case))


def closer_spread(case: Case) -> dict[str, np.ndarray]:
    """Return how far noise moves what Python may round otherwise: constants that are worked out and results of
    elementary functions and powers too, half of all roundings at a time, of which some may hide what others do; or how
    far results lie from those of Python's operations rounded later."""
    program = unfolded(case.function)
    plain = interpreter.run(program, case.inputs)
    noise = spread(program, case.inputs, plain, case.seed, tries=48, share=0.5)
    with np.errstate(all="ignore"):
        later = rounded_later(program, case.inputs)
        return {name: np.maximum(noise[name], np.abs(later[name] - plain[name])) for name in noise}


def _compare_within(
    case: Case,
    plain: dict[str, np.ndarray],
    found: dict[str, np.ndarray],
    by_point: list[tuple[float, ...] | None],
    uncertain: dict[str, np.ndarray],
) -> int:
    """Compare the program as written (`plain`) with the one by the rules and with Python, within 1e-12 and what errors
    of rounding do."""
    seed, text = case.seed, case.text
    compared = 0
    for name, values in plain.items():
        allowed = 1e-12 * np.abs(values) + 1e-300 + 8 * uncertain[name]
        sure = np.isfinite(values) & np.isfinite(allowed)
        wrong = sure & ~(np.abs(found[name] - values) <= allowed)
        assert not wrong.any(), (
            f"seed {seed}, output {name}: rules move {values[wrong]} to {found[name][wrong]}\n{text}"
        )
        for i, expected in enumerate(by_point):
            if expected is not None and sure[i]:
                compared += 1
                off = abs(values[i] - expected[int(name)])
                assert off <= allowed[i], (
                    f"seed {seed} at {case.at[i]}: {values[i]}, Python {expected[int(name)]}\n{text}"
                )
    return compared
