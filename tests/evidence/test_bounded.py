"""Statistical tests fail as seldom as they say where all is right, and as often as they say where it is not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
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


@pytest.mark.bounded(power=0.99, against="a test that fails in 10 % in place of 6 %", claims=2)
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


POWERS: dict[str, tuple[Callable[[np.random.Generator, float], PValues], float, Chance]] = {
    "a share": (drawn_shares, 0.9, chance_of_share(200, 0.95, 0.9)),
    "a deviation": (drawn_means, 2.5, chance_of_deviation(2.5)),
    "a deviation by Student": (drawn_students, 2.5, chance_of_deviation(2.5, 9)),
    "a spread": (drawn_spreads, 1.4, chance_of_spread(1.4, 20)),
}


@pytest.mark.bounded(power=0.99, against="a power that is off by 0.12", claims=2)
@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("what", POWERS)
def test_what_is_wrong_is_refused_as_often_as_is_said(what: str, rounds: int, bounded: Bounded) -> None:
    drawn, wrong, chance = POWERS[what]
    p_values = drawn(np.random.default_rng([2, rounds, len(what)]), wrong)
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


def test_p_values_that_are_no_numbers_pass_no_test() -> None:
    with pytest.raises(AssertionError, match="no numbers"):
        Bounded(1e-5, rounds=1).refuses([0.5, np.nan])


def test_claims_share_the_probability_of_an_alarm() -> None:
    assert Bounded(1e-5, rounds=1).refuses([6e-6])
    assert not Bounded(1e-5, rounds=1, claims=2).refuses([6e-6])
    power = Bounded(1e-5, rounds=1, claims=2).sees(chance_of_deviation(5))
    assert power == Bounded(1e-5, rounds=1).sees(chance_of_deviation(5), 2)


@pytest.mark.parametrize(
    ("compared", "powers", "message"),
    [
        ([], [0.9], "nothing is compared"),
        ([False], [], "power that is stated is not computed"),
        ([False, True, False], [0.9], "2 claims, and the mark states 1"),
    ],
)
def test_a_test_that_does_not_do_what_its_mark_states_fails(
    compared: list[bool], powers: list[float], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        Bounded(refused=compared, powers=powers).finish()
    Bounded(refused=[False, True, True], powers=[0.9]).finish()


MARKED = """
import pytest
from tests.bounded import chance_of_deviation

pytestmark = pytest.mark.bounded(power=0.9, against="all else", rounds=1)

def test_skips(bounded):
    pytest.skip("in its body")

def test_fails(bounded):
    assert False

def test_compares_nothing(bounded):
    bounded.sees(chance_of_deviation(9))

def test_passes(bounded):
    assert not bounded.refuses([0.5])
    bounded.sees(chance_of_deviation(9))
"""


@pytest.mark.slow
def test_only_what_passes_is_asked_what_it_compared(tmp_path: Path) -> None:
    (tmp_path / "test_marked.py").write_text(MARKED)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", tmp_path, tmp_path]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    counted = {kind: int(count) for count, kind in re.findall(r"(\d+) (failed|passed|skipped|error)", ended.stdout)}
    assert counted == {"failed": 1, "passed": 2, "skipped": 1, "error": 1}, ended.stdout + ended.stderr
    assert "nothing is compared" in ended.stdout


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
