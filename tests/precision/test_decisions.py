"""Decisions: where m* lies, which cell lives longest. Wrong at most as often as stated, however often one looks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_share, shares

from firmfate.errors import StudyError
from firmfate.precision import Reached, between_cells, sentences
from firmfate.precision.orders import answer, measure_order, open_pairs
from firmfate.precision.placing import bracket, cheapest, measure_between, measure_side
from firmfate.precision.rules import next_firms
from firmfate.study import Study
from firmfate.study.targets import Target

from .repetitions import APART, SELDOM, Cars

WEEKS, BATCHES, FIRST = 520, 128, 1024
BETWEEN = Target("m_star_between", "m_star_between", 0.1, WEEKS)
SIDE = Target("m_star_side.0.3", "m_star_side", 0.0, WEEKS, side=0.3)
LONGEST = Target("longest.cost", "longest", 0.0, WEEKS, between="cost")
RANKING = Target("ranking.cost", "ranking", 0.0, WEEKS, between="cost")
FLAT = (0.1, 0.0, 0.0, 0.0, -0.1)
"""Effects of execution at five misalignments, nothing at three: m* may be said to lie on no side of these."""


class Firms:
    """Repetitions along an axis of their own, of firms that live up to the horizon, with a probability, or not at all.

    Parameters
    ----------
    alive : (k, ...) sequence
        Probabilities in the cells of one repetition.
    dims : tuple of str
        Of `alive`.
    repetitions, seed : int
    """

    def __init__(self, alive: Sequence[object], dims: tuple[str, ...], repetitions: int, seed: int) -> None:
        self.alive, self.dims, self.repetitions = np.array(alive), dims, repetitions
        self.random, self.firms = np.random.default_rng(seed), 0
        self.sums = np.zeros((BATCHES, repetitions, *self.alive.shape), np.int64)

    def look(self) -> xr.Dataset:
        """Return counts with a quarter more firms than at the look before."""
        n = int(next_firms(self.firms, self.firms, BATCHES)) if self.firms else FIRST
        self.sums += self.random.binomial((n - self.firms) // BATCHES, self.alive, self.sums.shape)
        self.firms = n
        dims, shape = ("speed", *self.dims), self.sums.shape[1:]
        full = {
            name: np.linspace(0.1, 0.5, size).round(4) for name, size in zip(self.dims, self.alive.shape, strict=True)
        }
        return xr.Dataset(
            {
                "firms": (dims, np.full(shape, n)),
                "invalid": (dims, np.zeros(shape, np.int64)),
                "batch_firms": ((*dims, "batch"), np.full((*shape, BATCHES), n // BATCHES)),
                "batch_lifetime": ((*dims, "batch", "horizon"), np.moveaxis(self.sums, 0, -1)[..., None] * WEEKS),
            },
            {**full, "speed": np.arange(self.repetitions) * 1.0, "horizon": [WEEKS]},
            {"steps_per_week": 1.0},
        )


def effects(of: Sequence[float], repetitions: int, seed: int) -> Firms:
    """Return firms over execution and misalignments 0.1, 0.2, ... with these effects of execution."""
    return Firms([[0.5] * len(of), [0.5 + one for one in of]], ("execution", "misalignment"), repetitions, seed)


def signs_after(
    looks: int, firms: Firms, target: Target, measure: Callable[..., object], level: float = 0.95
) -> np.ndarray:
    """Return the signs that are decided after so many looks."""
    known = None
    for _ in range(looks):
        found = measure(firms.look(), target, level, first=FIRST, known=known)
        known = found.signs
    return known


def wrong_sides(repetitions: int, seed: int, looks: int) -> tuple[float, float]:
    """Return how often m* is placed wrongly where the effect is flat: by signs in their order, and by any sign."""
    signs = signs_after(looks, effects(FLAT, repetitions, seed), BETWEEN, measure_between)
    ends = np.array([bracket(one) for one in signs])
    ordered = (ends[:, 0] > 1) | (ends[:, 1] < 4)
    return float(ordered.mean()), float((signs[:, 1:4] != 0).any(axis=1).mean())


def wrong_longest(repetitions: int, seed: int, looks: int) -> float:
    """Return how often a cell is said to live longest, or another is out of the question, of four that are alike."""
    signs = signs_after(looks, Firms([0.5] * 4, ("cost",), repetitions, seed), LONGEST, measure_order)
    return float((signs < 0).any(axis=-1)[:, 0].mean())  # the first cell, which none beats, is out of the question


def wrong_order(repetitions: int, seed: int, looks: int) -> float:
    """Return how often any two of four cells that are alike are put in order."""
    signs = signs_after(looks, Firms([0.5] * 4, ("cost",), repetitions, seed), RANKING, measure_order)
    return float((signs != 0).any(axis=(-2, -1)).mean())


def by_single_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take limits of the central limit theorem, which hold at one look: the negative control."""
    monkeypatch.setattr(between_cells, "sequence_quantile", lambda n, first, level: np.full(np.shape(n), 1.96))


KINDS, ANY = ("side of m*", "longest", "ranking"), "side of m*, by signs in any order"


def wrong(looks: int, repetitions: int, seed: int) -> dict[str, float]:
    """Return how often decisions are wrong: those of `KINDS`, and of `ANY`, which are no decisions of the rule."""
    in_order, in_any_order = wrong_sides(repetitions, seed, looks)
    longest, ranking = wrong_longest(repetitions, seed, looks), wrong_order(repetitions, seed, looks)
    return {"side of m*": in_order, "longest": longest, "ranking": ranking, ANY: in_any_order}


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="decisions of which 10 % are wrong")
def test_decisions_are_seldom_wrong_in_eight_looks(bounded: Bounded) -> None:
    def found(sample: int, tries: int) -> list[float]:
        each = wrong(8, tries, 1 + APART * sample)
        return [each[kind] for kind in KINDS]

    assert not bounded.refuses(shares(found, 300, SELDOM, "high"))
    bounded.sees(chance_of_share(300, SELDOM, 0.1, "high"), len(KINDS))


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="decisions of which 20 % are wrong")
def test_limits_of_single_looks_decide_wrongly(monkeypatch: pytest.MonkeyPatch, bounded: Bounded) -> None:
    by_single_looks(monkeypatch)
    found = functools.cache(lambda sample, tries: wrong(8, tries, 1 + APART * sample))
    for kind in KINDS:
        assert bounded.refuses(shares(lambda *drawn, kind=kind: found(*drawn)[kind], 60, SELDOM, "high")), kind
    bounded.sees(chance_of_share(60, SELDOM, 0.2, "high"))


def test_m_star_is_placed_between_misalignments_and_on_its_side() -> None:
    firms = effects((0.2, 0.1, -0.03, -0.1, -0.2), 3, seed=1)
    ds = firms.look()
    found = measure_between(ds, BETWEEN, 0.95, first=FIRST, known=None)
    assert found.narrow.tolist() == [False] * 3
    assert (found.answers[0], found.labels[0]) == ("m* lies between 0.2 and 0.4 at speed 0", "speed 0")
    growing = np.isfinite(found.needed).reshape(3, 5, 2)
    assert growing.all(axis=2).tolist() == [[False, False, True, False, False]] * 3  # its sign alone is wanted
    assert found.cells.reshape(3, 5, 2)[1, 2].tolist() == [12, 17]  # of 3 x 2 x 5, speed 1, both executions
    for _ in range(12):
        ds = firms.look()
        found = measure_between(ds, BETWEEN, 0.95, first=FIRST, known=found.signs)
    assert found.narrow.all()
    assert set(found.answers) == {f"m* lies between 0.2 and 0.3 at speed {speed}" for speed in range(3)}
    side = measure_side(ds, SIDE, 0.95, first=FIRST, known=None)
    assert side.answers == tuple(f"m* lies below 0.3 at speed {speed}" for speed in range(3))
    assert side.cells[1].tolist() == [12, 17]
    kept = measure_side(firms.look(), SIDE, 0.95, first=FIRST, known=np.ones(3, np.int8))
    assert kept.signs.tolist() == [1, 1, 1]  # a decision stays


def test_an_effect_that_changes_its_sign_twice_has_no_m_star() -> None:
    found = measure_between(effects((-0.2, 0.2, -0.2), 1, seed=1).look(), BETWEEN, 0.95, first=FIRST, known=None)
    assert (found.counts.tolist(), found.answers) == ([False], ())
    assert "the effect of execution changes its sign more than once" in sentences([found.reached()])[0]
    above = measure_between(effects((0.2, 0.2, 0.2), 1, seed=1).look(), BETWEEN, 0.95, first=FIRST, known=None)
    assert (above.narrow.tolist(), above.answers) == ([True], ("m* lies above 0.5 at speed 0",))


@pytest.mark.parametrize(
    ("estimate", "more", "within", "wanted"),
    [
        ([3, 1, -1, -3], [0, 9, 5, 0], 0.1, [1, 1, 1, 1]),
        ([3, 1, -1, -3], [0, 9, 5, 0], 0.2, [1, 0, 1, 1]),  # the cheaper of the two
        ([3, 1, -1, -3], [0, 2, 5, 0], 0.2, [1, 1, 0, 1]),
        ([3, 2, 1, 1], [0, 2, 5, 9], 0.1, [1, 1, 1, 1]),  # beyond all
    ],
)
def test_signs_that_place_m_star_for_the_fewest_firms(
    estimate: list[float], more: list[float], within: float, wanted: list[int]
) -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4])
    assert cheapest(values, np.array(estimate), np.array(more), within).tolist() == [bool(one) for one in wanted]


def test_the_longest_and_the_order_of_cells() -> None:
    firms = Firms([0.5, 0.7, 0.69, 0.2], ("cost",), 1, seed=1)
    ds = firms.look()
    longest = measure_order(ds, LONGEST, 0.95, first=FIRST, known=None)
    ranking = measure_order(ds, RANKING, 0.95, first=FIRST, known=None)
    words = ("cost 0.2333 or 0.3667 has the longest mean lifetime", "cost 0.2333 ? 0.3667 > 0.1 > 0.5")
    assert [one.answers[0].removesuffix(" at speed 0") for one in (longest, ranking)] == list(words)
    assert np.isfinite(longest.needed).tolist() == [[False, True, True, False]]  # others are out of the question
    undecided = sentences([longest.reached()])[0]
    assert undecided.startswith(
        "longest.cost: undecided with 1,024 firms a cell; wrong with a probability of at most 5 %; cost 0.23"
    )
    for _ in range(22):
        longest = measure_order(firms.look(), LONGEST, 0.95, first=FIRST, known=longest.signs)
    assert longest.answers == ("cost 0.2333 has the longest mean lifetime at speed 0",)
    assert longest.reached().enough
    assert Reached.of_table(longest.reached().table()).answers == longest.answers


def without_an_effect(of: Sequence[float], where: int) -> xr.Dataset:
    """Return counts in which the firms at one misalignment are the same whatever the execution."""
    ds = effects(of, 1, seed=1).look()
    ds["batch_lifetime"][:, 1, where] = ds["batch_lifetime"][:, 0, where]
    return ds


def test_failed_arithmetic_asks_for_no_more_firms() -> None:
    ds = effects((0.2, 0.1, -0.03, -0.1, -0.2), 2, seed=1).look()
    ds["invalid"][1, 0, 2] = 1
    found = measure_between(ds, BETWEEN, 0.95, first=FIRST, known=None)
    assert (found.counts.tolist(), found.never.tolist()) == ([True, False], [False, False])
    assert found.answers == ("m* lies between 0.2 and 0.4 at speed 0",)
    assert np.isfinite(found.needed).any(axis=1).tolist() == [True, False]
    assert (
        "1 without: the effect of execution changes its sign more than once, or arithmetic failed in a cell"
        in (sentences([found.reached()])[0])
    )
    alone = measure_between(ds.isel(speed=[1]), BETWEEN, 0.95, first=FIRST, known=None)
    assert (alone.around, alone.reached().cells) == ((), 0)


def test_no_more_firms_are_asked_for_where_none_differs() -> None:
    ds = without_an_effect((0.2, 0.2, 0.0, -0.2, -0.2), 2)
    found = measure_between(ds, BETWEEN, 0.95, first=FIRST, known=None)
    assert (found.counts.tolist(), found.never.tolist()) == ([False], [True])
    assert not np.isfinite(found.needed).any()
    assert (
        "; wrong with a probability of at most 5 %; in 1 place no firm lived longer or shorter at misalignments that "
        "are not decided: the share of such firms is below 0.0036 (exact limit); m* lies"
    ) in sentences([found.reached()])[0]
    assert found.answers == ("m* lies between 0.2 and 0.4 at speed 0",)
    differ = measure_between(without_an_effect((0.2, 0.03, 0.0, -0.2), 2), BETWEEN, 0.95, first=FIRST, known=None)
    assert np.isfinite(differ.needed).reshape(4, 2).any(axis=1).tolist() == [False, True, False, False]
    assert differ.open.tolist() == [True]


def test_ties_are_no_open_questions() -> None:
    ds = Firms([0.5, 0.2, 0.5], ("cost",), 1, seed=1).look()
    ds["batch_lifetime"][:, 2] = ds["batch_lifetime"][:, 0]
    for target, words in (
        (RANKING, "cost 0.1 = 0.5 > 0.3 at speed 0 (= where no firm differed: the share"),
        (LONGEST, "cost 0.1 = 0.5 has the longest mean lifetime at speed 0 (= where no firm differed: the share"),
    ):
        found = measure_order(ds, target, 0.95, first=FIRST, known=None)
        assert found.answers[0].startswith(words)
        assert (found.narrow.tolist(), np.isfinite(found.needed).any()) == ([True], False)
    ds["batch_lifetime"][0, 2, 0] += 1
    found = measure_order(ds, RANKING, 0.95, first=FIRST, known=None)
    assert found.open.tolist() == [True]
    assert found.answers == ("cost 0.1 ? 0.5 > 0.3 at speed 0",)


def test_tied_cells_stand_beside_each_other() -> None:
    signs, tied = np.zeros((4, 4), np.int8), np.zeros((4, 4), bool)
    signs[:3, 3], signs[3, :3] = 1, -1
    tied[0, 2] = tied[2, 0] = True
    assert answer(signs, tied, ["a", "b", "c", "d"], "", "ranking") == "a = c ? b > d"
    assert answer(signs, tied, ["a", "b", "c", "d"], "", "longest") == "a = c or b has the longest mean lifetime"


def test_a_cycle_of_signs_names_none() -> None:
    signs = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]], np.int8)
    assert not open_pairs(signs, "longest").any()
    assert answer(signs, signs == 2, ["a", "b", "c"], "", "longest") == ""


@pytest.mark.slow
def test_cars_decide() -> None:
    """At a misalignment of 0.6 cars live equally long whatever their execution."""
    cars = Cars((0.4, 0.5, 0.65, 0.8), m_star_between=0.15, m_star_side=0.5, longest="misalignment")
    longest, between, side = cars.run(0)[0]
    assert between.answers == ("m* lies between 0.5 and 0.65",)
    assert side.answers == ("m* lies above 0.5",)
    assert [one.partition(" has")[0] for one in longest.answers] == ["misalignment 0.4"] * 2
    assert 0.5 < cars.turning < 0.65


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"m_star_side": 0.45}, "is no misalignment of the grid; add it to grid.misalignment, or choose one of 0, 0.5"),
        ({"m_star_side": "low"}, "must be a number"),
        ({"m_star_side.0.5": 0.4}, "must be a misalignment of the grid"),
        ({"m_star_between": 0.2}, "misalignments of the grid lie up to 0.5 apart"),
        ({"m_star_between.5y": 0.2}, "there is no such key"),
        ({"longest": "cost"}, "'cost' is no axis of a [grid]"),
        ({"longest": "cells"}, "no list whose cells have names; allowed: execution, misalignment"),
        ({"ranking": 1}, "must be an axis of the grid"),
        ({"ranking.7y": "execution"}, "none of record.horizons"),
        ({"m_star_side": 0.12345671}, "m_star_side = 0.12345671 is no misalignment of the grid"),
        ({"m_star_side": [0.5, 0.5]}, "asks twice for m_star_side.0.5; keep one of each"),
        ({"sign": ["execution"] * 2, "rmst": ["1 year"]}, "asks twice for sign.execution"),
        ({"m_star_side": 10**400}, "is too large"),
    ],
)
def test_refusals(given: dict[str, object], words: str) -> None:
    grid = {"execution": [0.1, 0.9], "misalignment": [0.0, 0.5, 1.0]}
    with pytest.raises(StudyError) as refused:
        Study(name="cars", model="car", grid=grid, precision=given)
    assert words in str(refused.value)


def test_misalignments_that_differ_in_the_eighth_digit_are_two_targets() -> None:
    sides = [0.1234567, 0.12345675]
    study = Study(
        name="cars", model="car", grid={"execution": [0.1, 0.9], "misalignment": sides},
        precision={"m_star_side": sides},
    )  # fmt: skip
    assert [one.key for one in study.precision.targets] == ["m_star_side.0.1234567", "m_star_side.0.12345675"]


@pytest.mark.parametrize("axis", ["misalignment.sales", "misalignment_sales"])
@pytest.mark.parametrize("kind", ["longest", "ranking", "sign"])
def test_a_part_of_a_parameter_has_two_names(kind: str, axis: str) -> None:
    grid = {"misalignment.sales": [0.1, 0.5]}
    (target,) = Study(name="firms", model="firm", grid=grid, precision={kind: axis}).precision.targets
    assert target.dim == "misalignment_sales"


@pytest.mark.parametrize(
    "precision",
    [
        {"sign": ["misalignment.sales", "misalignment_sales"]},
        {"longest.5y": ["misalignment_sales", "misalignment.sales"]},
        {"difference.misalignment_sales": "1 year", "difference": {"misalignment": {"sales": "2 years"}}},
    ],
)
def test_a_part_under_two_names_is_one_target(precision: dict[str, object]) -> None:
    grid = {"misalignment.sales": [0.1, 0.5], "misalignment.quality": [0.1, 0.5]}
    record = {"horizons": ["5 years"]}
    with pytest.raises(
        StudyError, match=r"^\[precision\] asks twice for \w+\.misalignment\.sales.*; keep one of each$"
    ):
        Study(name="firms", model="firm", grid=grid, precision=precision, record=record)
    other = {"sign": ["misalignment.sales", "misalignment_quality"]}
    assert len(Study(name="firms", model="firm", grid=grid, precision=other).precision.targets) == 2


def test_one_misalignment_is_enough_for_a_side() -> None:
    with pytest.raises(StudyError, match="over execution, of two values or more, and misalignment: m"):
        Study(name="cars", model="car", grid={"misalignment": [0.4]}, precision={"m_star_side": 0.4})
    grid = {"execution": [0.1, 0.9], "misalignment": [0.4]}
    assert Study(name="cars", model="car", grid=grid, precision={"m_star_side": 0.4}).precision
    with pytest.raises(StudyError, match="execution and misalignment, of two values each or more"):
        Study(name="cars", model="car", grid=grid, precision={"m_star": 0.1})


def test_too_many_cells_to_order() -> None:
    with pytest.raises(StudyError, match="33 cells are to be ordered; allowed: 2 to 32"):
        Study(
            name="cars", model="car", grid={"execution": {"from": 0, "to": 1, "points": 33}},
            precision={"longest": "execution"},
        )  # fmt: skip


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="decisions of which 4 % are wrong")
def test_ten_thousand_decisions(
    record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch, bounded: Bounded
) -> None:
    """Twenty looks, from 1,024 to 71,000 firms; nothing is to be found."""
    many, few = 10_000, 500
    own, single = (functools.cache(lambda sample, tries: wrong(20, tries, 2 + APART * sample)) for _ in range(2))
    record_property("wrong decisions in 20 looks, of 5 % allowed", own(0, many))
    assert not bounded.refuses(shares(lambda *drawn: [own(*drawn)[kind] for kind in KINDS], many, SELDOM, "high"))
    bounded.sees(chance_of_share(many, SELDOM, 0.04, "high"), len(KINDS))
    assert bounded.refuses(shares(lambda *drawn: own(*drawn)[ANY], many, SELDOM, "high"))
    by_single_looks(monkeypatch)
    record_property("by 95 % limits of one look", single(0, few))
    for kind in (*KINDS, ANY):
        assert bounded.refuses(shares(lambda *drawn, kind=kind: single(*drawn)[kind], few, SELDOM, "high")), kind
