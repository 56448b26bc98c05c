"""Limits after stopping hold as often as they say, on shares and on `car`; those of the usual rule do not."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, chance_of_share, of_share, shares, times

from firmfate.analysis import turning_point
from firmfate.precision import between_cells, turning

from .repetitions import (
    APART,
    COVERED,
    DIFFERING,
    Cars,
    Z,
    differences_covered,
    incidences_covered,
    quantiles_covered,
    shares_covered,
    shares_covered_by_first_narrow,
)

SHARES = ((0.5, 0.02), (0.1, 0.01), (0.02, 0.005))


def check_shares(
    bounded: Bounded, p: float, within: float, repetitions: int, seed: int, wrong: float
) -> tuple[float, float]:
    """Return coverage of 95 % limits after stopping, and mean firms."""

    @functools.cache
    def found(sample: int, tries: int) -> tuple[float, float, float]:
        return shares_covered(p, within, tries, seed=seed + APART * sample)

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, COVERED))
    bounded.sees(chance_of_share(repetitions, COVERED, wrong))
    covered, narrow, firms = found(0, repetitions)
    assert narrow == 1
    return covered, firms


def check_first_narrow(bounded: Bounded, p: float, within: float, repetitions: int, seed: int) -> float:
    """Return the same of the usual rule, which must be refused: from the third firm on, the variance may be 0."""

    @functools.cache
    def covered(sample: int, tries: int) -> float:
        return shares_covered_by_first_narrow(p, within, tries, seed=seed + APART * sample)

    assert bounded.refuses(shares(covered, repetitions, COVERED))
    return covered(0, repetitions)


@pytest.mark.bounded(power=0.99, against="95 % limits that cover 90 %")
@pytest.mark.parametrize(("p", "within"), SHARES)
def test_shares_are_covered_after_stopping(p: float, within: float, bounded: Bounded) -> None:
    check_shares(bounded, p, within, 800, 1, 0.9)


@pytest.mark.bounded(power=0.99, against="95 % limits that cover 80 %")
@pytest.mark.parametrize(("p", "within"), SHARES)
def test_stopping_at_the_first_narrow_interval_covers_less(p: float, within: float, bounded: Bounded) -> None:
    check_first_narrow(bounded, p, within, 200, 1)
    bounded.sees(chance_of_share(200, COVERED, 0.8))


def measured(cars: Cars, repetitions: int, first: int = 0) -> tuple[dict[str, np.ndarray], float]:
    """Return coverage by estimand and cell, and the mean number of firms a cell."""
    found: dict[str, list[np.ndarray]] = {}
    firms = []
    for repetition in range(first, first + repetitions):
        reached, ds = cars.run(repetition)
        assert all(one.enough for one in reached)
        firms.append(reached[0].firms)
        for name, covered in cars.covered(ds).items():
            found.setdefault(name, []).append(covered)
    return {name: np.mean(covered, axis=0) for name, covered in found.items()}, float(np.mean(firms))


def check_cars(bounded: Bounded, cars: Cars, repetitions: int, wrong: float) -> tuple[dict[str, np.ndarray], float]:
    """Return what `measured` does. Limits of half the width, the negative control, must be refused.

    Limits of quantiles are weeks of events, which cars have every 13 weeks: they cover at least as often.
    """

    @functools.cache
    def found(sample: int) -> tuple[dict[str, np.ndarray], float]:
        return measured(cars, repetitions * times(sample), first=APART * sample)

    def p_values(sample: int, name: str) -> list[float]:
        tries, side = repetitions * times(sample), "low" if "quantile" in name else "both"
        return of_share(np.rint(found(sample)[0][name] * tries), tries, COVERED, side)

    halves = [name for name in found(0)[0] if name.startswith("half")]
    names = [name for name in found(0)[0] if name not in halves]
    assert not bounded.refuses(lambda sample: [p for name in names for p in p_values(sample, name)])
    for name in halves:
        assert bounded.refuses(lambda sample, name=name: p_values(sample, name)), name
    bounded.sees(chance_of_share(repetitions, COVERED, wrong), sum(found(0)[0][name].size for name in names))
    return {name: found(0)[0][name] for name in names}, found(0)[1]


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="95 % limits that cover 85 %")
def test_cars_are_covered_after_stopping(bounded: Bounded) -> None:
    _, firms = check_cars(bounded, Cars(rmst="0.3 years", survival={"5y": 0.02}), 300, 0.85)
    assert 2 * 1024 < firms < 4 * 1024  # a top-up, and one alone


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 94 %")
@pytest.mark.parametrize(("p", "within"), [*SHARES, (0.005, 0.002)])
def test_ten_thousand_repetitions_on_shares(
    p: float, within: float, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    covered, firms = check_shares(bounded, p, within, 10_000, 2, 0.94)
    record_property("covered of 95 %", float(covered))
    record_property("by the first narrow interval", float(check_first_narrow(bounded, p, within, 1_000, 2)))
    record_property("mean firms", float(firms))


@pytest.mark.evidence
@pytest.mark.bounded(power=0.85, against="95 % limits that cover 94 %")
def test_ten_thousand_repetitions_on_cars(record_property: Callable[[str, object], None], bounded: Bounded) -> None:
    covered, firms = check_cars(bounded, Cars(rmst="0.3 years", survival={"5y": 0.02}), 10_000, 0.94)
    for name, share in covered.items():
        record_property(name, {"lowest of 6 cells": float(share.min()), "highest": float(share.max())})
    record_property("mean firms a cell", firms)


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="95 % limits that cover 80 %")
def test_differences_and_quantiles_are_covered_after_stopping(bounded: Bounded) -> None:
    cars = Cars(difference={"execution": "0.25 years"}, quantile={"0": {"25": "0.6 years"}})
    check_cars(bounded, cars, 150, 0.8)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.85, against="95 % limits that cover 94 %")
def test_ten_thousand_differences_and_quantiles(
    record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    cars = Cars(difference={"execution": "0.25 years"}, quantile={"0": {"25": "0.6 years"}})
    covered, firms = check_cars(bounded, cars, 10_000, 0.94)
    for name, share in covered.items():
        record_property(name, {"lowest of all places": float(share.min()), "highest": float(share.max())})
    record_property("mean firms a cell", firms)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 75 %")
def test_differences_of_shares_are_covered_after_stopping(bounded: Bounded) -> None:
    cars = Cars(survival_difference={"execution": {"5y": 0.0075}}, pilot=4096)
    _, firms = check_cars(bounded, cars, 60, 0.75)
    assert firms > 4096


def check_tabulated(
    bounded: Bounded, pilot: int, repetitions: int, seed: int, wrong: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage and mean firms by the shares of firms that differ."""

    @functools.cache
    def found(sample: int, tries: int) -> tuple[np.ndarray, np.ndarray]:
        return differences_covered(pilot, tries, seed=seed + APART * sample)

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, COVERED))
    bounded.sees(chance_of_share(repetitions, COVERED, wrong), len(DIFFERING))
    return found(0, repetitions)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 88 %")
@pytest.mark.parametrize("pilot", [1024, 4096])
def test_differences_of_tabulated_shares_are_covered(pilot: int, bounded: Bounded) -> None:
    check_tabulated(bounded, pilot, 400, 1, 0.88)


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 88 %")
def test_few_firms_that_differ_are_covered_less(monkeypatch: pytest.MonkeyPatch, bounded: Bounded) -> None:
    """The negative control: limits that count from the pilot on."""
    monkeypatch.setattr(between_cells, "FEWEST_DIFFERING", 0)
    covered = shares(lambda sample, tries: differences_covered(1024, tries, 1 + APART * sample)[0], 400, COVERED)
    assert bounded.refuses(covered)
    bounded.sees(chance_of_share(400, COVERED, 0.88), len(DIFFERING))


@pytest.mark.evidence
@pytest.mark.bounded(power=0.9, against="95 % limits that cover 94 %")
@pytest.mark.parametrize("pilot", [1024, 4096])
def test_ten_thousand_differences_of_tabulated_shares(
    pilot: int, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    covered, firms = check_tabulated(bounded, pilot, 10_000, 2, 0.94)
    record_property("covered of 95 %, firms that live longer, shorter: " + str(DIFFERING), covered.tolist())
    record_property("mean firms a cell", firms.tolist())


INCIDENCES = (((0.1, 0.3), 0.01), ((0.02, 0.5), 0.005), ((0.4, 0.05, 0.4), 0.02))
"""Shares of firms by cause, and the width asked for of the first."""


def check_incidences(
    bounded: Bounded, by_cause: tuple[float, ...], within: float, repetitions: int, seed: int, wrong: float
) -> tuple[float, float]:
    """Return coverage of the incidence of the first cause, and mean firms."""

    @functools.cache
    def found(sample: int, tries: int) -> tuple[float, float]:
        return incidences_covered(by_cause, within, tries, seed=seed + APART * sample)

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, COVERED))
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[0], repetitions, wrong))
    bounded.sees(chance_of_share(repetitions, COVERED, wrong))
    return found(0, repetitions)


@pytest.mark.bounded(power=0.99, against="95 % limits that cover 90 %")
@pytest.mark.parametrize(("by_cause", "within"), INCIDENCES)
def test_incidences_are_covered_after_stopping(by_cause: tuple[float, ...], within: float, bounded: Bounded) -> None:
    check_incidences(bounded, by_cause, within, 800, 1, 0.9)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 94 %")
@pytest.mark.parametrize(("by_cause", "within"), INCIDENCES, ids=["shares0-0.01", "shares1-0.005", "shares2-0.02"])
def test_ten_thousand_incidences(
    by_cause: tuple[float, ...], within: float, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    covered, firms = check_incidences(bounded, by_cause, within, 10_000, 2, 0.94)
    record_property("covered of 95 %", covered)
    record_property("mean firms", firms)


STEPS = ((1, 0.25, 0.3), (1, 0.6, 1.0), (4, 0.6, 1.0), (13, 0.6, 1.0))
"""Weeks a step, and the share and the width, in years, of a quantile of cars."""


def between_steps(step: float) -> float:
    """Return how often limits of 95 % of a quantile are expected to cover, a step being so many standard errors.

    At the quantile fewer are alive than its share says, and a step before it more: by half of what ends in a step, on
    average. A limit that is wrong has to be so by as much more.
    """
    return float(2 * stats.norm.cdf(Z + step / 2) - 1)


@pytest.mark.slow
@pytest.mark.bounded(power=0.9, against="95 % limits that cover 92 %", claims=2)
def test_quantiles_are_covered_the_more_the_longer_the_step(bounded: Bounded) -> None:
    """The negative control is a value two standard errors later."""

    @functools.cache
    def found(weeks: int, sample: int, tries: int) -> tuple[float, float, float, float]:
        return quantiles_covered(weeks, 0.6, 1.0, tries, seed=1 + APART * sample)

    (fine, _, _, step), (coarse, _, _, long) = (found(weeks, 0, 1000) for weeks in (1, 13))
    assert not bounded.refuses(shares(lambda *drawn: found(1, *drawn)[0], 1000, between_steps(step)))
    assert not bounded.refuses(shares(lambda *drawn: found(13, *drawn)[0], 1000, between_steps(long), "low"))
    assert bounded.refuses(shares(lambda *drawn: found(1, *drawn)[1], 1000, between_steps(step)))
    bounded.sees(chance_of_share(1000, COVERED, 0.92))
    assert coarse > fine


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 94 %")
@pytest.mark.parametrize(("weeks", "share", "within"), STEPS)
def test_ten_thousand_quantiles(
    weeks: int, share: float, within: float, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    @functools.cache
    def found(sample: int, tries: int) -> tuple[float, float, float, float]:
        return quantiles_covered(weeks, share, within, tries, seed=2 + APART * sample)

    covered, off, firms, step = found(0, 10_000)
    record_property("covered of 95 %", covered)
    record_property("a value two standard errors later, covered", off)
    record_property("a step, in standard errors of the quantile", step)
    record_property("mean firms", firms)
    # Of longer steps more often than promised, never less.
    side = "both" if weeks == 1 else "low"
    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0], 10_000, COVERED, side))
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[1], 10_000, COVERED))
    bounded.sees(chance_of_share(10_000, COVERED, 0.94, side))
    assert weeks > 1 or step < 0.2


WIDE, NARROW = (0.5, 0.7), (0.45, 0.55, 0.65, 0.75)
"""Misalignments, m* of cars between the middle ones."""

TURNING = {
    "two misalignments": (WIDE, 1024, 0.006),
    "four": (NARROW, 1024, 0.004),
}
"""Misalignments, pilot, and the width that is asked for."""


def turning_points_covered(
    misalignment: tuple[float, ...], pilot: int, within: float, repetitions: int, first: int, *, block: int = 500
) -> tuple[dict[float, float], float]:
    """Return how often limits of m* contain values so many widths above it, and mean firms in a cell beside it."""
    cars, firms = Cars(misalignment, m_star=within, pilot=pilot), []
    covered: dict[float, list[np.ndarray]] = {0.0: [], 1.0: []}
    for begin in range(first, first + repetitions, block):
        (measured,), ds = cars.run_together(range(begin, min(begin + block, first + repetitions)))
        assert measured.reached().enough
        found = turning_point(ds)
        for widths, of_blocks in covered.items():
            value = cars.turning + widths * within
            of_blocks.append(((found.lower <= value) & (value <= found.upper)).values)
        firms.append(measured.firms)
    means = {widths: float(np.concatenate(of_blocks).mean()) for widths, of_blocks in covered.items()}
    return means, float(np.concatenate(firms).mean())


def check_turning_points(
    bounded: Bounded, case: tuple[tuple[float, ...], int, float], repetitions: int, wrong: float
) -> tuple[dict[float, float], float]:
    """Return what `turning_points_covered` does. A value as far above m* as was asked for, the control, is refused."""

    @functools.cache
    def found(sample: int, tries: int) -> tuple[dict[float, float], float]:
        return turning_points_covered(*case, tries, APART * sample)

    assert not bounded.refuses(shares(lambda *drawn: found(*drawn)[0][0.0], repetitions, COVERED))
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[0][1.0], repetitions, COVERED))
    bounded.sees(chance_of_share(repetitions, COVERED, wrong))
    return found(0, repetitions)


@pytest.mark.slow
def test_repetitions_are_the_same_together_and_alone() -> None:
    cars = Cars(WIDE, m_star=0.01)
    (together,), ds = cars.run_together([5, 7])
    for place, repetition in enumerate((5, 7)):
        (alone,), own = cars.run(repetition)
        assert alone.firms == together.firms[place]
        assert float(turning_point(own).lower) == float(turning_point(ds).lower[place])


@pytest.mark.slow
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 80 %")
def test_turning_points_are_covered_after_stopping(bounded: Bounded) -> None:
    """The negative control is a value 0.01 above m*."""
    _, firms = check_turning_points(bounded, (WIDE, 1024, 0.01), 100, 0.8)
    assert firms >= turning.FEWEST_BESIDE


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 94 %")
@pytest.mark.parametrize("case", TURNING)
def test_ten_thousand_turning_points(
    case: str, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    covered, firms = check_turning_points(bounded, TURNING[case], 10_000, 0.94)
    record_property("m*, covered of 95 %", covered[0.0])
    record_property(f"a value {TURNING[case][-1]:g} above it, covered", covered[1.0])
    record_property("mean firms a cell beside it", firms)
    assert firms > 1.3 * turning.FEWEST_BESIDE


@pytest.mark.evidence
@pytest.mark.bounded(power=0.95, against="95 % limits that cover 94 %")
def test_turning_points_of_few_firms_are_covered_less(
    monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None], bounded: Bounded
) -> None:
    """The rule without the fewest firms beside m* is the negative control."""
    monkeypatch.setattr(turning, "FEWEST_BESIDE", 0)
    found = functools.cache(lambda sample, tries: turning_points_covered(NARROW, 1024, 0.01, tries, APART * sample))
    record_property("m* without the fewest firms, covered of 95 %", found(0, 10_000)[0][0.0])
    record_property("mean firms a cell beside it", found(0, 10_000)[1])
    assert bounded.refuses(shares(lambda *drawn: found(*drawn)[0][0.0], 10_000, COVERED))
    bounded.sees(chance_of_share(10_000, COVERED, 0.94))
