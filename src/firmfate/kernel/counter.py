"""Philox4x32-10 and normals, written so that many counters are worked on side by side.

A 32-bit word travels in the low half of an int64; a word w becomes the uniform (w + 1/2) / 2**32, never 0 or 1, and a
pair of words a pair of normals by Box & Muller (1958), which caps |z| at 6.76.
"""

from __future__ import annotations

import math

import numpy as np

from firmfate.kernel.arithmetic import float_of, log_of_uniform, sine_cosine_of_turn
from firmfate.kernel.compiler import inlined
from firmfate.kernel.lanes import load_int, store_int
from firmfate.randomness import MULTIPLIERS, ROUNDS, WEYL

WORD_AT_2_20 = 0x4130_0000_0000_0000
"""Bit pattern of 2**20: a word put into its low half counts units of 2**-32."""
M0, M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
W0, W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@inlined
def philox(c0, c1, c2, c3, keys):  # type: ignore[no-untyped-def]
    """Return the four words of a counter; `keys` holds the words that the rounds use, as `store_round_keys` put them.

    Words are uint64 of which the low halves count.
    """
    for i in range(ROUNDS):
        left = (c0 & MASK) * M0
        right = (c2 & MASK) * M1
        k0 = np.uint64(load_int(keys, 2 * i))
        k1 = np.uint64(load_int(keys, 2 * i + 1))
        c0, c1, c2, c3 = (right >> HALF) ^ c1 ^ k0, right, (left >> HALF) ^ c3 ^ k1, left
    return c0 & MASK, c1 & MASK, c2 & MASK, c3 & MASK


@inlined
def store_round_keys(keys, key):  # type: ignore[no-untyped-def]
    """Put the 20 words that the rounds of a 64-bit key use into `keys`, in the order of their use."""
    k0, k1 = key & MASK, key >> HALF
    for i in range(ROUNDS):
        store_int(keys, 2 * i, np.int64(k0))
        store_int(keys, 2 * i + 1, np.int64(k1))
        k0 = (k0 + W0) & MASK
        k1 = (k1 + W1) & MASK


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
