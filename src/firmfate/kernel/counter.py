"""Philox4x32-10 and normals, written so that many counters are worked on side by side.

A 32-bit word travels in the low half of an int64; a word w becomes the uniform (w + 1/2) / 2**32, never 0 or 1, and a
pair of words a pair of normals by Box & Muller (1958), which caps |z| at 6.76.
"""

from __future__ import annotations

import math

import numpy as np

from firmfate.kernel.arithmetic import float_of, log_of_uniform, sine_cosine_of_turn
from firmfate.kernel.compiler import inlined
from firmfate.randomness import MULTIPLIERS, ROUNDS, WEYL

WORD_AT_2_20 = 0x4130_0000_0000_0000
"""Bit pattern of 2**20: a word put into its low half counts units of 2**-32."""
M0, M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
W0, W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@inlined
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return the four words of a counter; all words uint64 below 2**32."""
    for _ in range(ROUNDS):
        left = c0 * M0
        right = c2 * M1
        c0, c1, c2, c3 = (right >> HALF) ^ c1 ^ k0, right & MASK, (left >> HALF) ^ c3 ^ k1, left & MASK
        k0 = (k0 + W0) & MASK
        k1 = (k1 + W1) & MASK
    return c0, c1, c2, c3


@inlined
def uniform(word):  # type: ignore[no-untyped-def]
    """Return a uniform number on (0, 1) from a word."""
    return float_of(np.int64(word) | WORD_AT_2_20) - (2.0**20 - 2.0**-33)


@inlined
def normal_pair(first, second):  # type: ignore[no-untyped-def]
    """Return two independent standard normals from two words."""
    radius = math.sqrt(-2.0 * log_of_uniform(uniform(first)))
    sine, cosine = sine_cosine_of_turn(uniform(second))
    return radius * cosine, radius * sine
