"""How well conditioned a program's results are: the same operations with errors of rounding blown up at random, or with
hardly any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from firmfate.program import interpreter
from firmfate.program.graph import EXACT, Node, from_pattern
from firmfate.program.operations import FLAG, NUMBER
from firmfate.program.program import Program

ROUNDED = ("add", "sub", "mul", "div", "sqrt", "fma", "fms", "fnma", "scale")


def noisy(
    program: Program, inputs: Mapping[str, np.ndarray], rng: np.random.Generator, tries: int, share: float = 1.0
) -> dict[str, np.ndarray]:
    """Return outputs, so many tries along a new first axis, with every rounding off by up to 8 units in the last place
    (of a sum, of its larger term), those of elementary functions by up to 64; or only a share of all roundings."""
    found: list = []
    shape = np.broadcast_shapes(*(np.shape(value) for value in inputs.values()))
    rounded = sum(node.operation in ROUNDED and node.data != EXACT for node in program.graph.nodes)
    drawn = rng.uniform(-1, 1, (tries, rounded, *shape))
    if share < 1:
        drawn *= rng.random(drawn.shape) < share
    errors = iter(np.moveaxis(drawn, 1, 0))  # a try's after each other
    for node in program.graph.nodes:
        given = [found[argument] for argument in node.arguments]
        value = _own(node, given, inputs)
        if node.operation in ROUNDED and node.data != EXACT:
            terms = np.maximum(*map(np.abs, given[:2])) if node.operation in ("add", "sub") else 0.0
            error = (2.0**-47 if node.operation == "scale" else 2.0**-50) * next(errors)
            value = value + error * np.maximum(np.abs(value), terms)
            if node.operation == "sub" and node.arguments[0] == node.arguments[1]:  # 0, but for the errors of its terms
                value = value + 2.0**50 * error * np.ptp(np.broadcast_to(given[0], drawn[:, 0].shape), axis=0)
        found.append(value)
    return {name: np.broadcast_to(found[place], (tries, *shape)) for name, place in program.outputs.items()}


def _own(node: Node, given: Sequence[Any], inputs: Mapping[str, np.ndarray]) -> Any:
    """Return what an operation makes of values, as the interpreter does."""
    if node.operation == "input":
        return inputs[str(node.data)]
    if node.operation == "constant":
        kind = {NUMBER: np.float64, FLAG: np.bool_}.get(node.kind, np.uint64)
        return kind(from_pattern(node.data) if node.kind == NUMBER else node.data)
    if node.operation == "lookup":
        table = np.array([from_pattern(entry) for entry in node.data])
        return table[given[0] & np.uint64(len(table) - 1)]
    return interpreter.FUNCTIONS[node.operation](*given)


def rounded_later(program: Program, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return outputs with Python's own sums, differences, products and quotients rounded 11 bits later.

    Noise never makes two results equal that rounding alone keeps apart, such as (a - d) + d and a; this does.
    """
    longer = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
    found: list = []
    for node in program.graph.nodes:
        given = [found[argument] for argument in node.arguments]
        if node.operation in longer and node.data != EXACT:
            value = longer[node.operation](*(np.asarray(x, np.longdouble) for x in given))
        elif node.operation in ("lt", "le", "eq", "choose", "neg", "abs"):
            value = interpreter.FUNCTIONS[node.operation](*given)
        else:
            given = [np.asarray(x, np.float64) if np.asarray(x).dtype == np.longdouble else x for x in given]
            value = _own(node, given, inputs)
        found.append(value)
    return {name: np.asarray(found[place], np.float64) for name, place in program.outputs.items()}


def spread(
    program: Program,
    inputs: Mapping[str, np.ndarray],
    found: Mapping[str, np.ndarray],
    seed: int,
    *,
    tries: int = 6,
    share: float = 1.0,
) -> dict[str, np.ndarray]:
    """Return how far noisy results lie from those without noise, by output."""
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        others = noisy(program, inputs, rng, tries, share)
        return {name: np.max(np.abs(others[name] - found[name]), axis=0) for name in found}
