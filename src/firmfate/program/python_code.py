"""Programs as plain Python: one firm at a time, without a compiler, to the same bits.

The code is written once for a program; every operation is one line of it. A fused multiply-add is the C library's,
which is exact by its standard, or Python's own from 3.13 on.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from firmfate.program import exact
from firmfate.program.graph import from_pattern
from firmfate.program.layout import Layout
from firmfate.program.operations import NUMBER
from firmfate.program.program import Program
from firmfate.program.stages import Stage


@cache
def fused() -> Callable[[float, float, float], float]:
    """Return a function that works out a b + c, rounded once."""
    own = getattr(math, "fma", None)
    if own is not None:
        return _without_errors(own)
    try:
        found = ctypes.CDLL(ctypes.util.find_library("m")).fma
    except (OSError, AttributeError, TypeError):
        return exact.fma
    found.argtypes, found.restype = [ctypes.c_double] * 3, ctypes.c_double
    # A library without a fused operation would round twice.
    tiny = 2.0**-53
    honest = found(1.0 + tiny * 2, 1.0 - tiny * 2, -1.0) == -(2.0**-104)
    return found if honest else exact.fma


def _without_errors(own: Callable[[float, float, float], float]) -> Callable[[float, float, float], float]:
    def call(a: float, b: float, c: float) -> float:
        try:
            return own(a, b, c)
        except (OverflowError, ValueError):
            return exact.fma(a, b, c)

    return call


class Firm(NamedTuple):
    """A firm's functions in plain Python.

    Attributes
    ----------
    begin : callable
        ``begin(inputs)`` -> (stocks at the start, what does not change from step to step); `inputs` by name.
    step : callable
        ``step(stocks, shocks, steps, fixed)`` -> (stocks, cause, alarm, marks), as tuples of float.
    """

    begin: Callable[[Mapping[str, float]], tuple[tuple[float, ...], tuple[Any, ...]]]
    step: Callable[..., tuple[tuple[float, ...], float, float, tuple[float, ...]]]


def firm(program: Program, shocks: Sequence[str]) -> Firm:
    """Return a model's functions in plain Python.

    Parameters
    ----------
    program : Program
        Of `firmfate.program.tracing.trace`.
    shocks : sequence of str
        Names of the shocks, parts spelled out, in the order in which a step is given them.
    """
    layout = Layout(program)
    nodes = program.graph.nodes
    early, late = (Stage.CONSTANT, Stage.RUN, Stage.CELL, Stage.FIRM), (Stage.TIME, Stage.STEP)
    fixed = sorted(
        {place for stage in early[1:] for place in layout.handed_on(stage)}
        | {place for place in layout.start.values() if nodes[place].operation != "constant"}
    )
    begin = ["def begin(given):"]
    begin += [f"    v{place} = given[{node.data!r}]" for place, node in _inputs(program, layout, early)]
    begin += _lines(program, [p for p in range(len(nodes)) if layout.stage[p] in early])
    begin.append(f"    return ({_values(program, layout.start.values())}), ({_values(program, fixed)})")

    given = {f"shock.{name}": f"shocks[{i}]" for i, name in enumerate(shocks)}
    given |= {f"stock.{name}": f"stocks[{i}]" for i, name in enumerate(layout.start)} | {"time.step": "steps"}
    step = ["def step(stocks, shocks, steps, fixed):"]
    step.append(f"    ({_values(program, fixed)}) = fixed" if fixed else "    pass")
    step += [f"    v{place} = {given[str(node.data)]}" for place, node in _inputs(program, layout, late)]
    step += _lines(program, [p for p in range(len(nodes)) if layout.stage[p] in late])
    cause, alarm = (_value(program, place) for place in layout.events)
    marks = _values(program, layout.marks.values())
    step.append(f"    return ({_values(program, layout.next.values())}), {cause}, {alarm}, ({marks})")
    scope: dict[str, Any] = {f"do_{name}": function for name, function in exact.FUNCTIONS.items()}
    scope |= {"fma": fused(), "nan": math.nan, "inf": math.inf, "number": exact.number}
    exec("\n".join([*begin, *step]), scope)
    return Firm(scope["begin"], scope["step"])


def _inputs(program: Program, layout: Layout, stages: Sequence[Stage]) -> list[tuple[int, Any]]:
    nodes = program.graph.nodes
    return [(p, node) for p, node in enumerate(nodes) if node.operation == "input" and layout.stage[p] in stages]


def _value(program: Program, place: int) -> str:
    """Return a value as Python writes it: a constant itself, or its variable."""
    node = program.graph.nodes[place]
    if node.operation != "constant":
        return f"v{place}"
    assert isinstance(node.data, int)
    return repr(from_pattern(node.data)) if node.kind == NUMBER else str(node.data)


def _values(program: Program, places: Any) -> str:
    return "".join(f"{_value(program, place)}, " for place in places)


SIGNS = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "eq": "=="}


def _lines(program: Program, places: Sequence[int]) -> list[str]:
    lines = []
    for place in places:
        node = program.graph.nodes[place]
        if not node.arguments:
            continue
        given = [_value(program, argument) for argument in node.arguments]
        if node.operation in SIGNS:
            right = f"{given[0]} {SIGNS[node.operation]} {given[1]}"
        elif node.operation == "choose":
            right = f"{given[1]} if {given[0]} else {given[2]}"
        elif node.operation in ("fma", "fms", "fnma"):
            a, b, c = given
            right = (
                f"fma({'-' if node.operation == 'fnma' else ''}{a}, {b}, {'-' if node.operation == 'fms' else ''}{c})"
            )
        elif node.operation == "lookup":
            assert isinstance(node.data, tuple)
            table = tuple(from_pattern(entry) for entry in node.data)
            right = f"{table!r}[{given[0]} & {len(table) - 1}]"
        else:
            right = f"do_{node.operation}({', '.join(given)})"
        lines.append(f"    v{place} = {right}")
    return lines
