"""Programs run by NumPy, operation by operation: the oracle of all compiled back ends, bit for bit.

A fused multiply-add is worked out exactly: by error-free transforms and rounding to odd where nothing can overflow or
underflow, by rational numbers elsewhere.

References
----------
Boldo & Melquiond (2008), Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.program import exact
from firmfate.program.graph import from_pattern
from firmfate.program.operations import FLAG, NUMBER, WORD
from firmfate.program.program import Program

Floats = NDArray[np.float64]

SPLIT = 2.0**27 + 1.0
LARGE, SMALL = 2.0**500, 2.0**-500
"""Between them, terms and their errors neither overflow nor underflow."""


def run(program: Program, inputs: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the outputs of a program.

    Parameters
    ----------
    program : Program
    inputs : mapping
        Name -> array or number; all of shapes that broadcast.

    Returns
    -------
    dict
        Name of an output -> array of the common shape: float64, uint64 for words, bool for flags.
    """
    types = {NUMBER: np.float64, WORD: np.uint64, FLAG: np.bool_}
    shape = np.broadcast_shapes(*(np.shape(value) for value in inputs.values()))
    found: list[Any] = []
    nodes = program.graph.nodes
    with np.errstate(all="ignore"):
        for place in range(len(nodes)):
            node = nodes[place]
            arguments = [found[argument] for argument in node.arguments]
            if node.operation == "input":
                value: Any = np.asarray(inputs[str(node.data)]).astype(types[node.kind])
            elif node.operation == "constant":
                assert isinstance(node.data, int)
                value = types[node.kind](from_pattern(node.data) if node.kind == NUMBER else node.data)
            elif node.operation == "lookup":
                assert isinstance(node.data, tuple)
                table = np.array([from_pattern(entry) for entry in node.data])
                value = table[arguments[0] & np.uint64(len(table) - 1)]
            else:
                value = FUNCTIONS[node.operation](*arguments)
            found.append(value)
    return {
        name: np.broadcast_to(found[place], shape).astype(types[nodes[place].kind])
        for name, place in program.outputs.items()
    }


def fma(a: Any, b: Any, c: Any) -> Floats:
    """Return a b + c, rounded once."""
    with np.errstate(all="ignore"):
        product = np.multiply(a, b)
        size = np.empty((4, *np.broadcast_shapes(product.shape, np.shape(c))))
        size[0], size[1], size[2], size[3] = a, b, product, c
        np.abs(size, out=size)
        moderate = (size < LARGE) & (size > SMALL)
        moderate[3] |= size[3] == 0
        easy = moderate.all(axis=0)
        found = _rounded_once(a, b, c, product)
        if easy.all():
            return found
        a, b, c = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (a, b, c)))
        finite = np.isfinite(a) & np.isfinite(b)
        simple = ~finite | ~np.isfinite(c) | (a == 0) | (b == 0)
        found = np.where(simple, product + c, found)
        found = np.where(finite & ~np.isfinite(c), c, found)  # also where the product alone overflows
    hard = np.argwhere(~(simple | easy))
    for place in map(tuple, hard):
        found[place] = exact.fma(float(a[place]), float(b[place]), float(c[place]))
    return np.asarray(found)


def _two_sum(a: Any, b: Any) -> tuple[Floats, Floats]:
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def _lost(a: Any, b: Any, product: Any) -> Any:
    """Return what a product has lost by rounding."""
    a_split, b_split = SPLIT * a, SPLIT * b
    a_high, b_high = a_split - (a_split - a), b_split - (b_split - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _rounded_once(a: Any, b: Any, c: Any, high: Any) -> Floats:
    """Return a b + c, rounded once, for their rounded product; where all are moderate."""
    low = _lost(a, b, high)
    middle, rest = _two_sum(c, low)
    total, lost = _two_sum(high, middle)
    tail, error = _two_sum(lost, rest)
    # Rounded to odd: the last bit says that something is lost, so that the last sum cannot round the wrong way.
    bits = tail.view(np.int64)
    away = np.where((error > 0) == (tail > 0), 1, -1)
    odd = np.where((error != 0) & (bits & 1 == 0), bits + away, bits).view(np.float64)
    return np.asarray(total + odd)


def _scale(m: Any, k: Any, word: Any) -> Any:
    whole = np.floor(np.clip(np.nan_to_num(k), -1100.0, 1024.0)).astype(np.int64)
    found = np.where(np.isnan(k), np.nan, np.ldexp(m, whole))
    return np.where(k >= 1024.0, np.inf, np.where(k < -1100.0, 0.0, found))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc,
    "fma": fma, "fms": lambda a, b, c: fma(a, b, -c), "fnma": lambda a, b, c: fma(-a, b, c),
    "choose": np.where, "scale": _scale, "lt": np.less, "le": np.less_equal, "eq": np.equal,
    "both": np.logical_and, "either": np.logical_or, "differ": np.logical_xor, "not": np.logical_not,
    "wadd": np.add, "wand": np.bitwise_and, "wor": np.bitwise_or, "wxor": np.bitwise_xor,
    "wmul": lambda a, b: (a & np.uint64(exact.LOW)) * (b & np.uint64(exact.LOW)),
    "wshl": np.left_shift, "wshr": np.right_shift,
    "bits": lambda a: np.asarray(a, np.float64).view(np.uint64),
    "number": lambda a: np.asarray(a, np.uint64).view(np.float64),
    "set": lambda a: a != 0,
}  # fmt: skip
