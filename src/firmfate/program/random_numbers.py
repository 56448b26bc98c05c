"""Random numbers as programs: Philox4x32-10, and normals by Box & Muller (1958), which caps |z| at 6.76.

A word of 32 bits travels in the low half of a 64-bit word; what is left in the high half is never looked at. The
transform to normals errs by less than 2e-11, a tenth of the steps in which 32 bits can vary a uniform number.

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC11.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firmfate.program.elementary import LOG_2, polynomial, split
from firmfate.program.values import Value, Word, fused, written_out
from firmfate.randomness import MULTIPLIERS, ROUNDS, WEYL

NORMAL, UNIFORM, EXPONENTIAL = "normal", "uniform", "exponential"
"""The kinds of random number: standard normal, uniform on the open interval (0, 1), exponential with mean 1."""

LOW = 0xFFFF_FFFF
AT_2_20, AT_2_19 = 0x4130_0000_0000_0000, 0x4120_0000_0000_0000
"""Bit patterns of 2**20 and 2**19: a word put into their low half counts units of 2**-32 and 2**-33."""


def word_count(kinds: Sequence[str]) -> int:
    """Return how many words become random numbers of these kinds, blocks of four: normals take pairs."""
    normals = kinds.count(NORMAL)
    return 4 * -(-(2 * -(-normals // 2) + len(kinds) - normals) // 4)


def philox(counter: tuple[Value, Value, Value, Value], key: tuple[Value, Value]) -> tuple[Value, ...]:
    """Return the four words of a counter under a key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for i in range(ROUNDS):
        r0, r1 = Word.join("wadd", k0, i * WEYL[0]), Word.join("wadd", k1, i * WEYL[1])
        left, right = Word.join("wmul", c0, MULTIPLIERS[0]), Word.join("wmul", c2, MULTIPLIERS[1])
        c0, c2 = (
            Word.join("wxor", Word.join("wshr", right, 32), Word.join("wxor", c1, r0)),
            Word.join("wxor", Word.join("wshr", left, 32), Word.join("wxor", c3, r1)),
        )
        c1, c3 = right, left
    return c0, c1, c2, c3


@written_out
def uniform(word: Value) -> Value:
    """Return (w + 1/2) / 2**32 of the word w: on (0, 1), never 0 or 1."""
    low = Word.join("wor", Word.join("wand", word, LOW), AT_2_20)
    found: Value = Word.number(low) - (2.0**20 - 2.0**-33)
    return found


@written_out
def normal_pair(first: Value, second: Value) -> tuple[Value, Value]:
    """Return two independent standard normals from two words.

    The squared radius is -2 log(u) = -2 e log(2) - 4 artanh(s), s = (m - 1)/(m + 1), u = m 2**e. The angle is within
    a half turn, by the upper 31 bits of the second word; its last bit turns both normals over.
    """
    e, m = split(uniform(first))
    s = (m - 1.0) / (m + 1.0)
    series = polynomial(s * s, (
        -4.000000000016719, -1.3333333049497504, -0.8000076934475038, -0.5707010207563262, -0.4723271819829197,
    ))  # fmt: skip
    radius = s.make("sqrt", fused(s, series, e * (-2.0 * LOG_2)))
    r = Word.number(Word.join("wor", Word.join("wand", second, LOW), AT_2_19 | 1)) - (2.0**19 + 0.25)
    z = r * r
    cosine = polynomial(z, (
        0.9999999999992479, -19.7392088009994, 64.939393720599, -85.45678817674047, 60.24331176645407,
        -26.39494802157144, 7.53659673505548,
    ))  # fmt: skip
    sine = r * polynomial(z, (
        6.28318530717927, -41.341702239903675, 81.60524914901583, -76.70584754377326, 42.058134871372054,
        -15.081483206893, 3.6658551595639612,
    ))  # fmt: skip
    signed = Word.number(Word.join("wxor", Word.bits(radius), Word.join("wshl", second, 63)))
    return signed * cosine, signed * sine


@written_out
def exponential(word: Value) -> Value:
    """Return a standard exponential number from a word: -log(u)."""
    e, m = split(uniform(word))
    s = (m - 1.0) / (m + 1.0)
    series = polynomial(s * s, (
        -2.0, -0.6666666666666666, -0.4000000000000088, -0.28571428570803614, -0.22222222391713917,
        -0.18181795640132906, -0.15386239702814658, -0.13268773138656886, -0.13086626147840102,
    ))  # fmt: skip
    return fused(s, series, e * -LOG_2)


def numbers(words: Sequence[Value], kinds: Sequence[str]) -> list[Value]:
    """Return random numbers of these kinds from words: normals in pairs first, then the others in order."""
    waiting: Iterator[Value] = iter(words)
    found: dict[int, Value] = {}
    normals = [i for i, kind in enumerate(kinds) if kind == NORMAL]
    for first in range(0, len(normals), 2):
        found.update(zip(normals[first : first + 2], normal_pair(next(waiting), next(waiting)), strict=False))
    for place, kind in enumerate(kinds):
        if kind != NORMAL:
            found[place] = uniform(next(waiting)) if kind == UNIFORM else exponential(next(waiting))
    return [found[i] for i in range(len(kinds))]


def drawn(
    kinds: Sequence[str], *, stream: int, replicate: tuple[Value, Value], step: Value, cell: Value,
    key: tuple[Value, Value],
) -> list[Value]:  # fmt: skip
    """Return the random numbers of a firm in a step.

    Parameters
    ----------
    kinds : sequence of str
        ``normal``, ``uniform`` or ``exponential``.
    stream : int
        Which of the streams that are kept apart.
    replicate, key : pair of Value
        Low and high word.
    step, cell : Value
        Words; the last 12 bits of the cell's are 0.
    """
    words: list[Value] = []
    for block in range(word_count(kinds) // 4):
        last = Word.join("wor", cell, stream + 256 * block)
        words += philox((*replicate, step, last), key)
    return numbers(words, kinds)
