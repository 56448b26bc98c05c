"""Signs: found at most as often as stated where there is none, however often one looks; found where there is one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from firmfate.precision.sequences import sequence_quantile

from .repetitions import Cars, signs_found

DIFFERING = (0.4, 0.05, 0.003)
"""Shares of pairs in which the one firm lives longer; as many in which it lives shorter."""


@pytest.mark.parametrize("p", DIFFERING)
def test_no_effect_is_found_in_twenty_looks(p: float) -> None:
    found, by_one_look, _ = signs_found(p, 500, seed=1)
    assert found < 0.05
    assert by_one_look > 0.15  # limits of one look, the negative control


def test_an_effect_is_found_with_its_sign() -> None:
    found, _, wrong = signs_found(0.4, 200, seed=1, effect=0.1)
    assert (found, wrong) == (1.0, 0.0)


def test_the_sequence_of_a_normal_mean_is_left_by_few_paths() -> None:
    """At every n, with a known variance: the mixture's bound is near to what it says, that of one look is not."""
    random = np.random.default_rng(3)
    paths = np.cumsum(random.standard_normal((300, 6_000)), axis=1)
    n = np.arange(1, 6_001)
    left = np.abs(paths) > sequence_quantile(n, 64, 0.9) * np.sqrt(n)
    assert 0.02 < left.any(axis=1).mean() < 0.1
    assert (np.abs(paths[:, 63:]) > 1.645 * np.sqrt(n[63:])).any(axis=1).mean() > 0.5


@pytest.mark.parametrize("level", [0.95, 0.9999])
def test_a_sequence_is_narrowest_at_four_times_the_first_look(level: float) -> None:
    n = np.arange(1024, 65_536, 64)
    assert n[sequence_quantile(n, 1024, level).argmin()] == pytest.approx(4096, rel=0.02)


def judged(cars: Cars, repetitions: int) -> tuple[np.ndarray, float]:
    """Return how often signs were found, longer and shorter, and the mean number of firms a cell."""
    found, firms = [], []
    for repetition in range(repetitions):
        (one,), _ = cars.run(repetition)
        found.append((one.longer, one.shorter))
        firms.append(one.firms)
    return np.mean(found, axis=0), float(np.mean(firms))


@pytest.mark.slow
def test_cars_that_live_equally_long_are_seldom_told_apart() -> None:
    shares, firms = judged(Cars((0.6,), common=False, sign="execution", at_most=2**15), 120)
    assert shares.sum() < 0.05
    assert firms > 2**14


@pytest.mark.slow
def test_signs_of_cars_are_right() -> None:
    """At 0.2 and 0.5 execution helps, at 1 it does harm."""
    shares, _ = judged(Cars(sign="execution"), 40)
    assert shares.tolist() == [2.0, 1.0]


@pytest.mark.evidence
@pytest.mark.parametrize("p", DIFFERING)
def test_ten_thousand_repetitions_without_an_effect(p: float, record_property: Callable[[str, object], None]) -> None:
    found, by_one_look, _ = signs_found(p, 10_000, seed=2)
    record_property("signs found in 20 looks, of 5 % allowed", float(found))
    record_property("by 95 % limits of one look", float(by_one_look))
    assert found < 0.05
    assert by_one_look > 0.05 + 4 * math.sqrt(0.05 * 0.95 / 10_000)


@pytest.mark.evidence
def test_ten_thousand_cars_that_live_equally_long(record_property: Callable[[str, object], None]) -> None:
    shares, firms = judged(Cars((0.6,), common=False, sign="execution", at_most=2**15), 10_000)
    record_property("signs found, of 5 % allowed", float(shares.sum()))
    record_property("mean firms a cell", firms)
    assert shares.sum() < 0.05
