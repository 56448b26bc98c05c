"""Elementary functions of registers: polynomials and bit patterns instead of calls into the C library.

Accuracy: `exp` (2 + |x|) units in the last place; `log` and `turn` within 1e-13, far below what any number of draws
could tell. Eight lanes, which only AVX-512 has, look the nearest of 16 knots up in two registers, which makes the
polynomials shorter. Coefficients: polynomials through Chebyshev nodes, in Estrin form, which keeps chains of dependent
products short.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import math

from llvmlite import ir

from firmfate.kernel.registers import DOUBLE, Register

ROUND = 6755399441055744.0
"""1.5 x 2**52: adding it rounds a number to an integer, which then stands in the low bits."""
ROUND_BITS = 0x4338_0000_0000_0000
LOW_HALF = 0xFFFF_FFFF
WORD_AT_2_20 = 0x4130_0000_0000_0000
"""Bit pattern of 2**20: a word put into its low half counts units of 2**-32."""
TURN = 2.0 * math.pi
LOG2_E = 1.0 / math.log(2.0)
KNOTS = 16


def exp(x: Register) -> Register:
    """Return e to the power of x: 0 below about -708, infinite above about 709, NaN for NaN."""
    return _exp_by_knots(x) if x.lanes == 8 else _exp(x)


def uniform(word: Register) -> Register:
    """Return (w + 1/2) / 2**32 of the word w in the low half: on (0, 1), never 0 or 1."""
    return ((word & LOW_HALF) | WORD_AT_2_20).floats() - (2.0**20 - 2.0**-33)


def log(u: Register) -> Register:
    """Return the natural logarithm of a normal positive number."""
    return _log_by_knots(u) if u.lanes == 8 else _log(u)


def turn(word: Register) -> tuple[Register, Register]:
    """Return cosine and sine of 2 pi times the uniform of a word."""
    return _turn_by_knots(word) if word.lanes == 8 else _turn(word)


def _exp(x: Register) -> Register:
    """2**k times a polynomial on |r| <= ln(2)/2."""
    bounded = (x > 709.0).choose(709.0, x)
    bounded = (bounded < -708.0).choose(-708.0, bounded)
    shifted = bounded * LOG2_E + ROUND
    k = shifted - ROUND
    r = (bounded - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    r2 = r * r
    r4 = r2 * r2
    p01 = r * 0.16666666666666669 + 0.5000000000000001
    p23 = r * 0.008333333333330062 + 0.04166666666662413
    p45 = r * 0.00019841269863053618 + 0.0013888888917213717
    p67 = r * 2.7557268459997064e-06 + 2.4801521295954376e-05
    p89 = r * 2.510038549551032e-08 + 2.7620088445409746e-07
    p = (p01 + r2 * p23) + r4 * ((p45 + r2 * p67) + r4 * p89)
    power = (((r + r2 * p) + 1.0).bits() + (shifted.bits() << 52)).floats()
    return (x > 709.0).choose(math.inf, (x < -708.0).choose(0.0, power))


def _log(u: Register) -> Register:
    """Exponent and mantissa in [sqrt(1/2), sqrt(2)), then 2 artanh."""
    pattern = u.bits() + 0x0009_5F61_9980_C433
    exponent = ((pattern >> 52) + ROUND_BITS).floats() - (ROUND + 1023.0)
    m = ((pattern & 0x000F_FFFF_FFFF_FFFF) + 0x3FE6_A09E_667F_3BCD).floats()
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    z2 = z * z
    q01 = z * 0.40000000011217896 + 0.6666666666666208
    q23 = z * 0.2222286267363164 + 0.2857142413470798
    q45 = z * 0.16622077028790047 + 0.18140176601175478
    q = q01 + z2 * (q23 + z2 * q45)
    return exponent * math.log(2.0) + (s * 2.0 + s * z * q)


def _turn(word: Register) -> tuple[Register, Register]:
    """The rest from the nearest quarter turn; odd quarters swap cosine and sine, the quarter's bits give the signs."""
    turns = uniform(word) * 4.0
    shifted = turns + ROUND
    quarter = shifted.bits()
    r = turns - (shifted - ROUND)
    z = r * r
    z2 = z * z
    s01 = z * -0.6459640975043052 + 1.57079632679489
    s23 = z * -0.004681752589609857 + 0.07969262615560159
    s45 = z * -3.556369371360422e-06 + 0.00016042925554202335
    s = r * (s01 + z2 * (s23 + z2 * s45))
    c01 = z * -1.2337005501201272 + 0.9999999999999443
    c23 = z * -0.0208634679869731 + 0.2536695071525108
    c45 = z * -2.485082381773045e-05 + 0.0009191616584395563
    c = c01 + z2 * (c23 + z2 * c45)
    swapped = quarter.odd()
    cosine = swapped.choose(s, c).bits() ^ (((quarter + 1) & 2) << 62)
    sine = swapped.choose(c, s).bits() ^ ((quarter & 2) << 62)
    return cosine.floats(), sine.floats()


_ROOTS = [2.0 ** (j / KNOTS) for j in range(KNOTS)]
# The last knot is 2, so that its logarithm and the exponent's cancel exactly just below 1.
_RECIPROCALS = [1.0 / knot for knot in [*(1.0 + (j + 0.5) / KNOTS for j in range(KNOTS - 1)), 2.0]]
_LOGARITHMS = [-math.log(reciprocal) for reciprocal in _RECIPROCALS]
# The middles of 16 sectors, moved by 2**-33 turns so that the rest of a word within its sector is exact.
_MIDDLES = [TURN * ((j + 0.5) / KNOTS + 2.0**-33) for j in range(KNOTS)]
_COSINES = [math.cos(middle) for middle in _MIDDLES]
_SINES = [math.sin(middle) for middle in _MIDDLES]
_EVERY_LANE = ir.Constant(ir.IntType(8), -1)
_NEAREST = ir.Constant(ir.IntType(32), 4)
_TO_SIXTEENTHS = ir.Constant(ir.IntType(32), 4 << 4 | 8)


def _looked_up(values: list[float], place: Register) -> Register:
    """Return the values at the low four bits of `place`."""
    halves = (ir.Constant(ir.VectorType(DOUBLE, 8), half) for half in (values[:8], values[8:]))
    low, high = (Register(place.builder, half) for half in halves)
    return low.call("llvm.x86.avx512.vpermi2var.pd.512", place, high)


def _exp_by_knots(x: Register) -> Register:
    """2**k, k a multiple of 1/16, times a polynomial on |f| <= 1/32.

    The product with log2(e) is rounded, which costs |x| units in the last place, and spares the two steps of an exact
    reduction. Whatever x is, f is small, and `scalef` knows what the powers of infinities are.
    """
    power = x * LOG2_E
    k = power.call("llvm.x86.avx512.mask.rndscale.pd.512", _TO_SIXTEENTHS, power, _EVERY_LANE, _NEAREST)
    f = power - k
    f2 = f * f
    p02 = (f * 0.009618129107234622 + 0.05550410866027587) * f + 0.24022650695910072
    p34 = f * 0.00015403691716082854 + 0.0013333744338239965
    p = f * math.log(2.0) + f2 * (p02 + f2 * f * p34)
    root = _looked_up(_ROOTS, (k + ROUND / KNOTS).bits())
    made = root + root * p
    return made.call("llvm.x86.avx512.mask.scalef.pd.512", k, made, _EVERY_LANE, _NEAREST)


def _log_by_knots(u: Register) -> Register:
    """Exponent and mantissa in [1, 2): the logarithm of the nearest knot, and a polynomial of the rest."""
    exponent = u.call("llvm.x86.avx512.mask.getexp.pd.512", u, _EVERY_LANE, _NEAREST)
    mantissa = u.call("llvm.x86.avx512.mask.getmant.pd.512", ir.Constant(ir.IntType(32), 0), u, _EVERY_LANE, _NEAREST)
    knot = u.bits() >> 48
    f = mantissa * _looked_up(_RECIPROCALS, knot) - 1.0
    f2 = f * f
    p03 = (f * 0.3333333333446673 - 0.5) + f2 * (f * 0.19999990716115904 - 0.25000000001020084)
    p46 = (f * 0.14304721983359833 - 0.16666658310969995) + f2 * -0.12517107244459322
    return (f2 * (p03 + f2 * f2 * p46) + f) + (exponent * math.log(2.0) + _looked_up(_LOGARITHMS, knot))


def _turn_by_knots(word: Register) -> tuple[Register, Register]:
    """The middle of one of 16 sectors, turned by the rest within it."""
    r = ((word & 0x0FFF_FFFF) | WORD_AT_2_20).floats() - (2.0**20 + 2.0**-5)
    sector = (word & LOW_HALF) >> 28
    z = r * r
    z2 = z * z
    s = (z * 81.6052492650987 - 41.34170224039842) + z2 * (z * 42.02185658616179 - 76.70582827985477)
    c = (z * 64.939394003454 - 19.73920880217637) + z2 * (z * 60.180154755357705 - 85.45676211171855)
    sine, less_one = r * (s * z + TURN), c * z
    middle_cosine, middle_sine = _looked_up(_COSINES, sector), _looked_up(_SINES, sector)
    return (
        middle_cosine + (middle_cosine * less_one - middle_sine * sine),
        middle_sine + (middle_sine * less_one + middle_cosine * sine),
    )
