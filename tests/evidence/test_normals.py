"""Two to the 31 normals as the engine draws them: moments and tails against their own law, to six standard errors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from firmfate.kernel import counter

DRAWS = 2**31
PIECES = 512
EDGES = np.array([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
POWERS = 8
LIMIT = 6.0


@njit(nogil=True)
def draw(first: int, pairs: int, scale: float, keys: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of the powers 1 to 8 of scaled normals, and how many lie below each edge; two normals a pair."""
    sums = np.zeros(POWERS)
    below = np.zeros(len(edges), np.int64)
    part = np.zeros(POWERS)
    for i in range(pairs // 2):
        words = counter.philox(np.uint64(first + i), np.uint64(0), np.uint64(3), np.uint64(0), keys)
        a, b = counter.normal_pair(words[0], words[1])
        c, d = counter.normal_pair(words[2], words[3])
        for z in (a, b, c, d):
            power = 1.0
            for k in range(POWERS):
                power *= scale * z
                part[k] += power
            for j in range(len(edges)):
                below[j] += scale * z < edges[j]
        if i % 1024 == 1023:
            sums += part
            part[:] = 0.0
    return sums + part, below


def deviations(scale: float, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far moments and tail counts are from their law, in standard errors."""
    keys = np.zeros(20)
    counter.store_round_keys(keys, np.uint64(20261123))
    pairs = draws // PIECES // 2
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda i: draw(i * (pairs // 2), pairs, scale, keys, EDGES), range(PIECES)))
    sums, below = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
    k = np.arange(1, POWERS + 1)
    moment = np.where(k % 2 == 0, special.factorial2(k - 1), 0.0)
    spread = np.sqrt(special.factorial2(2 * k - 1) - moment**2)
    p = stats.norm.cdf(EDGES)
    return (sums / draws - moment) / spread * np.sqrt(draws), (below - draws * p) / np.sqrt(draws * p * (1 - p))


@pytest.mark.evidence
def test_moments_and_tails_of_two_to_the_31_normals(record_property: Callable[[str, object], None]) -> None:
    moments, tails = deviations(1.0, DRAWS)
    record_property("draws", DRAWS)
    record_property("largest deviation of moments 1-8, standard errors", float(np.abs(moments).max()))
    record_property("largest deviation of 13 tail counts, standard errors", float(np.abs(tails).max()))
    assert np.abs(moments).max() < LIMIT
    assert np.abs(tails).max() < LIMIT


@pytest.mark.evidence
def test_a_scale_wrong_by_three_ten_thousandths_is_seen(record_property: Callable[[str, object], None]) -> None:
    moments, _ = deviations(1.0003, DRAWS // 4)
    record_property("deviation of the second moment, standard errors", float(moments[1]))
    assert abs(moments[1]) > LIMIT
