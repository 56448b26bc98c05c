"""Contrasts between cells: against differences counted firm by firm, and what they refuse."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

from firmfate.errors import EstimateError
from firmfate.survival import (
    contrast,
    counts_from_table,
    cumulative_incidence,
    example,
    hazard,
    hazard_ratio,
    kaplan_meier,
    logrank,
    proportional_hazards,
    quantile,
    rmst,
    rmst_curve,
    time_lost,
)

BATCHES, HORIZON = 20, 39
EXECUTION, MISALIGNMENT = np.array([0.0, 0.3, 1.0]), np.array([0.0, 1.0])


@cache
def lifetimes(firms: int = 400, seed: int = 11) -> tuple[np.ndarray, np.ndarray]:
    """Weeks and causes of every firm, (execution, misalignment, firm), with common random numbers."""
    uniform, kind = np.random.Generator(np.random.Philox(seed)).random((2, firms))
    rate = 0.02 * (1 + 2 * EXECUTION[:, None, None] * MISALIGNMENT[None, :, None]) + 0.01 * EXECUTION[:, None, None]
    weeks = np.ceil(-np.log(uniform) / rate).astype(int)
    return weeks, np.broadcast_to(np.where(kind < 0.7, "insolvency", "exit"), weeks.shape)


def counted(bin_weeks: int = 1, firms: int = 400, seed: int = 11) -> xr.Dataset:
    return _counted(bin_weeks, firms, seed).copy(deep=True)


@cache
def _counted(bin_weeks: int, firms: int, seed: int) -> xr.Dataset:
    weeks, causes = lifetimes(firms, seed)
    e, m, firm = np.meshgrid(EXECUTION, MISALIGNMENT, np.arange(firms), indexing="ij")
    columns = {"week": weeks, "end": causes, "execution": e, "misalignment": m, "batch_of": firm % BATCHES}
    return counts_from_table(
        {name: column.ravel() for name, column in columns.items()},
        duration="week",
        cause="end",
        covariates=["execution", "misalignment"],
        batch="batch_of",
        horizon=HORIZON,
        bin_weeks=bin_weeks,
        horizons=[26],
    )


def of_batches(each: np.ndarray) -> float:
    """Standard error of the mean of ``each`` (firm) from the means of batches."""
    means = each.reshape(-1, BATCHES).mean(axis=0)
    return float(means.std(ddof=1) / np.sqrt(BATCHES))


def compare(result: xr.Dataset, each: np.ndarray) -> None:
    from scipy.stats import t

    half = t.ppf(0.975, BATCHES - 1) * of_batches(each)
    assert result.estimate.item() == pytest.approx(each.mean(), rel=1e-10, abs=1e-12)
    assert result.se.item() == pytest.approx(of_batches(each), rel=1e-9)
    assert (result.upper - result.estimate).item() == pytest.approx(half, rel=1e-9)
    assert (result.estimate - result.lower).item() == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize("bin_weeks", [1, 13])
@pytest.mark.parametrize("tau", [26, HORIZON])
def test_restricted_means_at_horizons_are_exact_in_any_bins(bin_weeks: int, tau: int) -> None:
    ds, lived = counted(bin_weeks), np.minimum(lifetimes()[0], tau).astype(float)
    cells = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.3, "misalignment": 0.0})
    slope = (lived[2, 1] - lived[1, 1]) / 0.7
    middle = slope * 0.3 + (lived[1, 1] - lived[0, 1]) / 0.3 * 0.7  # second order on an uneven grid
    square = {"execution": (0.0, 1.0), "misalignment": (0.0, 1.0)}
    for f in (rmst, lambda counts, tau: rmst(counts, tau=tau)):
        compare(contrast(ds, f, between=cells, tau=tau), lived[2, 1] - lived[1, 0])
        along = contrast(ds, f, along="execution", tau=tau).sel(misalignment=1.0)
        compare(along.sel(execution=1.0), slope)
        compare(along.sel(execution=0.3), middle)
        compare(contrast(ds, f, interaction=square, tau=tau), lived[2, 1] - lived[2, 0] - lived[0, 1] + lived[0, 0])
        mixed = contrast(ds, f, interaction=("execution", "misalignment"), tau=tau)
        assert mixed.sizes == {"execution": 3, "misalignment": 2}
        compare(mixed.sel(execution=1.0, misalignment=0.0), slope - (lived[2, 0] - lived[1, 0]) / 0.7)
        compare(contrast(ds, f, tau=tau).sel(execution=0.0, misalignment=0.0), lived[0, 0])


def test_the_curve_of_restricted_means_meets_the_horizons() -> None:
    ds, weeks = counted(13), lifetimes()[0]
    curve = contrast(ds, rmst_curve, between=({"execution": 1.0}, {"execution": 0.0})).sel(misalignment=1.0)
    for tau in (26, HORIZON):
        lived = np.minimum(weeks, tau).astype(float)
        compare(curve.sel(week=tau), lived[2, 1] - lived[0, 1])


@pytest.mark.parametrize("bin_weeks", [1, 13])
def test_curves_are_exact_at_the_ends_of_bins(bin_weeks: int) -> None:
    ds, (weeks, causes) = counted(bin_weeks), lifetimes()
    between = ({"execution": 1.0}, {"execution": 0.0})
    share = contrast(ds, cumulative_incidence, between=between).sel(misalignment=1.0, cause="exit", week=26)
    ended = ((weeks <= 26) & (causes == "exit")).astype(float)
    compare(share, ended[2, 1] - ended[0, 1])
    alive = (weeks > 26).astype(float)
    compare(contrast(ds, kaplan_meier, between=between).sel(misalignment=1.0, week=26), alive[2, 1] - alive[0, 1])


def test_variances_within_bins_follow_those_of_independent_cells() -> None:
    """Their ratio is interpolated; in the first bin, where it has no start, or of a bare array, the variance is."""
    between = ({"execution": 1.0}, {"execution": 0.0})
    coarse, fine = (contrast(counted(bins), kaplan_meier, between=between).sel(misalignment=1.0) for bins in (13, 1))
    bare = contrast(counted(13), lambda ds: kaplan_meier(ds).estimate, between=between).sel(misalignment=1.0)
    single = kaplan_meier(counted(13)).se.sel(misalignment=1.0) ** 2
    independent = single.sel(execution=1.0) + single.sel(execution=0.0)

    def line(values: xr.DataArray, week: int) -> float:
        low, share = 13 * (week // 13), week % 13 / 13
        return float(values.sel(week=low) * (1 - share) + values.sel(week=low + 13) * share)

    variance = coarse.se**2
    for week in (17, 33):
        expected = line(variance / independent, week) * independent.sel(week=week)
        assert variance.sel(week=week).item() == pytest.approx(expected.item(), rel=1e-12)
    assert variance.sel(week=4).item() == pytest.approx(line(variance, 4), rel=1e-12)
    for week in (4, 17, 33):
        assert bare.se.sel(week=week).item() ** 2 == pytest.approx(line(variance, week), rel=1e-12)
    inside = slice(5, HORIZON)
    assert float(abs(coarse.se.sel(week=inside) / fine.se.sel(week=inside) - 1).median()) < 0.15


def test_any_function_of_the_estimators() -> None:
    """A ratio of two means, by the jackknife written out."""
    ds, lived = counted(1), np.minimum(lifetimes()[0][2, 1], HORIZON).reshape(-1, BATCHES)

    def share_late(counts: xr.Dataset) -> xr.DataArray:
        return 1 - rmst(counts, tau=26).estimate / rmst(counts).estimate

    left_out = np.array([np.delete(lived, batch, axis=1) for batch in range(BATCHES)])
    values = 1 - np.minimum(left_out, 26).mean(axis=(1, 2)) / left_out.mean(axis=(1, 2))
    se = np.sqrt((BATCHES - 1) / BATCHES * ((values - values.mean()) ** 2).sum())
    ours = contrast(ds, share_late).sel(execution=1.0, misalignment=1.0)
    assert ours.estimate.item() == pytest.approx(1 - np.minimum(lived, 26).mean() / lived.mean(), rel=1e-12)
    assert ours.se.item() == pytest.approx(se, rel=1e-9)


def test_quantiles_take_batch_means_and_are_marked() -> None:
    ds = counted(13)
    ours = contrast(ds, quantile, between=({"execution": 1.0}, {"execution": 0.0}), p=0.3)
    assert ours.attrs["approximate"] == 1
    assert ours.attrs["standard_error"].startswith("batch means")
    assert (ours.se > 0).all()
    assert contrast(ds, rmst, along="execution").attrs["approximate"] == 0


def test_unpaired_variances_add_up() -> None:
    ds, lived = counted(13), np.minimum(lifetimes()[0], HORIZON).astype(float)
    ours = contrast(ds, rmst, between=({"execution": 1.0}, {"execution": 0.0}), paired=False).sel(misalignment=1.0)
    assert ours.se.item() == pytest.approx(np.hypot(of_batches(lived[2, 1]), of_batches(lived[0, 1])), rel=1e-9)


def test_steps_within_weeks_change_the_error_not_the_estimate() -> None:
    """Four steps a week: batches know the steps, estimates the weeks."""
    ds = counted(13)
    fine = ds.copy()
    fine["batch_lifetime"] = ds["batch_lifetime"] * 4
    fine.attrs["steps_per_week"] = 4
    xr.testing.assert_allclose(
        contrast(fine, rmst, along="execution"), contrast(ds, rmst, along="execution"), rtol=1e-12
    )


def test_dask_backed_counts_are_computed_once() -> None:
    ds = counted(13)
    for f in (rmst, time_lost):
        lazy = contrast(ds.chunk({"execution": 1, "batch": 5}), f, along="execution")
        xr.testing.assert_identical(lazy, contrast(ds, f, along="execution"))


def test_an_invalid_cell_spoils_its_neighbours_only() -> None:
    ds = counted(13)
    ds["invalid"] = xr.zeros_like(ds["firms"])
    ds["invalid"][0, 0] = 1
    slope = contrast(ds, rmst, along="execution")
    np.testing.assert_array_equal(slope.estimate.isnull(), [[True, False], [True, False], [False, False]])


def test_batches_of_an_invalid_cell_need_not_pair(small: xr.Dataset) -> None:
    """The firms whose arithmetic failed are in no batch: all of one batch, or some of each."""
    for batches in (slice(0, 8), slice(0, 1)):
        spoilt = small.copy(deep=True)
        spoilt["invalid"][2, 1] = 10
        spoilt["batch_firms"][2, 1, batches] = 0
        for options in ({"tau": 104}, {"tau": 60}):
            ours, untouched = (contrast(ds, rmst, along="execution", **options) for ds in (spoilt, small))
            touched = np.array([[False, False], [False, True], [False, True]])
            np.testing.assert_array_equal(ours.estimate.isnull(), touched)
            xr.testing.assert_identical(ours, untouched.where(~untouched.estimate.copy(data=touched)))
    spoilt["invalid"][:] = 10
    assert contrast(spoilt, rmst, along="execution").estimate.isnull().all()


@pytest.mark.parametrize("f", [rmst, rmst_curve, kaplan_meier])
def test_batches_of_some_firms_or_ends_are_refused(small: xr.Dataset, f: object) -> None:
    """Estimates of all firms beside the errors of some."""
    with pytest.raises(EstimateError, match="keep all batches"):
        contrast(small.isel(batch=slice(0, 8)), f, along="execution")
    unbatched = small.copy(deep=True)
    unbatched["batch_firms"][1] = 0
    with pytest.raises(EstimateError, match="keep all batches"):
        contrast(unbatched, f)
    with pytest.raises(EstimateError, match="keep all causes"):
        contrast(small.sel(cause=["insolvency"]), f, along="execution")
    fewer = small.sel(cause=["insolvency"]).drop_vars("batch_lifetime")
    assert contrast(fewer, f, along="execution").estimate.notnull().all()


def test_equal_batches_show_no_limits() -> None:
    """Where batches do not differ, nothing is known of the error: NaN, not certainty."""
    start = contrast(counted(13), kaplan_meier, between=({"execution": 1.0}, {"execution": 0.0})).sel(week=0)
    assert (start.se == 0).all()
    assert start.lower.isnull().all()


def test_fewer_than_eight_batches_are_refused() -> None:
    ds = counted(13, firms=7 * 20).isel(batch=slice(0, 7))
    with pytest.raises(EstimateError, match="7 non-empty batches"):
        contrast(ds, rmst, along="execution")


def test_empty_batches_do_not_count(small: xr.Dataset) -> None:
    """A run of fewer firms than batches: the empty ones are no evidence."""
    padded = small.pad(batch=(0, 32), constant_values=0)
    xr.testing.assert_identical(contrast(padded, rmst, along="execution"), contrast(small, rmst, along="execution"))


def more_firms(ds: xr.Dataset) -> xr.Dataset:
    grown = ds.copy(deep=True)
    for name in grown.data_vars:
        grown[name][2] = 2 * grown[name][2]
    return grown


def test_unequal_sets_of_firms_are_refused_where_they_do_not_pair(small: xr.Dataset) -> None:
    """A cell may hold more of the first replicates than others; not other firms than these."""
    grown = more_firms(small)
    assert contrast(grown, rmst, along="execution").se.notnull().all()
    grown["batch_firms"][2, :, 0] += 1
    grown["batch_firms"][2, :, 1] -= 1
    with pytest.raises(EstimateError, match="unequal sets of firms"):
        contrast(grown, rmst, along="execution")
    assert contrast(grown, rmst, along="execution", paired=False).se.notnull().all()
    assert contrast(grown, rmst, along="misalignment").estimate.notnull().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"between": ({"execution": 1.0}, {"execution": 0.7})}, "execution = 0.7 is not one of its values"),
        ({"between": ({"execution": 1.0}, {"misalignment": 1.0})}, "must name the same axes"),
        ({"between": {"execution": 1.0}}, "takes two cells"),
        ({"along": "exekution"}, "did you mean 'execution'"),
        ({"along": "execution", "between": ({"execution": 1.0}, {"execution": 0.0})}, "give one of"),
        ({"interaction": ("execution",)}, "two axes"),
        ({"interaction": {"execution": (0, 1), "misalignment": 1}}, r"needs \(low, high\)"),
        ({"along": "execution", "simultaneous": ["year"]}, "simultaneous"),
        ({"along": "execution", "simultaneous": True, "paired": False}, "unpaired"),
        ({"along": "execution", "level": 0.0}, "between 0 and 1"),
        ({"along": "execution", "resampling": "bootstrap"}, "'jackknife' or 'means'"),
    ],
)
def test_unclear_contrasts_are_refused(small: xr.Dataset, options: dict[str, object], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        contrast(small, rmst, **options)


def test_what_batches_cannot_tell_is_refused(small: xr.Dataset) -> None:
    with pytest.raises(EstimateError, match="only `rmst` at a horizon"):
        contrast(small.drop_vars("batch_events"), kaplan_meier, along="execution")
    contrast(small.drop_vars("batch_events"), rmst, along="execution", tau=52)
    with pytest.raises(EstimateError, match="no batches"):
        contrast(small[["events", "firms"]], rmst, along="execution")
    with pytest.raises(EstimateError, match="multiples"):
        contrast(small, hazard, along="execution", bin_weeks=1)
    broken = small.assign(batch_events=small.batch_events + 1)
    with pytest.raises(EstimateError, match="differs from"):
        contrast(broken, kaplan_meier, along="execution")
    early = small.assign(censored=xr.zeros_like(small.events.isel(cause=0, drop=True)) + (small.week == 3))
    early["events"] = small.events * 0
    early["batch_events"] = small.batch_events * 0
    with pytest.raises(EstimateError, match="batch_censored"):
        contrast(early, rmst, along="execution", tau=52)
    with pytest.raises(EstimateError, match="must return"):
        contrast(small, lambda ds: 1.0, along="execution")
    with pytest.raises(EstimateError, match="must keep the axis"):
        contrast(small, lambda ds: rmst(ds).estimate.mean("execution"), along="execution")


def test_early_censoring_with_batches() -> None:
    """Batches that count their censorings: one firm a batch is the leave-one-out jackknife of Kaplan-Meier."""
    random = np.random.Generator(np.random.Philox(2))
    firms = 30
    week = random.integers(1, 20, firms)
    end = random.integers(0, 2, firms)
    table = {"week": week, "end": end, "firm": np.arange(firms)}
    options = {"duration": "week", "cause": "end", "horizon": 20, "bin_weeks": 1}
    ours = contrast(counts_from_table(table, batch="firm", **options), rmst, tau=18)
    left = []
    for firm in range(firms):
        rest = {name: np.delete(column, firm) for name, column in table.items()}
        left.append(rmst(counts_from_table(rest, **options), tau=18).estimate.item())
    se = np.sqrt((firms - 1) / firms * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert ours.se.item() == pytest.approx(se, rel=1e-9)


def test_simultaneous_limits_are_wider_and_reproducible(small: xr.Dataset) -> None:
    pointwise = contrast(small, kaplan_meier, between=({"execution": 1.0}, {"execution": 0.0}))
    band, again = (
        contrast(small, kaplan_meier, between=({"execution": 1.0}, {"execution": 0.0}), simultaneous=["week"])
        for _ in range(2)
    )
    xr.testing.assert_identical(band, again)
    ratio = ((band.upper - band.estimate) / (pointwise.upper - pointwise.estimate)).sel(misalignment=1.0)
    known = ratio.where(ratio.notnull(), drop=True)
    np.testing.assert_allclose(known, known[0], rtol=1e-12)
    assert 1.2 < known[0] < 2.0
    assert band.attrs["limits"] == "simultaneous"


def test_simultaneous_over_one_point_is_pointwise(small: xr.Dataset) -> None:
    one = contrast(
        small.isel(misalignment=[1]), rmst, between=({"execution": 1.0}, {"execution": 0.0}), simultaneous=True
    )
    alone = contrast(small, rmst, between=({"execution": 1.0}, {"execution": 0.0})).isel(misalignment=[1])
    np.testing.assert_allclose(one.upper - one.estimate, alone.upper - alone.estimate, rtol=0.05)


@pytest.mark.bounded(power=0.9, against="a ratio that is off by 5 of its errors")
def test_hazard_ratio(bounded: Bounded) -> None:
    """Of exponential lifetimes, whose ratio is known; against the log of ratios of batches."""
    ds = counted(13, firms=4000)
    cells = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.0, "misalignment": 1.0})
    ratio = hazard_ratio(ds, between=cells, bin_weeks=13)
    assert ratio.estimate.sizes == {"bin": 3}
    np.testing.assert_allclose(np.sqrt(ratio.lower * ratio.upper), ratio.estimate, rtol=1e-12)
    by_cause = hazard_ratio(ds, between=cells, bin_weeks=13, cause="exit")

    def p_values(sample: int, true: float) -> list[float]:
        here = counted(13, firms=4000 * times(sample), seed=11 + sample)
        found = [hazard_ratio(here, between=cells, bin_weeks=13, **of) for of in ({}, {"cause": "exit"})]
        off = [np.log(one.estimate / true) * one.estimate / one.se for one in found]
        return of_deviation(np.concatenate(off), BATCHES - 1)

    assert not bounded.refuses(lambda sample: p_values(sample, 0.07 / 0.02))
    assert bounded.refuses(lambda sample: p_values(sample, 0.05 / 0.02))
    bounded.sees(chance_of_deviation(5, BATCHES - 1), 6)
    assert (by_cause.se > ratio.se).all()
    with pytest.raises(EstimateError, match="did you mean 'exit'"):
        hazard_ratio(ds, between=cells, bin_weeks=13, cause="exitt")


def test_axes_are_called_as_studies_call_them_too() -> None:
    ds = example().rename(misalignment="misalignment_sales")
    cells = [{"misalignment.sales": value, "execution": 1.0} for value in (1.0, 0.0)]
    expected = contrast(example(), rmst, between=[{"misalignment": v, "execution": 1.0} for v in (1.0, 0.0)])
    assert contrast(ds, rmst, between=cells).estimate == expected.estimate
    xr.testing.assert_identical(
        contrast(ds, rmst, along="misalignment.sales"), contrast(ds, rmst, along="misalignment_sales")
    )
    pairs = [{axis: (0.0, 1.0), "execution": (0.0, 1.0)} for axis in ("misalignment.sales", "misalignment_sales")]
    xr.testing.assert_identical(*(contrast(ds, rmst, interaction=pair) for pair in pairs))
    xr.testing.assert_identical(logrank(ds, "misalignment.sales"), logrank(ds, "misalignment_sales"))
    twice = {"misalignment.sales": 0.0, "misalignment_sales": 1.0}
    with pytest.raises(EstimateError, match=r"an axis is given twice, with '\.' and with '_'"):
        contrast(ds, rmst, between=(twice, {"misalignment_sales": 0.0}))
    with pytest.raises(EstimateError, match="an axis is given twice"):
        contrast(ds, rmst, interaction=dict.fromkeys(twice, (0.0, 1.0)))
    with pytest.raises(EstimateError, match="two axes, not 'misalignment_sales' twice"):
        contrast(ds, rmst, interaction=list(twice))
    formulas = ("misalignment.sales * execution", "misalignment_sales * execution")
    xr.testing.assert_identical(*(proportional_hazards(ds, formula).drop_attrs() for formula in formulas))
