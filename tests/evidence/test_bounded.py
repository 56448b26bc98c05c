"""Statistical tests fail as seldom as they say where all is right, and as often as they say where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.bounded import (
    Bounded,
    Chance,
    PValues,
    chance_of_deviation,
    chance_of_share,
    chance_of_spread,
    of_deviation,
    of_share,
    of_spread,
    shares,
    times,
)
from tests.evidence.alarms import BEGIN, END, ROOT, is_fresh, write

TRIES = 1_500


def refused(alarm: float, rounds: int, p_values: PValues, tries: int = TRIES) -> float:
    """Return the share of tests that fail."""
    return float(np.mean([Bounded(alarm, rounds=rounds).refuses(p_values) for _ in range(tries)]))


@pytest.mark.bounded(power=0.99, against="a test that fails in 10 % in place of 6 %")
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_what_is_right_is_refused_as_seldom_as_is_said(rounds: int, bounded: Bounded) -> None:
    random = np.random.default_rng(1)

    def failed(_: int, tries: int) -> float:
        return refused(0.06, rounds, lambda _: random.random(3), tries)

    assert not bounded.refuses(shares(failed, TRIES, 0.06, "high"))
    assert not bounded.refuses(shares(failed, TRIES, 0.02, "low"))
    bounded.sees(chance_of_share(TRIES, 0.06, 0.1, "high"))


def drawn_shares(random: np.random.Generator, true: float) -> PValues:
    def p_values(sample: int) -> list[float]:
        tries = 200 * times(sample)
        return of_share(random.binomial(tries, [true, 0.95]), tries, 0.95)

    return p_values


def drawn_means(random: np.random.Generator, off: float) -> PValues:
    return lambda sample: of_deviation([random.normal(off * times(sample) ** 0.5), random.normal()])


def drawn_students(random: np.random.Generator, off: float) -> PValues:
    def p_values(sample: int) -> list[float]:
        chi = np.sqrt(random.chisquare(9, 2) / 9)
        return of_deviation(random.normal([off * times(sample) ** 0.5, 0]) / chi, 9)

    return p_values


def drawn_spreads(random: np.random.Generator, factor: float) -> PValues:
    def p_values(sample: int) -> list[float]:
        freedom = 20 * times(sample)
        return of_spread(np.sqrt(random.chisquare(freedom, 2) / freedom) * [factor, 1], freedom)

    return p_values


POWERS: dict[str, tuple[PValues, Chance]] = {
    "a share": (drawn_shares(np.random.default_rng(2), 0.9), chance_of_share(200, 0.95, 0.9)),
    "a deviation": (drawn_means(np.random.default_rng(3), 2.5), chance_of_deviation(2.5)),
    "a deviation by Student": (drawn_students(np.random.default_rng(4), 2.5), chance_of_deviation(2.5, 9)),
    "a spread": (drawn_spreads(np.random.default_rng(5), 1.4), chance_of_spread(1.4, 20)),
}


@pytest.mark.bounded(power=0.99, against="a power that is off by 0.12")
@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("what", POWERS)
def test_what_is_wrong_is_refused_as_often_as_is_said(what: str, rounds: int, bounded: Bounded) -> None:
    p_values, chance = POWERS[what]
    power = Bounded(0.01, rounds=rounds).sees(chance, 2)
    assert 0.1 < power < 0.99

    def failed(_: int, tries: int) -> float:
        return refused(0.01, rounds, p_values, tries)

    assert not bounded.refuses(shares(failed, TRIES, power, "low"))
    more = 0.005 if rounds == 1 else 0.05  # what is right fails in 0.005 at most, and sends some tests on
    assert not bounded.refuses(shares(failed, TRIES, power + more, "high"))
    bounded.sees(chance_of_share(TRIES, power, power - 0.12, "low"))
    bounded.sees(chance_of_share(TRIES, power + more, power + 0.12, "high"))


@pytest.mark.parametrize("side", ["low", "high", "both"])
def test_chances_of_shares_are_those_of_their_p_values(side: str) -> None:
    tries, level = 60, 0.01
    each = stats.binom.pmf(np.arange(tries + 1), tries, 0.7)
    small = np.array(of_share(np.arange(tries + 1), tries, 0.8, side)) <= level
    assert chance_of_share(tries, 0.8, 0.7, side)(level, 1) == pytest.approx(each[small].sum(), abs=1e-12)


def test_numbers_without_a_sign_are_counted_as_others() -> None:
    assert of_share(np.zeros(1, np.uint64), 10, 0.0) == [1.0]


def test_p_values_alone_are_of_one_sample() -> None:
    assert Bounded(1e-5, rounds=1).refuses([1e-6, 0.5])
    with pytest.raises(AssertionError, match="a function is needed"):
        Bounded(1e-5).refuses([1e-6, 0.5])


def test_a_power_below_what_is_stated_fails() -> None:
    with pytest.raises(AssertionError, match=r"the power is 0\.0"):
        Bounded(1e-5, stated=0.9).sees(chance_of_deviation(0.5))


@pytest.mark.slow
def test_the_table_of_statistical_tests_is_fresh() -> None:
    """`python -m tests.evidence.alarms` writes it."""
    words = [sys.executable, "-m", "tests.evidence.alarms", "--check"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_table_that_is_not_fresh_is_seen(tmp_path: Path) -> None:
    found = [("tests/here.py::test", 2, 0.9, "something else")]
    readme = tmp_path / "README.md"
    readme.write_text(f"Before.\n{BEGIN}\n{END}\nAfter.\n", encoding="utf-8")
    assert not is_fresh(readme, found)
    write(readme, found)
    assert is_fresh(readme, found)
    assert readme.read_text(encoding="utf-8").startswith("Before.\n")
    assert readme.read_text().endswith("\nAfter.\n")
    assert not is_fresh(readme, [*found, ("tests/here.py::test_more", 1, 0.9, "more")])
