"""Two to the 31 normals as the engine draws them: moments and tails against their own law, to six standard errors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from firmfate.kernel.draws import drawer, head_rows, round_keys
from firmfate.kernel.lanes import from_lane, store_int
from numba import njit
from scipy import special, stats

from firmfate.kernel.compiler import vector_lanes
from firmfate.randomness import SHOCKS

DRAWS = 2**31
PIECES = 512
EDGES = np.array([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
POWERS = 8
LIMIT = 6.0


LANES, TOGETHER = vector_lanes(), 4
WIDTH, HEADS = LANES * TOGETHER, head_rows(("normal",) * 4)
begin, draw = drawer(("normal",) * 4, SHOCKS, stride=WIDTH, lanes=LANES, together=TOGETHER)


@njit(nogil=True)
def totals(first: int, rounds: int, scale: float, keys: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of the powers 1 to 8 of scaled normals, and how many lie below each edge; four normals a step."""
    memory = np.zeros((HEADS + 7) * WIDTH)
    table = from_lane(keys, 0)
    for lane in range(WIDTH):
        store_int(memory, lane, np.int64(first + lane))
        begin(memory, lane, 3 * WIDTH + lane, table)
    sums, below, part = np.zeros(POWERS), np.zeros(len(edges), np.int64), np.zeros(POWERS)
    for step in range(rounds):
        for lane in range(WIDTH):
            store_int(memory, 2 * WIDTH + lane, np.int64(step))
        draw(memory, 2 * WIDTH, 3 * WIDTH, (3 + HEADS) * WIDTH, table)
        part[:] = 0.0
        for i in range((3 + HEADS) * WIDTH, (7 + HEADS) * WIDTH):
            z = scale * memory[i]
            power = 1.0
            for k in range(POWERS):
                power *= z
                part[k] += power
            for j in range(len(edges)):
                below[j] += z < edges[j]
        sums += part
    return sums, below


def deviations(scale: float, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far moments and tail counts are from their law, in standard errors."""
    keys = np.array(round_keys(20261123), np.uint64).view(np.float64)
    steps = draws // PIECES // WIDTH // 4
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda i: totals(i * WIDTH, steps, scale, keys, EDGES), range(PIECES)))
    sums, below = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
    drawn = PIECES * steps * WIDTH * 4
    assert drawn == draws
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
