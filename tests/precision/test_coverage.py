"""Limits after stopping hold as often as they say, on shares and on `car`; those of the usual rule do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from firmfate.analysis import turning_point
from firmfate.precision import between_cells

from .repetitions import DIFFERING, Cars, differences_covered, margin, shares_covered, shares_covered_by_first_narrow

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


@pytest.mark.evidence
def test_three_hundred_turning_points(record_property: Callable[[str, object], None]) -> None:
    """Two misalignments, between which m* lies: two looks or three. The negative control is a value 0.01 off."""
    cars = Cars((0.5, 0.7), m_star=0.01)
    covered, firms, off = [], [], []
    for repetition in range(300):
        (reached,), ds = cars.run(repetition)
        found = turning_point(ds)
        covered.append(float(found.lower) <= cars.turning <= float(found.upper))
        off.append(float(found.lower) <= cars.turning + 0.01 <= float(found.upper))
        firms.append(reached.firms)
        assert reached.enough
    record_property("m*, covered of 95 %", float(np.mean(covered)))
    record_property("a value 0.01 above it, covered", float(np.mean(off)))
    record_property("mean firms a cell", float(np.mean(firms)))
    assert abs(np.mean(covered) - 0.95) < margin(300)
    assert np.mean(off) < 0.95 - margin(300)
