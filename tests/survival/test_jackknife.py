"""The jackknife against its formula written out, and its rules for batches that are missing, undefined or alike."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import t

from firmfate.errors import EstimateError
from firmfate.survival import contrast, jackknife, logrank, proportional_hazards, rmst
from firmfate.survival.batches import Resampler

BATCHES = 12


@pytest.fixture
def values() -> xr.DataArray:
    random = np.random.Generator(np.random.Philox(3))
    return xr.DataArray(random.normal(5, 1, (BATCHES, 3, 2)), dims=("batch", "cell", "week"))


def written_out(left: np.ndarray) -> np.ndarray:
    return np.sqrt((len(left) - 1) / len(left) * ((left - left.mean(axis=0)) ** 2).sum(axis=0))


def test_errors_and_limits(values: xr.DataArray) -> None:
    estimate = values.mean("batch")
    found = jackknife.estimated(estimate, values, level=0.9)
    se = written_out(values.values)
    np.testing.assert_allclose(found.se, se, rtol=1e-12)
    np.testing.assert_allclose(found.upper - estimate, t.ppf(0.95, BATCHES - 1) * se, rtol=1e-12)
    np.testing.assert_allclose(estimate - found.lower, t.ppf(0.95, BATCHES - 1) * se, rtol=1e-12)
    flat = values.values.reshape(BATCHES, 3, 2)
    np.testing.assert_allclose(np.diagonal(jackknife.covariance(flat), axis1=1, axis2=2), se**2, rtol=1e-12)
    both = jackknife.covariance(flat)[0, 0, 1]
    deviations = flat[:, 0] - flat[:, 0].mean(axis=0)
    assert both == pytest.approx((BATCHES - 1) / BATCHES * (deviations[:, 0] * deviations[:, 1]).sum(), rel=1e-12)


def test_means_of_batches(values: xr.DataArray) -> None:
    spread = jackknife.Spread()
    for value in values:
        spread.add(value)
    np.testing.assert_allclose(spread.means(), values.var("batch", ddof=1) / BATCHES, rtol=1e-12)


def test_an_undefined_batch_makes_the_error_unknown(values: xr.DataArray) -> None:
    values[4, 1, 0] = np.nan
    found = jackknife.estimated(values.mean("batch"), values)
    np.testing.assert_array_equal(found.se.isnull(), [[False, False], [True, False], [False, False]])
    np.testing.assert_array_equal(found.lower.isnull(), found.se.isnull())
    assert np.isnan(jackknife.covariance(values.values.reshape(BATCHES, 6))).any()


def test_batches_that_do_not_differ_have_no_limits(values: xr.DataArray) -> None:
    values[:, 2, 1] = 3.0
    found = jackknife.estimated(values.mean("batch"), values)
    assert found.se[2, 1] == 0.0
    assert found.lower[2, 1].isnull()
    assert found.upper[2, 1].isnull()
    lower, upper = jackknife.limits(np.array([1.0, 2.0]), np.array([0.0, 0.5]), BATCHES, 0.95)
    np.testing.assert_array_equal(np.isnan(lower) & np.isnan(upper), [True, False])


def test_every_value_may_have_batches_of_its_own(values: xr.DataArray) -> None:
    """What a cell has no firms of counts for nothing, be it NaN or not."""
    where = xr.DataArray(np.ones((BATCHES, 3), dtype=bool), dims=("batch", "cell"))
    where[2:5, 1] = False
    where[0, 2] = False
    spoilt = values.copy()
    spoilt[2, 1] = np.nan
    spoilt[3, 1] = 1e6
    spread = jackknife.Spread()
    for value, counts in zip(spoilt, where, strict=True):
        spread.add(value, where=counts)
    np.testing.assert_array_equal(spread.batches, [BATCHES, BATCHES - 3, BATCHES - 1])
    for cell in range(3):
        own = values[where[:, cell], cell].values
        np.testing.assert_allclose(spread.jackknife()[cell] ** 0.5, written_out(own), rtol=1e-12)
    se = (spread.jackknife() ** 0.5).transpose("week", "cell")
    _, upper = jackknife.limits(xr.zeros_like(se), se, spread.batches, 0.95)
    np.testing.assert_allclose(upper / se, np.tile(t.ppf(0.975, spread.batches.values - 1), (2, 1)), rtol=1e-9)


def test_sums_without_each_part() -> None:
    parts = xr.DataArray([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]], dims=("batch", "cell"))
    np.testing.assert_array_equal(jackknife.sums_without(parts).transpose("batch", "cell"), [[6, 60], [5, 50], [3, 30]])


def test_fewer_than_eight_batches_are_refused(values: xr.DataArray, small: xr.Dataset) -> None:
    with pytest.raises(EstimateError, match="7 batches; a standard error from batches needs 8"):
        jackknife.estimated(values.mean("batch"), values[:7])
    with pytest.raises(EstimateError, match="no batches"):
        next(jackknife.leave_one_out(small[["events", "firms"]], rmst))


def test_leaving_out_is_the_resampler_s(small: xr.Dataset) -> None:
    parts = list(jackknife.leave_one_out(small, lambda counts: rmst(counts)["estimate"]))
    assert len(parts) == 32
    xr.testing.assert_identical(parts[5], rmst(Resampler(small).without(5))["estimate"])


def test_all_errors_of_the_room_keep_the_rules(small: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the covariance, or the squares of deviations, doubles the variance of everything from batches."""

    def errors() -> np.ndarray:
        pair = ({"execution": 1.0}, {"execution": 0.0})
        return np.array(
            [
                contrast(small, rmst, tau=52, between=pair).se.sel(misalignment=1.0).item() ** 2,
                contrast(small, rmst, tau=60, between=pair).se.sel(misalignment=1.0).item() ** 2,
                proportional_hazards(small, "execution").se.item() ** 2,
                1 / logrank(small, "execution").batch_statistic.item(),
            ]
        )

    before, covariance, limits = errors(), jackknife.covariance, jackknife.Spread.jackknife
    for module in ("coefficients", "groups"):
        monkeypatch.setattr(f"firmfate.survival.{module}.covariance", lambda left: 2 * covariance(left))
    monkeypatch.setattr(jackknife.Spread, "jackknife", lambda self: 2 * limits(self))
    np.testing.assert_allclose(errors(), 2 * before, rtol=1e-9)
