"""Crossing times: their intervals cover the truth, and are unbounded where there is no evidence."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_deviation, chance_of_share, of_deviation, of_estimates, of_share, times

from firmfate.survival import counts_from_table, crossing, cumulative_incidence, kaplan_meier, rmst_curve
from firmfate.survival.crossings import _crossing

WEEKS, BATCHES, PER_BATCH = 104, 32, 30
CELLS = ({"kind": "steady"}, {"kind": "erratic"})


def studies(repetitions: int, *, shape: float, sample: int = 0) -> xr.Dataset:
    """Two kinds of firms, S = exp(-(t/40)^1.6) and exp(-(t/40)^shape), which cross at 40.

    Most of their random numbers are common: with all of them, the difference at the crossing would not vary at all.
    """
    random = np.random.Generator(np.random.Philox(9 + 100 * sample))
    common = random.random((repetitions, 1, BATCHES, PER_BATCH))
    own = random.random((repetitions, 2, BATCHES, PER_BATCH))
    standard = -np.log(np.where(random.random(own.shape) < 0.7, common, own))
    events = np.zeros((repetitions, 2, BATCHES, 1, WEEKS), dtype=np.int64)
    for kind, power in enumerate((1.6, shape)):
        week = np.ceil(40 * standard[:, kind] ** (1 / power)).astype(int)
        r, b, _ = np.nonzero(week <= WEEKS)
        np.add.at(events, (r, kind, b, 0, week[week <= WEEKS] - 1), 1)
    axes = ("repetition", "kind")
    return xr.Dataset(
        {
            "events": ((*axes, "cause", "week"), events.sum(axis=2)),
            "firms": (axes, np.full((repetitions, 2), BATCHES * PER_BATCH)),
            "batch_firms": ((*axes, "batch"), np.full((repetitions, 2, BATCHES), PER_BATCH)),
            "batch_events": ((*axes, "batch", "cause", "bin"), events.reshape(*events.shape[:-1], 8, 13).sum(-1)),
        },
        coords={"kind": ["steady", "erratic"], "cause": ["end"], "bin": np.arange(13, 105, 13)},
    )


@pytest.mark.bounded(power=0.99, against="95 % limits that cover 85 %")
def test_intervals_cover_the_crossing(bounded: Bounded) -> None:
    """Survival crosses at 40 exactly; 400 repetitions, and half the interval as the control that must fail."""
    repetitions = 400

    @functools.cache
    def found(sample: int) -> xr.Dataset:
        return crossing(studies(repetitions * times(sample), shape=0.7, sample=sample), between=CELLS)

    def covered(sample: int) -> list[float]:
        inside = (found(sample).lower <= 40) & (found(sample).upper >= 40)
        mean = float(found(sample).estimate.mean() - 40) / float(found(sample).estimate.std() / inside.size**0.5)
        return of_share(int(inside.sum()), inside.size, 0.95) + of_deviation(mean)

    def by_half(sample: int) -> list[float]:
        inside = abs(found(sample).estimate - 40) <= (found(sample).upper - found(sample).lower) / 4
        return of_share(int(inside.sum()), inside.size, 0.95)

    assert (found(0).direction == -1).all()
    assert not bounded.refuses(covered)
    assert bounded.refuses(by_half)
    bounded.sees(chance_of_share(repetitions, 0.95, 0.85), 2)
    assert 0.7 < float(found(0).se.mean() / found(0).estimate.std()) < 1.4


def test_no_crossing_is_nan() -> None:
    """Of curves that are the same."""
    ds = studies(1, shape=1.6).isel(repetition=0)
    twins = ds.isel(kind=[0, 0]).assign_coords(kind=["steady", "erratic"])
    same = crossing(twins, between=CELLS)
    assert same.estimate.isnull()
    assert same.direction == 0


def test_curves_that_meet_in_a_week_cross_in_it() -> None:
    """The same shares are alive at the ends of weeks 30 to 39: the crossing is the middle of them."""
    alive = {"steady": [96, 80, 60, 20], "erratic": [96, 70, 60, 40]}
    weeks = [0, 20, 30, 40]
    table: dict[str, list[object]] = {"week": [], "end": [], "kind": [], "firms": [], "batch": []}
    for kind, left in alive.items():
        for week, ended in zip([*weeks[1:], 52], -np.diff([*left, 0]), strict=True):
            for batch in range(8):
                firms = int(ended) // 8 + (batch < int(ended) % 8)
                row = (week, "end" if week < 52 else "", kind, firms, batch)
                for column, value in zip(table.values(), row, strict=True):
                    column.append(value)
    ds = counts_from_table(
        table, duration="week", cause="end", covariates=["kind"], weight="firms", batch="batch", bin_weeks=1
    )
    found = crossing(ds, between=CELLS, paired=False)
    assert found.estimate.item() == 34.5
    assert found.direction.item() == -1
    assert found.lower < 30
    assert found.upper > 39


def test_a_crossing_without_evidence_is_unbounded() -> None:
    """Two kinds with one law: where the estimates cross by chance, the interval is no short one."""
    found = crossing(studies(60, shape=1.6), between=CELLS)
    assert found.estimate.notnull().sum() > 30
    known = found.where(found.estimate.notnull(), drop=True)
    assert (known.lower <= known.estimate).all()
    assert (known.estimate <= known.upper).all()
    assert float((known.upper - known.lower > 60).mean()) > 0.6


def test_means_cross_later_than_survival() -> None:
    assert crossing(studies(1, shape=0.7).isel(repetition=0), between=CELLS, f=rmst_curve).estimate.squeeze() > 50


@pytest.mark.bounded(power=0.95, against="a crossing that is off by 5 of its errors")
@pytest.mark.parametrize("f", [cumulative_incidence, kaplan_meier])
def test_any_curve_may_cross(f: object, bounded: Bounded) -> None:
    """Survival and incidences in the same week; means later."""

    @functools.cache
    def found(sample: int) -> tuple[np.ndarray, np.ndarray]:
        each = crossing(studies(times(sample), shape=0.7, sample=sample), between=CELLS, f=f)  # type: ignore[arg-type]
        return each.estimate.values.ravel(), each.se.values.ravel()

    assert not bounded.refuses(lambda sample: of_estimates(*found(sample), 40, BATCHES - 1))
    assert bounded.refuses(lambda sample: of_estimates(*found(sample), 60, BATCHES - 1))
    bounded.sees(chance_of_deviation(5, BATCHES - 1))


def test_limits_of_a_crossing_by_hand() -> None:
    """Between the last week before it, and the first after it, that exclude 0, and their neighbours that do not."""
    week = np.arange(8.0)
    difference = np.array([8.0, 6, 4, 2, -2, -4, -6, -8])
    se, half = np.ones(8), np.array([1.0, 1, 1, 3, 3, 1, 1, 1])
    wanted = [3.5, 0.25, 2.75, 4.25, -1.0]
    assert _crossing(difference, se, difference - half, difference + half, week) == pytest.approx(wanted)
    assert _crossing(-difference, se, -difference - half, -difference + half, week) == pytest.approx([*wanted[:4], 1.0])
    half = np.array([9.0, 9, 9, 9, 9, 9, 9, 1])
    found = _crossing(difference, se, difference - half, difference + half, week)
    assert found == pytest.approx([3.5, 0.25, 0.0, 7 - 7 / 10, -1.0])  # -7 in week 7, and 3 in week 6
    found = _crossing(difference, se, difference - 9, difference + 9, week)
    assert found == pytest.approx([3.5, 0.25, 0.0, 7.0, -1.0])
