"""Signs: found at most as often as stated where there is none, however often one looks; found where there is one."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_share, shares

from firmfate.precision.sequences import sequence_quantile

from .repetitions import APART, SELDOM, Cars, signs_found

DIFFERING = (0.4, 0.05, 0.003)
"""Shares of pairs in which the one firm lives longer; as many in which it lives shorter."""


def check_signs(bounded: Bounded, p: float, repetitions: int, seed: int, wrong: float) -> tuple[float, float]:
    """Return how often signs were found where there is none, and by limits of one look, the negative control."""

    @functools.cache
    def found(sample: int, tries: int) -> tuple[float, float, float]:
        return signs_found(p, tries, seed=seed + APART * sample)

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, SELDOM, "high"))
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[1], repetitions, SELDOM, "high"))
    bounded.sees(chance_of_share(repetitions, SELDOM, wrong, "high"))
    return found(0, repetitions)[:2]


@pytest.mark.bounded(power=0.99, against="signs of which 8 % are wrong")
@pytest.mark.parametrize("p", DIFFERING)
def test_no_effect_is_found_in_twenty_looks(p: float, bounded: Bounded) -> None:
    check_signs(bounded, p, 500, 1, 0.08)


def test_an_effect_is_found_with_its_sign() -> None:
    found, _, wrong = signs_found(0.4, 200, seed=1, effect=0.1)
    assert (found, wrong) == (1.0, 0.0)


@pytest.mark.bounded(power=0.99, against="a sequence of 90 % that 20 % of all paths leave", claims=2)
def test_the_sequence_of_a_normal_mean_is_left_by_few_paths(bounded: Bounded) -> None:
    """At every n, with a known variance: the mixture's bound is near to what it says, that of one look is not."""
    n = np.arange(1, 6_001)

    @functools.cache
    def left(sample: int, tries: int) -> tuple[float, float]:
        random = np.random.default_rng(3 + APART * sample)
        paths = np.cumsum(random.standard_normal((tries, n.size)), axis=1)
        bound = np.abs(paths) > sequence_quantile(n, 64, 0.9) * np.sqrt(n)
        by_one_look = np.abs(paths[:, 63:]) > 1.645 * np.sqrt(n[63:])
        return bound.any(axis=1).mean(), by_one_look.any(axis=1).mean()

    assert not bounded.refuses(shares(lambda *drawn: left(*drawn)[0], 300, 0.1, "high"))
    assert bounded.refuses(shares(lambda *drawn: left(*drawn)[1], 300, 0.1, "high"))
    bounded.sees(chance_of_share(300, 0.1, 0.2, "high"))
    assert not bounded.refuses(shares(lambda *drawn: left(*drawn)[0], 300, 0.05, "low"))  # and by no fewer
    bounded.sees(chance_of_share(300, 0.05, 0.005, "low"))


@pytest.mark.parametrize("level", [0.95, 0.9999])
def test_a_sequence_is_narrowest_at_four_times_the_first_look(level: float) -> None:
    n = np.arange(1024, 65_536, 64)
    assert n[sequence_quantile(n, 1024, level).argmin()] == pytest.approx(4096, rel=0.02)


def judged(cars: Cars, repetitions: int, first: int = 0) -> tuple[np.ndarray, float]:
    """Return how often signs were found, longer and shorter, and the mean number of firms a cell."""
    found, firms = [], []
    for repetition in range(first, first + repetitions):
        (one,), _ = cars.run(repetition)
        found.append((one.longer, one.shorter))
        firms.append(one.firms)
    return np.mean(found, axis=0), float(np.mean(firms))


def check_cars(bounded: Bounded, repetitions: int, wrong: float) -> tuple[float, float]:
    """Return how often signs were found of cars that live equally long, and the mean number of firms a cell."""
    cars = Cars((0.6,), common=False, sign="execution", at_most=2**15)

    @functools.cache
    def found(sample: int, tries: int) -> tuple[float, float]:
        signs, firms = judged(cars, tries, first=APART * sample)
        return float(signs.sum()), firms

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, SELDOM, "high"))
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, wrong, "low"))
    bounded.sees(chance_of_share(repetitions, SELDOM, wrong, "high"))
    return found(0, repetitions)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="signs of which 15 % are wrong")
def test_cars_that_live_equally_long_are_seldom_told_apart(bounded: Bounded) -> None:
    _, firms = check_cars(bounded, 120, 0.15)
    assert firms > 2**14


@pytest.mark.slow
def test_signs_of_cars_are_right() -> None:
    """At 0.2 and 0.5 execution helps, at 1 it does harm."""
    found, _ = judged(Cars(sign="execution"), 40)
    assert found.tolist() == [2.0, 1.0]


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="signs of which 4 % are wrong")
@pytest.mark.parametrize("p", DIFFERING)
def test_ten_thousand_repetitions_without_an_effect(
    p: float, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    found, by_one_look = check_signs(bounded, p, 10_000, 2, 0.04)
    record_property("signs found in 20 looks, of 5 % allowed", float(found))
    record_property("by 95 % limits of one look", float(by_one_look))


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="signs of which 4 % are wrong")
def test_ten_thousand_cars_that_live_equally_long(
    record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    found, firms = check_cars(bounded, 10_000, 0.04)
    record_property("signs found, of 5 % allowed", found)
    record_property("mean firms a cell", firms)
