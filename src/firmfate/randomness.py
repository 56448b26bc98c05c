"""Random numbers by counter: Philox4x32-10 in NumPy, the streams that are kept apart, and the keys of cells.

The compiled engine draws the same numbers (a test compares them); this file is for draws that are made once:
populations, designs and scrambles. A number is a function of key and counter alone, so results depend neither on order
nor on workers.

Counter words: replicate (low, high), step, and stream + 256 x block. Where random numbers are not common to all cells,
a hash of the cell's values is mixed into the second and the last word.

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

SHOCKS, BIRTH, POPULATION, DESIGN = range(4)
"""Streams: shocks of a step, once-a-firm draws, population draws (the step word is a hash of the name), and what is
drawn for designs."""

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(key: tuple[int, int], counter: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return Philox4x32-10 of each counter.

    Parameters
    ----------
    key : pair of int
        Two 32-bit words.
    counter : (..., 4) array of uint32

    Returns
    -------
    (..., 4) array of uint32
    """
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    m0, m1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
    for _ in range(ROUNDS):
        left, right = c0 * m0, c2 * m1
        c0, c1, c2, c3 = (
            (right >> _HALF) ^ c1 ^ np.uint64(k0),
            right & _LOW,
            (left >> _HALF) ^ c3 ^ np.uint64(k1),
            left & _LOW,
        )
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def split_key(key: int) -> tuple[int, int]:
    """Return a 64-bit key as two 32-bit words, low first."""
    return key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF


def counters(replicates: NDArray[np.uint64], *, step: int = 0, stream: int, block: int = 0) -> NDArray[np.uint32]:
    """Return the counters of these replicates, shape ``(n, 4)``."""
    table = np.empty((len(replicates), 4), dtype=np.uint32)
    table[:, 0] = replicates & _LOW
    table[:, 1] = replicates >> _HALF
    table[:, 2] = step & 0xFFFFFFFF
    table[:, 3] = stream + 256 * block
    return table


def uniforms(key: int, replicates: NDArray[np.uint64], *, name: str, stream: int = POPULATION) -> NDArray[np.float64]:
    """Return one uniform number on (0, 1) a replicate, with 53 bits, addressed by a name.

    Parameters
    ----------
    key : int
        64 bits: the study's seed, or a cell's key.
    replicates : (n,) array of uint64
    name : str
        What is drawn; its hash is the step word of the counter.
    stream : int

    Returns
    -------
    (n,) array of float64, never 0 or 1
    """
    word = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    words = philox(split_key(key), counters(replicates, step=word, stream=stream)).astype(np.uint64)
    bits = (words[:, 0] << np.uint64(20)) ^ (words[:, 1] >> np.uint64(12))
    return (bits.astype(np.float64) + 0.5) * 2.0**-52


def canonical(value: float) -> str:
    """Return a value as it is hashed: 12 significant digits, no negative zero."""
    return f"{float(value) + 0.0:.12g}"


def value_key(seed: int, model: str, values: Mapping[str, float]) -> int:
    """Return the 64-bit key of a cell where common random numbers are off: a hash of seed, model and values, never of
    position."""
    text = "\n".join([str(seed), model, *(f"{name}={canonical(values[name])}" for name in sorted(values))])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def cell_word(key: int) -> int:
    """Return the 52 bits of a cell's key that distinguish its random numbers from those of other cells.

    The low half goes into the second word of a firm's counters, the high half into the last, whose 12 low bits name
    stream and block.
    """
    return key & 0xFFFF_F000_FFFF_FFFF
