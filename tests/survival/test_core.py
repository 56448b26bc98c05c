"""Formulas of the core at points where they can be worked out by hand, edges among them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from firmfate.survival import hazard, kaplan_meier, nelson_aalen, quantile, rmst, rmst_curve, time_lost
from firmfate.survival.core.gray import gray
from firmfate.survival.core.lifetable import CellCounts, life_table
from firmfate.survival.core.limits import normal_quantile, score_limits, student_quantile, wilson
from firmfate.survival.core.quadratic_form import quadratic_form
from firmfate.survival.core.ranks import logrank
from firmfate.survival.core.sign_changes import sign_changes, strongest

Z = normal_quantile(0.95)


def counts(events: list[int], firms: int, censored: list[int] | None = None) -> xr.Dataset:
    ds = xr.Dataset({"events": (("cause", "week"), [events]), "firms": ((), firms)})
    return ds if censored is None else ds.assign(censored=("week", censored))


def test_of_several_sign_changes_the_strongest_is_taken() -> None:
    x, y = np.arange(7.0), np.array([1.0, -1.0, 2.0, 3.0, -3.0, -2.0, 1.0])
    evidence = np.array([0.5, 0.2, 1.0, 4.0, 5.0, 3.0, 0.1])
    changes = sign_changes(x, y)
    assert [change.before for change in changes] == [0, 1, 3, 5]
    assert strongest(changes, y, evidence).before == 3
    assert strongest(changes[:2], y, evidence).before == 0


def test_a_sign_change_skips_zeros_and_what_is_unknown() -> None:
    x = np.arange(8.0)
    found = sign_changes(x, np.array([np.nan, 1.0, 0.0, 0.0, -1.0, np.nan, 3.0, 0.0]))
    assert [tuple(change) for change in found] == [(1, 4, 2.5), (4, 6, 4.5)]
    assert sign_changes(x, np.zeros(8)) == sign_changes(x[:0], x[:0]) == sign_changes(x, x) == []


def test_hazard_limits_before_and_after_the_first_event() -> None:
    """Without an event, the hazard at which Wilson's limit for none of n would lie; then symmetric on the logarithm."""
    found = nelson_aalen(counts([0, 0, 4, 0], 50, [0, 10, 0, 0]))
    _, none = wilson(np.zeros(2), np.array([50.0, 50.0]), Z)
    np.testing.assert_allclose(found.upper[1:3], -np.log1p(-none), rtol=1e-12)
    assert found.lower[2] == 0.0
    rate, se = 4 / 40, np.sqrt(4 / 40**2)
    assert found.se[3].item() == pytest.approx(se, rel=1e-12)
    assert found.upper[3].item() == pytest.approx(rate * np.exp(Z * se / rate), rel=1e-12)
    assert found.lower[3].item() == pytest.approx(rate * np.exp(-Z * se / rate), rel=1e-12)


def test_nobody_at_risk_is_no_evidence() -> None:
    """All firms are censored in week 2: what follows is unknown, without warnings."""
    ds = counts([0, 0, 0, 0], 5, [0, 5, 0, 0])
    assert nelson_aalen(ds).upper.isnull().values.tolist() == [False, False, False, True, True]
    assert kaplan_meier(ds).lower.isnull().values.tolist() == [False, False, False, True, True]
    assert hazard(ds).estimate.isnull().values.tolist() == [False, False, True, True]
    lower, upper = wilson(np.array([0.5, 0.5]), np.array([0.0, 10.0]), Z)
    assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [True, False]


def test_wilson_s_limits() -> None:
    """Of 1 in 10: the example of Newcombe (1998), table I."""
    lower, upper = wilson(np.array([81 / 263, 1 / 29]), np.array([263.0, 29.0]), Z)
    np.testing.assert_allclose(lower, [0.2553, 0.0061], atol=5e-5)
    np.testing.assert_allclose(upper, [0.3662, 0.1718], atol=5e-5)


def test_limits_at_the_effective_number_of_firms() -> None:
    share, se = np.array([0.3, 0.0, 0.3]), np.array([0.05, 0.05, 0.0])
    lower, upper = score_limits(share, se, np.array([20.0, 20.0, 20.0]), Z)
    alone = wilson(share, np.array([0.3 * 0.7 / 0.05**2, 20.0, 20.0]), Z)
    np.testing.assert_allclose([lower, upper], alone, rtol=1e-12)


def test_students_quantiles_of_many_degrees_at_once() -> None:
    found = student_quantile(0.95, np.array([0.0, 1.0, 31.0, np.nan]))
    np.testing.assert_allclose(found, [np.nan, 12.7062, 2.0395, np.nan], atol=1e-4)


def test_means_and_their_curve_have_the_same_limits(small: xr.Dataset) -> None:
    curve = rmst_curve(small)
    for tau in (2, 40, 104):
        one = rmst(small, tau=tau)
        for name in ("estimate", "se", "lower", "upper"):
            np.testing.assert_allclose(curve[name].sel(week=tau), one[name], rtol=1e-9)
    share = rmst(small, tau=40)
    n = share.estimate / 40 * (1 - share.estimate / 40) / (share.se / 40) ** 2
    np.testing.assert_allclose(share.lower / 40, wilson((share.estimate / 40).values, n.values, Z)[0], rtol=1e-9)
    lost = time_lost(small, tau=40).sel(cause="exit")
    n = lost.estimate / 40 * (1 - lost.estimate / 40) / (lost.se / 40) ** 2
    np.testing.assert_allclose(lost.upper / 40, wilson((lost.estimate / 40).values, n.values, Z)[1], rtol=1e-9)


def test_quantiles_within_the_week() -> None:
    """S falls from 0.8 to 0.5 in week 3: 0.6 is reached at 2 2/3, 0.5 and 0.8 at the ends of weeks."""
    ds = counts([0, 20, 30, 10], 100)
    found = quantile(ds, p=[0.4, 0.5, 0.2, 0.6, 0.61], interpolate=True).estimate
    np.testing.assert_allclose(found, [2 + 2 / 3, 3.0, 2.0, 4.0, np.nan], rtol=1e-12)
    np.testing.assert_array_equal(quantile(ds, p=[0.4, 0.5, 0.2, 0.6, 0.61]).estimate, [3, 3, 2, 4, np.nan])


def test_quantiles_are_reached_within_rounding() -> None:
    """A product of shares of thirds misses 1/3 by a rounding error."""
    ds = counts([1, 1, 1, 1], 6)
    alive = kaplan_meier(ds).estimate.values
    assert (alive != [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6]).any()
    np.testing.assert_array_equal(quantile(ds, p=[1 / 6, 2 / 6, 3 / 6, 4 / 6]).estimate, [1, 2, 3, 4])


def test_nobody_varies() -> None:
    nothing = np.zeros((2, 2))
    assert quadratic_form(np.zeros(2), nothing, np.full(2, 10.0)) == (0.0, 0)
    assert quadratic_form(np.array([1e-9, -1e-9]), nothing, np.full(2, 10.0)) == (0.0, 0)
    statistic, rank = quadratic_form(np.array([1e-3, -1e-3]), nothing, np.full(2, 10.0))
    assert np.isnan(statistic)
    assert rank == 0


@pytest.mark.parametrize(("apart", "rank"), [(1e-11, 1), (1e-6, 2)])
def test_groups_that_are_nearly_one(apart: float, rank: int) -> None:
    """Two of three groups are the same but for ``apart`` of the variance: below a billionth, that is rounding."""
    plain = np.array([[2.0, -1.0, -1.0], [-1.0, 0.5, 0.5], [-1.0, 0.5, 0.5]])
    covariance = plain + apart * np.array([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]])
    difference = np.array([2.0, -1.0, -1.0])
    statistic, found = quadratic_form(difference, covariance, np.full(3, 10.0))
    assert found == rank
    assert statistic == pytest.approx(2.0, rel=1e-6)


def test_one_group_that_varies_is_compared() -> None:
    """The others are as expected, and their variances are 0."""
    covariance = np.diag([4.0, 0.0])
    assert quadratic_form(np.array([2.0, 0.0]), covariance, np.full(2, 10.0)) == (1.0, 1)


def test_the_followed_are_those_never_censored_early() -> None:
    table = life_table(CellCounts(np.array([[1, 0, 2]]), np.array(20), np.array([3, 0, 4])))
    assert table.followed == 17
    assert not table.horizon_only
    assert life_table(CellCounts(np.array([[1, 0, 2]]), np.array(20), np.array([0, 0, 4]))).horizon_only
    late = life_table(CellCounts(np.array([[1, 0, 2]]), np.array(20), None, np.array([12, 0, 0])))
    assert late.at_risk.tolist() == [8, 19, 19]
    assert late.followed == 8
    assert not late.horizon_only


def test_weights_stress_early_or_late_weeks() -> None:
    """Two groups differ in week 1 only, or in week 4 only; by hand for gamma = 1 in week 2."""
    early, late = (np.zeros((1, 2, 4)) for _ in range(2))
    early[0, :, 0], early[0, :, 3] = (30, 0), (10, 10)
    late[0, :, 0], late[0, :, 3] = (10, 10), (30, 0)
    for events, stressed in ((early, 0), (late, 1)):
        at_risk = 100.0 - np.concatenate([np.zeros((1, 2, 1)), events.cumsum(-1)[..., :-1]], axis=-1)
        shift = [
            abs(test.observed[0] - test.expected[0]) / np.sqrt(test.covariance[0, 0])
            for test in (logrank(events, at_risk, rho=1.0), logrank(events, at_risk, gamma=1.0))
        ]
        assert shift[stressed] > 1.2 * shift[1 - stressed]
    at_risk = 100.0 - np.concatenate([np.zeros((1, 2, 1)), late.cumsum(-1)[..., :-1]], axis=-1)
    weighted = logrank(late, at_risk, gamma=1.0)
    assert weighted.observed[0] == pytest.approx(0.1 * 30)  # 1 - S is 0 in week 1, and 0.1 from then on
    assert weighted.expected[0] == pytest.approx(0.1 * 15)


def test_gray_of_one_cause_and_no_censoring_is_near_the_log_rank() -> None:
    """Without other causes both compare the same hazards, with other variances; all gone in the last week."""
    ended = np.array([[[5.0, 10.0, 25.0], [2.0, 6.0, 32.0]]])
    at_risk = np.array([[[40.0, 35.0, 25.0], [40.0, 38.0, 32.0]]])
    ours, plain = gray(ended, np.zeros_like(ended), at_risk), logrank(ended, at_risk)
    np.testing.assert_allclose(ours.observed - ours.expected, plain.observed - plain.expected, rtol=1e-12)
    np.testing.assert_allclose(ours.covariance.sum(axis=-1), 0.0, atol=1e-12)
