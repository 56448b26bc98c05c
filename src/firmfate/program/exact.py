"""Operations on single values in plain Python, to the last bit: what constants are worked out by, and an oracle.

A fused multiply-add goes by rational numbers, whose conversion to a float is correctly rounded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

ALL = 2**64 - 1
LOW = 2**32 - 1


def fma(a: float, b: float, c: float) -> float:
    """Return a b + c, rounded once."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    total = Fraction(a) * Fraction(b) + Fraction(c)
    if total == 0:
        # Exact zeros: their sign is that of the sum of the two terms.
        exact_product = math.copysign(0.0, math.copysign(1.0, a) * math.copysign(1.0, b)) if a == 0 or b == 0 else None
        return c + exact_product if exact_product is not None else 0.0
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def divide(a: float, b: float) -> float:
    """Return a / b by IEEE's rules: infinite or NaN where b is 0."""
    if b == 0.0:
        if a == 0.0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _multiply(a: float, b: float) -> float:
    return a * b


def _rounded(how: Callable[[float], int]) -> Callable[[float], float]:
    def apply(a: float) -> float:
        return math.copysign(float(how(a)), a) if math.isfinite(a) else a

    return apply


def scale(m: float, k: float, word: int) -> float:
    """Return m 2**floor(k) for m in [1, 2)."""
    if k >= 1024.0:
        return math.inf
    if k < -1100.0:
        return 0.0
    return math.nan if k != k or m != m else math.ldexp(m, math.floor(k))


def bits(a: float) -> int:
    """Return the bit pattern of a number."""
    return int.from_bytes(struct.pack("<d", a), "little")


def number(word: int) -> float:
    """Return the number of a bit pattern."""
    found: float = struct.unpack("<d", word.to_bytes(8, "little"))[0]
    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": _multiply,
    "div": divide,
    "neg": lambda a: -a,
    "abs": abs,
    "sqrt": lambda a: math.sqrt(a) if a >= 0.0 else (a if a == 0.0 else math.nan),
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "trunc": _rounded(math.trunc),
    "fma": fma,
    "fms": lambda a, b, c: fma(a, b, -c),
    "fnma": lambda a, b, c: fma(-a, b, c),
    "choose": lambda flag, a, b: a if flag else b,
    "scale": scale,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "both": lambda a, b: bool(a) and bool(b),
    "either": lambda a, b: bool(a) or bool(b),
    "differ": lambda a, b: bool(a) != bool(b),
    "not": lambda a: not a,
    "wadd": lambda a, b: (a + b) & ALL,
    "wmul": lambda a, b: (a & LOW) * (b & LOW),
    "wand": lambda a, b: a & b,
    "wor": lambda a, b: a | b,
    "wxor": lambda a, b: a ^ b,
    "wshl": lambda a, b: (a << b) & ALL,
    "wshr": lambda a, b: a >> b,
    "bits": bits,
    "number": number,
    "set": lambda a: a != 0,
}


def apply(operation: str, values: Sequence[Any]) -> Any:
    """Return what an operation makes of values."""
    return FUNCTIONS[operation](*values)
