"""Elementary functions as programs: sums and products of known rounding instead of calls into a C library.

A function is the same operations on every processor, so a firm has the same bits on all of them. Errors, in units in
the last place unless said otherwise: `exp` (2 + |x|), `log` and `log1p` 2, `expm1` 2 + |x|, `sin` and `cos` 2 up to
1,000 radians, 3e-16 in all up to 10**15 and NaN beyond, `tanh` 3, `power` (3 + 2 |y log x|). Coefficients are those of
polynomials through Chebyshev nodes, worked out in 50 digits.

References
----------
Muller (2016), Elementary Functions: Algorithms and Implementation. Cody & Waite (1980) for the reduction of arguments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from firmfate.program.values import Value, Word, choose, fused, is_number, lookup, plain_number, written_out

LOG2_E = 1.4426950408889634
LOG_2 = 0.6931471805599453
LOG_2_PARTS = (float.fromhex("0x1.62e42ff000000p-1"), float.fromhex("-0x1.718432a200000p-35"))
HALF_PI_PARTS = tuple(
    float.fromhex(part) for part in ("0x1.921fb54400000p+0", "0x1.0b4611a600000p-34", "0x1.3198a2e037073p-69")
)
PER_HALF_PI = 0.6366197723675814

ROUND = 1.5 * 2.0**52
"""Adding it rounds a number below 2**51 to an integer, which then stands in the low bits."""
KNOTS = 16
ROOTS = tuple(2.0 ** (knot / KNOTS) for knot in range(KNOTS))

LARGEST_POWER = 64
"""Constant integer exponents up to this become products."""


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Return c0 + c1 x + c2 x**2 ...: pairs first, which do not wait for each other, then by Horner's rule in x**2."""
    pairs: list[Any] = [
        fused(x, coefficients[i + 1], coefficients[i]) if i + 1 < len(coefficients) else coefficients[i]
        for i in range(0, len(coefficients), 2)
    ]
    found = pairs[-1]
    if len(pairs) > 1:
        square = x * x
        for pair in reversed(pairs[:-1]):
            found = fused(square, found, pair)
    return found  # type: ignore[no-any-return]


@written_out
def exp(x: Value) -> Value:
    """Return e to the power of x: 0 below about -745.1, infinite above about 709.8, NaN for NaN.

    2**k, k a multiple of 1/16, times a polynomial on |f| <= 1/32. The product with log2(e) is rounded, which costs |x|
    units in the last place, and spares an exact reduction.
    """
    power = x * LOG2_E
    shifted = power + ROUND / KNOTS
    k = shifted - ROUND / KNOTS
    f = power - k
    p = polynomial(f, (LOG_2, 0.24022650695910072, 0.05550410866027587, 0.009618129107234622, 0.0013333744338239965,
                       0.00015403691716082854))  # fmt: skip
    places = Word.bits(shifted)
    root = lookup(ROOTS, places)
    return x.make("scale", fused(root * f, p, root), k, places)


@written_out
def log(x: Value) -> Value:
    """Return the natural logarithm: minus infinity for 0, NaN below."""
    tiny = x < 2.0**-1022
    e, m = split(choose(tiny, x * 2.0**54, x))
    e = choose(tiny, e - 54.0, e)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    q = polynomial(z, (
        0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508, 0.18182889125261723,
        0.15331721600556042, 0.14616449685043406,
    ))  # fmt: skip
    # 2 s = f - s f, with f exact: the larger part of the logarithm is not rounded.
    half = f * f * 0.5
    rest = s * fused(z, q, half)
    found = e * LOG_2_PARTS[0] - ((half - fused(e, LOG_2_PARTS[1], rest)) - f)
    found = choose(x == math.inf, math.inf, found)
    return choose(x > 0.0, found, choose(x == 0.0, -math.inf, math.nan))


@written_out
def split(x: Value) -> tuple[Value, Value]:
    """Return exponent and significand, in [sqrt(1/2), sqrt(2)), of a normal positive number."""
    bits = Word.join("wadd", Word.bits(x), 0x0009_5F61_9980_C433)
    exponent = Word.number(Word.join("wor", Word.join("wshr", bits, 52), 0x4330_0000_0000_0000)) - (2.0**52 + 1023.0)
    fraction = Word.join("wand", bits, 0x000F_FFFF_FFFF_FFFF)
    return exponent, Word.number(Word.join("wadd", fraction, 0x3FE6_A09E_667F_3BCD))


@written_out
def log1p(x: Value) -> Value:
    """Return log(1 + x), exact where x is small."""
    u = x + 1.0
    lost = x - (u - 1.0)  # what the sum has rounded away
    found = log(u) + lost / u
    found = choose(x == math.inf, math.inf, found)
    return choose(u == 0.0, -math.inf, choose(x == 0.0, x, found))


@written_out
def expm1(x: Value) -> Value:
    """Return exp(x) - 1, exact where x is small."""
    small = fused(x * x, polynomial(x, (
        0.5, 0.16666666666666666, 0.04166666666666668, 0.008333333333333333, 0.001388888888887828,
        0.0001984126984126277, 2.4801587338540415e-05, 2.755731924861721e-06, 2.7557261055508104e-07,
        2.5052069612234677e-08, 2.0918952345998524e-09, 1.6087170907940627e-10,
    )), x)  # fmt: skip
    return choose(abs(x) <= 0.35, small, exp(x) - 1.0)


def sin(x: Value) -> Value:
    """Return the sine."""
    return _quarter_turns(x, 0)


def cos(x: Value) -> Value:
    """Return the cosine."""
    return _quarter_turns(x, 1)


@written_out
def _quarter_turns(x: Value, ahead: int) -> Value:
    """Return the sine of x and so many quarter turns more."""
    shifted = fused(x, PER_HALF_PI, ROUND)
    k = shifted - ROUND
    r = x
    for part in HALF_PI_PARTS:
        r = x.make("fnma", k, x.as_number(part), r)
    z = r * r
    sine = fused(r * z, polynomial(z, (
        -0.16666666666666666, 0.008333333333330948, -0.00019841269836758574, 2.755731610255244e-06,
        -2.5051131845003624e-08, 1.5918129294866608e-10,
    )), r)  # fmt: skip
    cosine = fused(z * z, polynomial(z, (
        0.041666666666666664, -0.0013888888888887398, 2.480158729876569e-05, -2.7557317271729793e-07,
        2.08761462684032e-09, -1.1382632425521717e-11,
    )), 1.0 - z * 0.5)  # fmt: skip
    quarter = Word.join("wadd", Word.bits(shifted), ahead)
    odd = x.make("set", Word.join("wand", quarter, 1))
    sign = Word.join("wshl", Word.join("wand", quarter, 2), 62)
    found = Word.number(Word.join("wxor", Word.bits(choose(odd, cosine, sine)), sign))
    return choose(abs(x) <= 1e15, found, math.nan)


@written_out
def tanh(x: Value) -> Value:
    """Return the hyperbolic tangent."""
    size = abs(x)
    e = expm1(size * 2.0)
    found = choose(size > 20.0, 1.0, e / (e + 2.0))
    found = choose(x != x, x, found)
    return choose(x < 0.0, -found, found)


@written_out
def power(x: Value, y: Any) -> Value:
    """Return x to the power of y: products where y is a constant integer, a square root where it is 1/2.

    A negative number to the power of no integer is NaN, where Python leaves the real numbers or raises.
    """
    assert is_number(y)
    known = y.known if isinstance(y, Value) else plain_number(y)
    if known is not None and float(known).is_integer() and abs(known) <= LARGEST_POWER:
        size = _product(x, abs(int(known)))
        return 1.0 / size if known < 0 else size
    if known == 0.5:
        return x.make("sqrt", x)
    y = x.as_number(y)
    size = exp(y * log(abs(x)))
    whole = x.make("floor", y) == y
    half = y * 0.5
    odd = x.make("floor", half) != half
    signed = choose(whole, choose(odd, -size, size), math.nan)
    found = choose(x < 0.0, signed, size)
    return choose((y == 0.0) | (x == 1.0), 1.0, found)


def _product(x: Value, n: int) -> Value:
    """Return x to the power of a constant integer from 0 on, by squaring."""
    found: Value | None = None
    while n:
        if n & 1:
            found = x if found is None else found * x
        n >>= 1
        x = x * x if n else x
    return x.as_number(1.0) if found is None else found
