"""Two to the 31 normals as the engine draws them: moments and tails against their own law."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import carray, njit
from scipy import special, stats
from tests.bounded import Bounded, chance_of_deviation, of_deviation

from firmfate import Cause, Model, Normal, Stock
from firmfate.kernel.compose import pieces
from firmfate.kernel.memory import from_lane, on_stack

DRAWS = 2**31
PIECES = 512
EDGES = np.array([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
POWERS = 8


NAMES = ("a", "b", "c", "d")
WIDTH = 32


def start(p, draw):
    return dict.fromkeys(NAMES, 0.0)


def step(s, p, draw, shock, week):
    return {"a": s.a + shock.a, "b": s.b + shock.b, "c": s.c + shock.c, "d": s.d + shock.d, "end": False}


MODEL = Model(
    name="normals", summary="Four normals a step.", start=start, step=step,
    stocks=tuple(Stock(name, "1", "sum of normals") for name in NAMES), causes=(Cause("end", "never"),),
    shocks=tuple(Normal(name) for name in NAMES),
)  # fmt: skip
ENGINE = pieces(MODEL, WIDTH)
ROWS = ENGINE.rows


def drawn_rows() -> tuple[int, ...]:
    """Return where the engine keeps the normals of a step: what every stock adds to itself."""
    graph, layout = ENGINE.graph, ENGINE.layout
    sums = [graph.nodes[place].arguments for place in layout.next.values()]
    shocks = [place for pair in sums for place in pair if graph.nodes[place].operation != "input"]
    assert len(shocks) == len(NAMES)
    return tuple(ROWS.handed_on[place] for place in shocks)


DRAWN, STEPS, COUNT, SHARED = drawn_rows(), ROWS.steps, ROWS.count, max(1, len(ROWS.shared))
stack, shared_stack = on_stack(COUNT * WIDTH), on_stack(SHARED)
prepare, settle, begin = ENGINE.prepare(), ENGINE.settle(), ENGINE.begin()
draw = ENGINE.draw()
GROUP = ENGINE.vector * ENGINE.together


@njit(nogil=True)
def totals(first: int, rounds: int, scale: float, key: int, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of the powers 1 to 8 of scaled normals, and how many lie below each edge; four normals a step."""
    memory = carray(stack(), COUNT * WIDTH)
    memory[:] = 0.0
    shared = shared_stack()
    prepare(shared, key, 1.0)
    nothing = np.zeros(1)
    for lane in range(WIDTH):
        settle(from_lane(memory, lane), shared, nothing, np.uint64(0))
        begin(from_lane(memory, lane), shared, np.uint64(first + lane))
    sums, below, part = np.zeros(POWERS), np.zeros(len(edges), np.int64), np.zeros(POWERS)
    for step in range(rounds):
        memory[STEPS * WIDTH : (STEPS + 1) * WIDTH] = step
        for lane in range(0, WIDTH, GROUP):
            draw(from_lane(memory, lane), shared)
        part[:] = 0.0
        for row in DRAWN:
            for i in range(row * WIDTH, (row + 1) * WIDTH):
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
    steps = draws // PIECES // WIDTH // 4
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda i: totals(i * WIDTH, steps, scale, np.uint64(20261123), EDGES), range(PIECES)))
    sums, below = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
    drawn = PIECES * steps * WIDTH * 4
    assert drawn == draws
    k = np.arange(1, POWERS + 1)
    moment = np.where(k % 2 == 0, special.factorial2(k - 1), 0.0)
    spread = np.sqrt(special.factorial2(2 * k - 1) - moment**2)
    p = stats.norm.cdf(EDGES)
    return (sums / draws - moment) / spread * np.sqrt(draws), (below - draws * p) / np.sqrt(draws * p * (1 - p))


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="a standard deviation that is off by 0.0002", rounds=1)
def test_moments_and_tails_of_two_to_the_31_normals(
    record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    moments, tails = deviations(1.0, DRAWS)
    record_property("draws", DRAWS)
    record_property("largest deviation of moments 1-8, standard errors", float(np.abs(moments).max()))
    record_property("largest deviation of 13 tail counts, standard errors", float(np.abs(tails).max()))
    assert not bounded.refuses([*of_deviation(moments), *of_deviation(tails)])
    bounded.sees(chance_of_deviation(0.0002 * np.sqrt(2 * DRAWS)), moments.size + tails.size)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="a standard deviation that is off by 0.0003", rounds=1)
def test_a_scale_wrong_by_three_ten_thousandths_is_seen(
    record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    moments, _ = deviations(1.0003, DRAWS // 4)
    record_property("deviation of the second moment, standard errors", float(moments[1]))
    assert bounded.refuses(of_deviation(moments[1]))
    bounded.sees(chance_of_deviation(0.0003 * np.sqrt(2 * DRAWS // 4)))
