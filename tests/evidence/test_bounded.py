"""Statistical tests fail as seldom as they say where all is right, and as often as they say where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, Chance, PValues, chance_of_deviation, chance_of_share, of_deviation, of_share, times
from tests.evidence.alarms import BEGIN, END, ROOT, is_fresh, write

TRIES = 1_500


def refused(alarm: float, rounds: int, p_values: PValues) -> float:
    """Return the share of tests that fail."""
    return float(np.mean([Bounded(alarm, rounds=rounds).refuses(p_values) for _ in range(TRIES)]))


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_what_is_right_is_refused_as_seldom_as_is_said(rounds: int) -> None:
    random = np.random.default_rng(1)
    found = refused(0.06, rounds, lambda _: random.random(3))
    assert 0.02 < found < 0.06 + 4 * (0.06 * 0.94 / TRIES) ** 0.5


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


POWERS: dict[str, tuple[PValues, Chance]] = {
    "a share": (drawn_shares(np.random.default_rng(2), 0.9), chance_of_share(200, 0.95, 0.9)),
    "a deviation": (drawn_means(np.random.default_rng(3), 2.5), chance_of_deviation(2.5)),
    "a deviation by Student": (drawn_students(np.random.default_rng(4), 2.5), chance_of_deviation(2.5, 9)),
}


@pytest.mark.parametrize("what", POWERS)
def test_what_is_wrong_is_refused_as_often_as_is_said(what: str) -> None:
    p_values, chance = POWERS[what]
    for rounds in (1, 3):
        power = Bounded(0.01, rounds=rounds).sees(chance, 2)
        assert 0.1 < power < 0.99
        error = (power * (1 - power) / TRIES) ** 0.5
        assert abs(refused(0.01, rounds, p_values) - power) < 4 * error + 0.005  # what is right adds up to 0.005


@pytest.mark.parametrize("side", ["low", "high", "both"])
def test_chances_of_shares_are_those_of_their_p_values(side: str) -> None:
    tries, level = 60, 0.01
    each = stats.binom.pmf(np.arange(tries + 1), tries, 0.7)
    small = np.array(of_share(np.arange(tries + 1), tries, 0.8, side)) <= level
    assert chance_of_share(tries, 0.8, 0.7, side)(level, 1) == pytest.approx(each[small].sum(), abs=1e-12)


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
    found = [("tests/here.py::test", 2, 1e-5, 0.9, "something else")]
    readme = tmp_path / "README.md"
    readme.write_text(f"Before.\n{BEGIN}\n{END}\nAfter.\n", encoding="utf-8")
    assert not is_fresh(readme, found)
    write(readme, found)
    assert is_fresh(readme, found)
    assert readme.read_text(encoding="utf-8").startswith("Before.\n")
    assert readme.read_text().endswith("\nAfter.\n")
    assert not is_fresh(readme, [*found, ("tests/here.py::test_more", 1, 1e-5, 0.9, "more")])
