"""The fifteen oracle checks against R's survival, live and against stored numbers; see oracle/oracle.R."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from firmfate.survival import (
    accelerated_failure_time,
    contrast,
    cumulative_incidence,
    kaplan_meier,
    logrank,
    nelson_aalen,
    proportional_hazards,
    quantile,
    risk_table,
    rmst,
    time_lost,
)

ORACLE = Path(__file__).parent / "oracle"
Values = dict[tuple[str, int, str, int, int], float]
Counts = Callable[..., xr.Dataset]

CASES = ("censored", "horizon", "no_events", "first_week", "single_ended", "single_alive", "exact", "all_gone")
REGRESSED = ("censored", "horizon")
CAUSES = (None, 1, 2, 3)


def curve(oracle: Values, case: str, what: str, group: int, cause: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weeks and values of one of R's curves, without what R leaves undefined."""
    found = {week: value for (c, g, w, k, week), value in oracle.items() if (c, g, w, k) == (case, group, what, cause)}
    weeks = np.array(sorted(found), dtype=int)
    values = np.array([found[week] for week in weeks])
    return weeks[np.isfinite(values)], values[np.isfinite(values)]


def groups(ds: xr.Dataset) -> list[int]:
    return [int(group) for group in ds["group"].values]


def test_the_firms_are_those_that_their_program_draws(firms: dict[str, np.ndarray]) -> None:
    spec = importlib.util.spec_from_file_location("firms_of_the_oracle", ORACLE / "firms.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert list(zip(*(firms[name].tolist() for name in program.COLUMNS), strict=True)) == program.rows()


def test_r_says_now_what_is_stored(live_oracle: Path | None) -> None:
    """In the same order, within rounding of another machine's R."""
    if live_oracle is None:
        pytest.skip("Rscript is not installed")
    stored, now = (pd.read_csv(path) for path in (ORACLE / "oracle.csv", live_oracle))
    pd.testing.assert_frame_equal(now, stored, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("what", "variable"),
    [("survival", "estimate"), ("survival_se", "se"), ("log_lower", "lower"), ("log_upper", "upper")],
)
def test_survival_its_error_and_log_limits(oracle: Values, counts: Counts, case: str, what: str, variable: str) -> None:
    """Checks 1 and 2."""
    ds = counts(case, "group")
    ours = kaplan_meier(ds, limits="log")[variable]
    for group in groups(ds):
        weeks, theirs = curve(oracle, case, what, group)
        np.testing.assert_allclose(ours.sel(group=group, week=weeks), theirs, rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_log_log_limits(oracle: Values, counts: Counts, case: str, side: str) -> None:
    """Check 2."""
    ds = counts(case, "group")
    ours = kaplan_meier(ds, limits="log-log")[side]
    for group in groups(ds):
        weeks, theirs = curve(oracle, case, f"log_log_{side}", group)
        inside = (theirs > 0) & (theirs < 1)  # where S is 1, R shows certainty and we NaN
        weeks, theirs = weeks[inside], theirs[inside]
        np.testing.assert_allclose(ours.sel(group=group, week=weeks), theirs, rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("what", "variable"), [("cumulative_hazard", "estimate"), ("cumulative_hazard_se", "se")])
def test_cumulative_hazard(oracle: Values, counts: Counts, case: str, what: str, variable: str) -> None:
    """Check 1."""
    ds = counts(case, "group")
    ours = nelson_aalen(ds)[variable]
    for group in groups(ds):
        weeks, theirs = curve(oracle, case, what, group)
        np.testing.assert_allclose(ours.sel(group=group, week=weeks), theirs, rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_restricted_mean(oracle: Values, counts: Counts, case: str) -> None:
    """Checks 3 and 12 (tau before, at and past the last event)."""
    ds = counts(case, "group")
    for group in groups(ds):
        taus, means = curve(oracle, case, "rmst", group)
        errors = dict(zip(*curve(oracle, case, "rmst_se", group), strict=True))
        assert taus.size
        for tau, mean in zip(taus, means, strict=True):
            ours = rmst(ds, tau=int(tau)).sel(group=group)
            assert ours.estimate.item() == pytest.approx(mean, rel=1e-10)
            assert ours.se.item() == pytest.approx(errors.get(tau, 0.0), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("case", ["censored", "horizon", "first_week", "single_ended", "exact", "all_gone"])
@pytest.mark.parametrize(
    ("what", "variable"), [("incidence", "estimate"), ("incidence_se", "se"), ("gray_incidence", "estimate")]
)
def test_incidence(oracle: Values, counts: Counts, case: str, what: str, variable: str) -> None:
    """Check 4: Aalen-Johansen, its infinitesimal jackknife on expanded rows, and cmprsk's estimate."""
    ds = counts(case, "group")
    ours = cumulative_incidence(ds)[variable]
    compared = 0
    for group in groups(ds):
        for cause in (1, 2, 3):
            weeks, theirs = curve(oracle, case, what, group, cause)
            np.testing.assert_allclose(ours.sel(group=group, cause=cause, week=weeks), theirs, rtol=1e-10)
            compared += weeks.size
    assert compared > 0


@pytest.mark.parametrize("case", ["censored", "horizon", "first_week", "single_ended", "exact", "all_gone"])
def test_weeks_lost(oracle: Values, counts: Counts, case: str) -> None:
    """Check 5."""
    ds = counts(case, "group")
    for group in groups(ds):
        for cause in (1, 2, 3):
            errors = dict(zip(*curve(oracle, case, "lost_se", group, cause), strict=True))
            for tau, lost in zip(*curve(oracle, case, "lost", group, cause), strict=True):
                if tau < 1:
                    continue
                ours = time_lost(ds, tau=int(tau)).sel(group=group, cause=cause)
                assert ours.estimate.item() == pytest.approx(lost, rel=1e-10, abs=1e-15)
                assert ours.se.item() == pytest.approx(errors[tau], rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_risk_table(oracle: Values, counts: Counts, case: str) -> None:
    """Check 11: ties of events and censorings fall where R puts them."""
    ds = counts(case, "group")
    for group in groups(ds):
        weeks, at_risk = curve(oracle, case, "at_risk", group)
        table = risk_table(ds, weeks=weeks.tolist()).sel(group=group)
        np.testing.assert_array_equal(table.at_risk, at_risk)
        np.testing.assert_array_equal(table.events, curve(oracle, case, "events", group)[1])
        np.testing.assert_array_equal(table.censored, curve(oracle, case, "censored", group)[1])


@pytest.mark.parametrize("case", REGRESSED)
@pytest.mark.parametrize("cause", CAUSES)
def test_logrank(oracle: Values, counts: Counts, case: str, cause: int | None) -> None:
    """Check 6, overall and by cause, pooled and stratified."""
    key = cause or 0
    pooled = logrank(counts(case, "group"), "group", cause=cause)
    assert pooled.statistic.item() == pytest.approx(oracle[case, -1, "logrank", key, -1], rel=1e-9)
    ds = counts(case, "group", "stratum")
    stratified = logrank(ds, "group", cause=cause)
    assert stratified.statistic.item() == pytest.approx(oracle[case, -1, "logrank_stratified", key, -1], rel=1e-9)
    np.testing.assert_allclose(stratified.expected, curve(oracle, case, "logrank_expected", -1, key)[1], rtol=1e-9)


@pytest.mark.parametrize("case", REGRESSED)
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize(("ties", "tolerance"), [("breslow", 1e-6), ("cloglog", 1e-7)])
def test_proportional_hazards(
    oracle: Values, counts: Counts, case: str, cause: int | None, ties: str, tolerance: float
) -> None:
    """Check 14: weighted coxph with Breslow's ties, and glm with the cloglog link and a free baseline."""
    ds = counts(case, "group", "stratum")
    fit = proportional_hazards(ds, "group * stratum", cause=cause, ties=ties)
    key = cause or 0
    np.testing.assert_allclose(fit.estimate, curve(oracle, case, ties, -1, key)[1], rtol=0, atol=tolerance)
    np.testing.assert_allclose(
        fit.independent_se, curve(oracle, case, f"{ties}_se", -1, key)[1], rtol=0, atol=tolerance
    )
    fit = proportional_hazards(ds, "group", cause=cause, ties=ties, strata=["stratum"])
    assert fit.estimate.item() == pytest.approx(oracle[case, -1, f"{ties}_stratified", key, -1], abs=tolerance)
    assert fit.independent_se.item() == pytest.approx(oracle[case, -1, f"{ties}_stratified_se", key, -1], abs=tolerance)


@pytest.mark.parametrize("case", REGRESSED)
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("distribution", ["weibull", "lognormal", "loglogistic"])
def test_accelerated_failure_time(
    oracle: Values, counts: Counts, case: str, cause: int | None, distribution: str
) -> None:
    """Check 14: lifelines on our rows against survreg."""
    pytest.importorskip("lifelines")
    ds = counts(case, "group", "stratum")
    fit = accelerated_failure_time(ds, "group * stratum", distribution=distribution, cause=cause, batches=False)
    key = cause or 0
    np.testing.assert_allclose(fit.estimate, curve(oracle, case, distribution, -1, key)[1], rtol=0, atol=5e-4)
    theirs = curve(oracle, case, f"{distribution}_se", -1, key)[1]
    np.testing.assert_allclose(fit.independent_se, theirs, rtol=0, atol=5e-4)


def test_horizon_censoring_is_binomial(firms: dict[str, np.ndarray], counts: Counts) -> None:
    """Check 7: Greenwood is the binomial error, that of the restricted mean sd/√n."""
    ds = counts("horizon", "group")
    survival, mean, share = kaplan_meier(ds), rmst(ds), cumulative_incidence(ds)
    for curve_ in (survival, share):
        binomial = np.sqrt(curve_.estimate * (1 - curve_.estimate) / ds.firms)
        np.testing.assert_allclose(curve_.se, binomial.transpose(*curve_.se.dims), rtol=1e-12, atol=1e-15)
    for group in groups(ds):
        weeks = firms["week"][(firms["case"] == "horizon") & (firms["group"] == group)]
        assert mean.estimate.sel(group=group).item() == pytest.approx(weeks.mean(), rel=1e-12)
        assert mean.se.sel(group=group).item() == pytest.approx(weeks.std() / np.sqrt(weeks.size), rel=1e-12)


def test_no_events(counts: Counts) -> None:
    """Check 8; no error is shown as certainty."""
    ds = counts("no_events")
    survival, mean = kaplan_meier(ds), rmst(ds)
    assert (survival.estimate == 1).all()
    assert (survival.lower.sel(week=slice(1, None)) < 1).all()
    assert mean.estimate.item() == 12
    assert 0 < mean.lower.item() < 12
    assert np.isnan(quantile(ds).estimate.item())
    assert nelson_aalen(ds).upper.isel(week=-1).item() > 0


def test_all_in_the_first_week(counts: Counts) -> None:
    """Check 9."""
    ds = counts("first_week")
    assert kaplan_meier(ds).estimate.values.tolist() == [1.0, 0.0]
    assert kaplan_meier(ds).upper.isel(week=1).item() > 0
    assert rmst(ds).estimate.item() == 1.0
    assert quantile(ds, p=0.9).estimate.item() == 1.0
    assert cumulative_incidence(ds).estimate.isel(week=1).sum().item() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(("case", "mean"), [("single_ended", 5.0), ("single_alive", 8.0)])
def test_single_firm(counts: Counts, case: str, mean: float) -> None:
    """Check 10; survival.R agrees in the tests above."""
    ds = counts(case)
    result = rmst(ds)
    assert result.estimate.item() == mean
    assert result.lower.item() < mean
    assert np.isfinite(kaplan_meier(ds).upper).all()


def test_quantiles_where_survival_is_exactly_reached(counts: Counts) -> None:
    """Check 12: the first week with S <= 1 - p, also where S is exactly 1 - p; NaN where it is never reached."""
    found = quantile(counts("exact"), p=[0.1, 0.25, 0.26, 0.5, 0.75, 0.76]).estimate
    np.testing.assert_array_equal(found, [2, 4, 6, 6, 10, np.nan])


def test_a_cell_without_firms_is_nan_and_leaves_its_neighbours_alone(small: xr.Dataset) -> None:
    """Check 13, without warnings (they are errors here)."""
    empty = small.copy(deep=True)
    for name in empty.data_vars:
        empty[name][0, 0] = 0
    for estimator in (kaplan_meier, nelson_aalen, cumulative_incidence, rmst, time_lost, quantile):
        with_empty, without = estimator(empty), estimator(small)
        assert with_empty.isel(execution=0, misalignment=0).to_array().isnull().all()
        for place in ({"execution": slice(1, None)}, {"misalignment": [1]}):
            xr.testing.assert_identical(with_empty.isel(place), without.isel(place))


def test_contrast_with_one_firm_a_batch_is_the_paired_error() -> None:
    """Check 15."""
    from firmfate.survival import counts_from_table

    random = np.random.Generator(np.random.Philox(5))
    firms_, horizon = 40, 52
    standard = -np.log(random.random(firms_))
    weeks = np.ceil(np.concatenate([standard * 30, standard * 45])).astype(int)
    table = {
        "week": weeks,
        "end": np.where(weeks > horizon, 0, 1),
        "side": np.repeat([0.0, 1.0], firms_),
        "firm": np.tile(np.arange(firms_), 2),
    }
    ds = counts_from_table(
        table, duration="week", cause="end", covariates=["side"], batch="firm", horizon=horizon, bin_weeks=1
    )
    lived = np.minimum(weeks, horizon).reshape(2, firms_)
    paired = lived[1] - lived[0]
    for tau_of_batches in (rmst, lambda counts, tau: rmst(counts, tau=tau)):
        ours = contrast(ds, tau_of_batches, between=({"side": 1.0}, {"side": 0.0}), tau=horizon)
        assert ours.estimate.item() == pytest.approx(paired.mean(), rel=1e-12)
        assert ours.se.item() == pytest.approx(paired.std(ddof=1) / np.sqrt(firms_), rel=1e-12)
