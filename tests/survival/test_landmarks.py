"""Survival from a later week on: conditional probabilities, batches, and contrasts under common random numbers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from firmfate import survival as s
from firmfate.errors import EstimateError

BETWEEN = ({"execution": 1.0}, {"execution": 0.0})


def test_survival_is_conditional(small: xr.Dataset) -> None:
    every, later = s.kaplan_meier(small).estimate, s.kaplan_meier(s.landmark(small, week=52)).estimate
    np.testing.assert_allclose(later, every.sel(week=slice(52, None)) / every.sel(week=52), rtol=1e-12)
    share = s.cumulative_incidence(small).estimate
    after = (share.sel(week=slice(52, None)) - share.sel(week=52)) / every.sel(week=52)
    np.testing.assert_allclose(
        s.cumulative_incidence(s.landmark(small, week=52)).estimate, after, rtol=1e-10, atol=1e-15
    )


def test_counts_and_batches_add_up(small: xr.Dataset) -> None:
    """At the end of a bin; lifetimes of batches are counted from the landmark."""
    later = s.landmark(small, week=52)
    alive = small.firms - small.events.sel(week=slice(1, 52)).sum(["cause", "week"])
    np.testing.assert_array_equal(later.firms, alive)
    np.testing.assert_array_equal(later.batch_firms.sum("batch"), alive)
    assert later.horizon.values.tolist() == [52]
    assert later.bin.values.tolist() == [13, 26, 39, 52]
    np.testing.assert_allclose(later.batch_lifetime.sum("batch").sel(horizon=52) / alive, s.rmst(later).estimate)
    twice = s.landmark(s.landmark(small, week=26), week=26)
    xr.testing.assert_identical(twice.drop_attrs(), later.drop_dims("horizon").drop_attrs())
    fit = s.proportional_hazards(later, "execution", cause="insolvency")
    assert fit.attrs["standard_error"] == "batch jackknife"


def test_contrasts_take_the_landmark_within(small: xr.Dataset) -> None:
    """The jackknife of the conditional probability, written out."""
    ours = s.contrast(small, lambda ds: s.kaplan_meier(s.landmark(ds, week=52)), between=BETWEEN)
    ours = ours.sel(misalignment=1.0, week=52)
    events = (
        small.batch_events.sum("cause").sel(misalignment=1.0, execution=[1.0, 0.0]).transpose("execution", "batch", ...)
    )
    gone = events.values.cumsum(axis=-1)
    n = small.batch_firms.sel(misalignment=1.0, execution=[1.0, 0.0]).values
    alive = n[..., None] - gone
    left = alive.sum(axis=1, keepdims=True) - alive
    conditional = left[..., -1] / left[..., 3]
    difference = conditional[0] - conditional[1]
    se = np.sqrt(31 / 32 * ((difference - difference.mean()) ** 2).sum())
    assert ours.se.item() == pytest.approx(se, rel=1e-9)
    rates = s.contrast(small, lambda ds: s.hazard(s.landmark(ds, week=52), bin_weeks=26), between=BETWEEN)
    assert rates.sizes["bin"] == 2


def test_invalid_cells_stay_unknown(small: xr.Dataset) -> None:
    spoilt = small.copy(deep=True)
    spoilt["invalid"][0, 0] = 1
    assert s.rmst(s.landmark(spoilt, week=13)).estimate.isnull().sum() == 1


def test_independent_firms_need_no_bins() -> None:
    random = np.random.Generator(np.random.Philox(2))
    table = {"week": random.integers(1, 40, 60), "end": random.integers(0, 2, 60), "group": np.arange(60) % 2}
    ds = s.counts_from_table(table, duration="week", cause="end", covariates=["group"])
    later = s.landmark(ds, week=10)
    assert "batch_events" not in later
    assert s.logrank(later, "group").p_value.notnull()
    assert s.contrast(later, s.rmst, between=({"group": 0}, {"group": 1})).se > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ds: s.landmark(ds, week=50), "week = 50: the batches hold events in bins ending in weeks 13, 26"),
        (lambda ds: s.landmark(ds, week=104), "from 1 to 103"),
        (lambda ds: s.landmark(ds, week=0), "from 1 to 103"),
        (lambda ds: s.contrast(ds, lambda part: s.rmst(s.landmark(part, week=50))), "bins ending in weeks 13, 26"),
        (lambda ds: s.contrast(s.landmark(ds, week=52), s.rmst, between=BETWEEN), "unequal sets of firms"),
    ],
)
def test_other_weeks_are_refused(small: xr.Dataset, call: object, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        call(small)  # type: ignore[operator]


@pytest.mark.parametrize(("bins", "words"), [(8, "13, 26, 39, 52, ..; choose"), (4, "13, 26, 39, 52; choose")])
def test_the_first_ends_of_bins_are_named(small: xr.Dataset, bins: int, words: str) -> None:
    with pytest.raises(EstimateError, match=f"bins ending in weeks {words}"):
        s.landmark(small.isel(bin=slice(0, bins)), week=5)
