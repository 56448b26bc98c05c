"""Limits after stopping hold as often as they say, on shares and on `car`; those of the usual rule do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from firmfate.analysis import turning_point
from firmfate.precision import between_cells, turning

from .repetitions import (
    DIFFERING,
    Cars,
    Z,
    differences_covered,
    incidences_covered,
    margin,
    quantiles_covered,
    shares_covered,
    shares_covered_by_first_narrow,
)

SHARES = ((0.5, 0.02), (0.1, 0.01), (0.02, 0.005))


@pytest.mark.parametrize(("p", "within"), SHARES)
def test_shares_are_covered_after_stopping(p: float, within: float) -> None:
    covered, narrow, _ = shares_covered(p, within, 800, seed=1)
    assert abs(covered - 0.95) < margin(800)
    assert narrow == 1


@pytest.mark.parametrize(("p", "within"), SHARES)
def test_stopping_at_the_first_narrow_interval_covers_less(p: float, within: float) -> None:
    """The negative control: from the third firm on, with a variance that may be 0."""
    assert shares_covered_by_first_narrow(p, within, 200, seed=1) < 0.95 - 2 * margin(200)


def measured(cars: Cars, repetitions: int) -> tuple[dict[str, np.ndarray], float]:
    """Return coverage by estimand and cell, and the mean number of firms a cell."""
    found: dict[str, list[np.ndarray]] = {}
    firms = []
    for repetition in range(repetitions):
        reached, ds = cars.run(repetition)
        assert all(one.enough for one in reached)
        firms.append(reached[0].firms)
        for name, covered in cars.covered(ds).items():
            found.setdefault(name, []).append(covered)
    return {name: np.mean(covered, axis=0) for name, covered in found.items()}, float(np.mean(firms))


@pytest.mark.slow
def test_cars_are_covered_after_stopping() -> None:
    cars = Cars(rmst="0.3 years", survival={"5y": 0.02})
    covered, firms = measured(cars, 300)
    for name in ("rmst", "survival"):
        assert abs(covered[name] - 0.95).max() < margin(300), name
    assert 2 * 1024 < firms < 4 * 1024  # a top-up, and one alone


@pytest.mark.evidence
@pytest.mark.parametrize(("p", "within"), [*SHARES, (0.005, 0.002)])
def test_ten_thousand_repetitions_on_shares(
    p: float, within: float, record_property: Callable[[str, object], None]
) -> None:
    covered, narrow, firms = shares_covered(p, within, 10_000, seed=2)
    first = shares_covered_by_first_narrow(p, within, 1_000, seed=2)
    record_property("covered of 95 %", float(covered))
    record_property("by the first narrow interval", float(first))
    record_property("mean firms", float(firms))
    assert abs(covered - 0.95) < margin(10_000)
    assert narrow == 1
    assert first < 0.95 - 2 * margin(1_000)


@pytest.mark.evidence
def test_ten_thousand_repetitions_on_cars(record_property: Callable[[str, object], None]) -> None:
    covered, firms = measured(Cars(rmst="0.3 years", survival={"5y": 0.02}), 10_000)
    for name in ("rmst", "survival"):
        spread = {"lowest of 6 cells": float(covered[name].min()), "highest": float(covered[name].max())}
        record_property(name, spread)
        assert abs(covered[name] - 0.95).max() < margin(10_000), name
    record_property("mean firms a cell", firms)


@pytest.mark.slow
def test_differences_and_quantiles_are_covered_after_stopping() -> None:
    """Limits of quantiles are weeks of events, which cars have every 13 weeks: they cover at least as often."""
    covered, _ = measured(Cars(difference={"execution": "0.25 years"}, quantile={"0": {"25": "0.6 years"}}), 150)
    assert abs(covered["difference"] - 0.95).max() < margin(150)
    assert covered["quantile"].min() > 0.95 - margin(150)


@pytest.mark.evidence
def test_ten_thousand_differences_and_quantiles(record_property: Callable[[str, object], None]) -> None:
    covered, firms = measured(Cars(difference={"execution": "0.25 years"}, quantile={"0": {"25": "0.6 years"}}), 10_000)
    for name in ("difference", "quantile"):
        spread = {"lowest of all places": float(covered[name].min()), "highest": float(covered[name].max())}
        record_property(name, spread)
    record_property("mean firms a cell", firms)
    assert abs(covered["difference"] - 0.95).max() < margin(10_000)
    assert covered["quantile"].min() > 0.95 - margin(10_000)


@pytest.mark.slow
def test_differences_of_shares_are_covered_after_stopping() -> None:
    covered, firms = measured(Cars(survival_difference={"execution": {"5y": 0.0075}}, pilot=4096), 60)
    assert abs(covered["survival_difference"] - 0.95).max() < margin(60)
    assert firms > 4096


@pytest.mark.slow
@pytest.mark.parametrize("pilot", [1024, 4096])
def test_differences_of_tabulated_shares_are_covered(pilot: int) -> None:
    covered, _ = differences_covered(pilot, 400, seed=1)
    assert abs(covered - 0.95).max() < margin(400)


@pytest.mark.slow
def test_few_firms_that_differ_are_covered_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: limits that count from the pilot on."""
    monkeypatch.setattr(between_cells, "FEWEST_DIFFERING", 0)
    covered, _ = differences_covered(1024, 400, seed=1)
    assert covered.min() < 0.95 - margin(400)


@pytest.mark.evidence
@pytest.mark.parametrize("pilot", [1024, 4096])
def test_ten_thousand_differences_of_tabulated_shares(
    pilot: int, record_property: Callable[[str, object], None]
) -> None:
    covered, firms = differences_covered(pilot, 10_000, seed=2)
    record_property("covered of 95 %, firms that live longer, shorter: " + str(DIFFERING), covered.tolist())
    record_property("mean firms a cell", firms.tolist())
    assert abs(covered - 0.95).max() < margin(10_000)


INCIDENCES = (((0.1, 0.3), 0.01), ((0.02, 0.5), 0.005), ((0.4, 0.05, 0.4), 0.02))
"""Shares of firms by cause, and the width asked for of the first."""


@pytest.mark.parametrize(("shares", "within"), INCIDENCES)
def test_incidences_are_covered_after_stopping(shares: tuple[float, ...], within: float) -> None:
    covered, _ = incidences_covered(shares, within, 800, seed=1)
    assert abs(covered - 0.95) < margin(800)


@pytest.mark.evidence
@pytest.mark.parametrize(("shares", "within"), INCIDENCES)
def test_ten_thousand_incidences(
    shares: tuple[float, ...], within: float, record_property: Callable[[str, object], None]
) -> None:
    covered, firms = incidences_covered(shares, within, 10_000, seed=2)
    record_property("covered of 95 %", covered)
    record_property("mean firms", firms)
    assert abs(covered - 0.95) < margin(10_000)


STEPS = ((1, 0.25, 0.3), (1, 0.6, 1.0), (4, 0.6, 1.0), (13, 0.6, 1.0))
"""Weeks a step, and the share and the width, in years, of a quantile of cars."""


def between_steps(step: float) -> float:
    """Return how often limits of 95 % of a quantile are expected to cover, a step being so many standard errors.

    At the quantile fewer are alive than its share says, and a step before it more: by half of what ends in a step, on
    average. A limit that is wrong has to be so by as much more.
    """
    return float(2 * stats.norm.cdf(Z + step / 2) - 1)


@pytest.mark.slow
def test_quantiles_are_covered_the_more_the_longer_the_step() -> None:
    """The negative control is a value two standard errors later."""
    covered, off, _, step = quantiles_covered(1, 0.6, 1.0, 1000, seed=1)
    assert abs(covered - between_steps(step)) < margin(1000)
    assert off < 0.6
    coarse, _, _, step = quantiles_covered(13, 0.6, 1.0, 1000, seed=1)
    assert coarse > max(covered, between_steps(step) - margin(1000))


@pytest.mark.evidence
@pytest.mark.parametrize(("weeks", "share", "within"), STEPS)
def test_ten_thousand_quantiles(
    weeks: int, share: float, within: float, record_property: Callable[[str, object], None]
) -> None:
    covered, off, firms, step = quantiles_covered(weeks, share, within, 10_000, seed=2)
    record_property("covered of 95 %", covered)
    record_property("a value two standard errors later, covered", off)
    record_property("a step, in standard errors of the quantile", step)
    record_property("mean firms", firms)
    assert covered > 0.95 - margin(10_000)
    if weeks == 1:
        assert step < 0.2
        assert abs(covered - 0.95) < margin(10_000)
        assert off < 0.6


WIDE, NARROW = (0.5, 0.7), (0.45, 0.55, 0.65, 0.75)
"""Misalignments, m* of cars between the middle ones."""

TURNING = {
    "two misalignments": (WIDE, 1024, 0.006),
    "four": (NARROW, 1024, 0.004),
}
"""Misalignments, pilot, and the width that is asked for."""


def turning_points_covered(
    misalignment: tuple[float, ...], pilot: int, within: float, repetitions: int, *, block: int = 500
) -> tuple[dict[float, float], float]:
    """Return how often limits of m* contain values so many widths above it, and mean firms in a cell beside it."""
    cars, firms = Cars(misalignment, m_star=within, pilot=pilot), []
    covered: dict[float, list[np.ndarray]] = {0.0: [], 1.0: []}
    for begin in range(0, repetitions, block):
        (measured,), ds = cars.run_together(range(begin, min(begin + block, repetitions)))
        assert measured.reached().enough
        found = turning_point(ds)
        for widths, of_blocks in covered.items():
            value = cars.turning + widths * within
            of_blocks.append(((found.lower <= value) & (value <= found.upper)).values)
        firms.append(measured.firms)
    shares = {widths: float(np.concatenate(of_blocks).mean()) for widths, of_blocks in covered.items()}
    return shares, float(np.concatenate(firms).mean())


@pytest.mark.slow
def test_repetitions_are_the_same_together_and_alone() -> None:
    cars = Cars(WIDE, m_star=0.01)
    (together,), ds = cars.run_together([5, 7])
    for place, repetition in enumerate((5, 7)):
        (alone,), own = cars.run(repetition)
        assert alone.firms == together.firms[place]
        assert float(turning_point(own).lower) == float(turning_point(ds).lower[place])


@pytest.mark.slow
def test_turning_points_are_covered_after_stopping() -> None:
    """The negative control is a value 0.01 above m*."""
    covered, firms = turning_points_covered(WIDE, 1024, 0.01, 100)
    assert abs(covered[0.0] - 0.95) < margin(100)
    assert covered[1.0] < 0.95 - 2 * margin(100)
    assert firms >= turning.FEWEST_BESIDE


@pytest.mark.evidence
@pytest.mark.parametrize("case", TURNING)
def test_ten_thousand_turning_points(case: str, record_property: Callable[[str, object], None]) -> None:
    misalignment, pilot, within = TURNING[case]
    covered, firms = turning_points_covered(misalignment, pilot, within, 10_000)
    record_property("m*, covered of 95 %", covered[0.0])
    record_property(f"a value {within:g} above it, covered", covered[1.0])
    record_property("mean firms a cell beside it", firms)
    assert firms > 1.3 * turning.FEWEST_BESIDE
    assert abs(covered[0.0] - 0.95) < margin(10_000)
    assert covered[1.0] < 0.95 - 2 * margin(10_000)


@pytest.mark.evidence
def test_turning_points_of_few_firms_are_covered_less(
    monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """The rule without the fewest firms beside m* is the negative control."""
    monkeypatch.setattr(turning, "FEWEST_BESIDE", 0)
    covered, firms = turning_points_covered(NARROW, 1024, 0.01, 10_000)
    record_property("m* without the fewest firms, covered of 95 %", covered[0.0])
    record_property("mean firms a cell beside it", firms)
    assert covered[0.0] < 0.95 - margin(10_000)
