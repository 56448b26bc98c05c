"""Estimators against lifetimes counted one by one, on Dask, in blocks, and on counts that cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from firmfate import survival
from firmfate.errors import EstimateError
from firmfate.survival import (
    counts_from_table,
    cumulative_incidence,
    expected_payoff,
    hazard,
    kaplan_meier,
    nelson_aalen,
    quantile,
    risk_table,
    rmst,
    rmst_curve,
    time_lost,
)
from firmfate.survival.core import blocks, incidence, restricted
from firmfate.survival.core.lifetable import CellCounts

CURVES = (kaplan_meier, nelson_aalen, cumulative_incidence, hazard, rmst, rmst_curve, time_lost, quantile)


@given(
    weeks=st.lists(st.integers(1, 12), min_size=1, max_size=30),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_lifetimes_counted_one_by_one(weeks: list[int], data: st.DataObject) -> None:
    """With horizon censoring every estimate is a mean over firms, and its error that mean's."""
    horizon = 10
    lifetimes = np.array(weeks)
    causes = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(weeks), max_size=len(weeks))))
    ends = np.where(lifetimes > horizon, 0, causes)
    ds = counts_from_table(
        {"week": lifetimes, "end": ends}, duration="week", cause="end", causes=[1, 2, 3], horizon=horizon, bin_weeks=1
    )
    tau = data.draw(st.integers(1, horizon))
    n = lifetimes.size

    def agrees(result: xr.Dataset, each: np.ndarray) -> None:
        assert result.estimate.item() == pytest.approx(each.mean(), rel=1e-12, abs=1e-12)
        assert result.se.item() == pytest.approx(each.std() / np.sqrt(n), rel=1e-9, abs=1e-8)
        assert result.lower.item() <= each.mean() + 1e-9
        assert result.upper.item() >= each.mean() - 1e-9

    agrees(rmst(ds, tau=tau), np.minimum(lifetimes, tau))
    agrees(rmst_curve(ds).sel(week=tau), np.minimum(lifetimes, tau))
    agrees(kaplan_meier(ds).sel(week=tau), (lifetimes > tau).astype(float))
    for cause in (1, 2, 3):
        ended = (causes == cause) & (lifetimes <= horizon)
        agrees(cumulative_incidence(ds).sel(cause=cause, week=tau), (ended & (lifetimes <= tau)).astype(float))
        agrees(time_lost(ds, tau=tau).sel(cause=cause), np.where(ended, np.maximum(tau - lifetimes, 0), 0))
    prices = np.array([[1.0], [2.5], [-3.0]]) * 0.9 ** np.arange(1, horizon + 1)
    each = np.where(lifetimes > horizon, 7.0, prices[causes - 1, np.minimum(lifetimes, horizon) - 1])
    cost = expected_payoff(ds, prices, at_end=7.0)
    assert cost.estimate.item() == pytest.approx(each.mean(), rel=1e-12, abs=1e-12)
    assert cost.se.item() == pytest.approx(each.std() / np.sqrt(n), rel=1e-9, abs=1e-7)
    reached = np.flatnonzero(np.array([(lifetimes > week).mean() for week in range(horizon + 1)]) <= 0.5 + 1e-12)
    np.testing.assert_array_equal(quantile(ds).estimate, reached[0] if reached.size else np.nan)


def test_the_recursion_serves_incidence_with_early_censoring() -> None:
    """The backward recursion and the forward sums are two programs for one number."""
    random = np.random.Generator(np.random.Philox(3))
    events = random.integers(0, 6, (2, 3, 20))
    censored = random.integers(0, 4, (2, 20))
    counts = CellCounts(events, events.sum((1, 2)) + censored.sum(1) + 5, censored)
    forward = incidence.cumulative_incidence(counts, z=1.96)
    means = restricted.restricted_mean_curve(counts, z=1.96)
    for week in range(1, 21):
        gains = np.zeros((3, 20))
        gains[1, :week] = 1.0
        value, se, _, _ = restricted.expected_payoff(counts, payoff=gains, at_end=0.0, z=1.96)
        np.testing.assert_allclose(forward[0][:, 1, week], value, rtol=1e-12)
        np.testing.assert_allclose(forward[1][:, 1, week], se, rtol=1e-10)
        single = restricted.restricted_mean(counts, tau=week, z=1.96)
        np.testing.assert_allclose(means[0][:, week], single[0], rtol=1e-12)
        np.testing.assert_allclose(means[1][:, week], single[1], rtol=1e-10, atol=1e-14)


def test_all_weeks_add_up(small: xr.Dataset) -> None:
    share, alive = cumulative_incidence(small).estimate, kaplan_meier(small).estimate
    np.testing.assert_allclose(share.sum("cause") + alive, 1.0, rtol=0, atol=1e-14)
    for tau in (1, 30, 104):
        total = rmst(small, tau=tau).estimate + time_lost(small, tau=tau).estimate.sum("cause")
        np.testing.assert_allclose(total, tau, rtol=1e-14)
    by_cause = nelson_aalen(small, by_cause=True).estimate.sum("cause")
    np.testing.assert_allclose(by_cause, nelson_aalen(small).estimate, rtol=1e-12)
    rates = hazard(small, by_cause=True, bin_weeks=13).estimate.sum("cause")
    np.testing.assert_allclose(rates, hazard(small, bin_weeks=13).estimate, rtol=1e-12)


@pytest.mark.parametrize("estimator", CURVES)
@pytest.mark.parametrize("chunks", [{"execution": 1}, {"misalignment": 1, "week": 30}, {"cause": 1}])
def test_dask_gives_the_same_lazily(small: xr.Dataset, estimator: object, chunks: dict[str, int]) -> None:
    lazy = estimator(small.chunk(chunks))  # type: ignore[operator]
    assert lazy.estimate.chunks is not None
    xr.testing.assert_identical(lazy.compute(), estimator(small))  # type: ignore[operator]


def test_risk_table_on_dask(small: xr.Dataset) -> None:
    lazy = risk_table(small.chunk({"execution": 1}), weeks=[0, 50, 104])
    xr.testing.assert_identical(lazy.compute(), risk_table(small, weeks=[0, 50, 104]))


@pytest.mark.parametrize("estimator", CURVES)
def test_blocks_of_cells_change_nothing(small: xr.Dataset, estimator: object, monkeypatch: pytest.MonkeyPatch) -> None:
    unblocked = estimator(small)  # type: ignore[operator]
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 500)
    xr.testing.assert_identical(estimator(small), unblocked)  # type: ignore[operator]


def test_ten_billion_firms_are_no_harder(small: xr.Dataset) -> None:
    """Counts 3e7 times larger: the same estimates, errors smaller by the root."""
    many = small[["events", "firms"]].astype("u8") * 31_250_000
    for estimator in (kaplan_meier, cumulative_incidence, rmst, time_lost):
        few, large = estimator(small), estimator(many)
        np.testing.assert_allclose(large.estimate, few.estimate, rtol=1e-12)
        np.testing.assert_allclose(large.se * np.sqrt(31_250_000), few.se, rtol=1e-9, atol=1e-12)


def test_a_cell_with_invalid_firms_is_nan(small: xr.Dataset) -> None:
    spoilt = small.copy(deep=True)
    spoilt["invalid"][2, 1] = 3
    for estimator in CURVES:
        result = estimator(spoilt)
        assert result.isel(execution=2, misalignment=1).to_array().isnull().all()
        xr.testing.assert_identical(result.isel(execution=[0, 1]), estimator(small).isel(execution=[0, 1]))


CELLS = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.0, "misalignment": 1.0})
FORMULA = "execution * misalignment"
CALLS: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    **{estimator.__name__: estimator for estimator in CURVES if estimator is not hazard},
    "hazard": lambda ds: hazard(ds, bin_weeks=13),
    "expected_payoff": lambda ds: expected_payoff(ds, 0.99 ** np.arange(104)),
    "risk_table": lambda ds: risk_table(ds, weeks=[0, 50, 104]),
    "contrast": lambda ds: survival.contrast(ds, rmst, along="execution"),
    "crossing": lambda ds: survival.crossing(ds, between=CELLS),
    "hazard_ratio": lambda ds: survival.hazard_ratio(ds, between=CELLS),
    "logrank": lambda ds: survival.logrank(ds, "execution"),
    "gray_test": lambda ds: survival.gray_test(ds, "execution", cause="exit"),
    "fine_gray": lambda ds: survival.fine_gray(ds, FORMULA, cause="exit"),
    "landmark": lambda ds: kaplan_meier(survival.landmark(ds, week=52)),
    "proportional_hazards": lambda ds: survival.proportional_hazards(ds, FORMULA),
    "proportionality": lambda ds: survival.proportionality(ds, FORMULA),
    "accelerated_failure_time": lambda ds: survival.accelerated_failure_time(ds, FORMULA, batches=False),
    "to_rows": lambda ds: survival.to_rows(ds).to_xarray(),
}
"""Every public function of counts."""


def test_every_public_function_is_called() -> None:
    assert set(CALLS) == set(survival.__all__) - {"example", "counts_from_table", "counts_from_firms"}


@pytest.mark.parametrize("name", CALLS)
def test_every_function_takes_lazy_counts_and_says_its_units(small: xr.Dataset, name: str) -> None:
    result = CALLS[name](small)
    xr.testing.assert_identical(CALLS[name](small.chunk({"execution": 1, "batch": 5})).compute(), result)
    if name != "to_rows":
        for variable in result.data_vars.values():
            assert set(variable.attrs) == {"units", "long_name"}, variable.name
    if name in ("rmst", "rmst_curve", "time_lost", "quantile", "crossing"):
        assert result["estimate"].attrs["units"] == "week"


@pytest.mark.parametrize("name", CALLS)
def test_every_function_takes_counts_of_a_users_table(small: xr.Dataset, name: str) -> None:
    """Durations, causes, weights and covariates of firms that somebody else observed; some left early."""
    rows = survival.to_rows(small)
    left = rows.head(40).assign(end="", firms=3)
    observed = counts_from_table(
        pd.concat([rows, left]), duration="week", cause="end", weight="firms", covariates=["execution", "misalignment"],
        horizon=104,
    )  # fmt: skip
    if name in ("contrast", "crossing", "hazard_ratio"):
        calls = {
            "contrast": lambda ds: survival.contrast(ds, rmst, along="execution", paired=False),
            "crossing": lambda ds: survival.crossing(ds, between=CELLS, paired=False),
            "hazard_ratio": lambda ds: survival.hazard_ratio(ds, between=CELLS, paired=False),
        }
        result = calls[name](observed)
    else:
        result = CALLS[name](observed)
    assert observed.censored.sum() > 0
    assert any(bool(np.isfinite(variable).any()) for variable in result.data_vars.values() if variable.dtype == float)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda ds: ds.drop_vars("firms"), "no variable 'firms'"),
        (lambda ds: ds.assign(events=ds.events.astype(float)), "counts are integers"),
        (lambda ds: ds.assign_coords(week=ds.week + 1), "must count 1, 2"),
        (lambda ds: ds.assign(firms=ds.firms // 100), "more firms have an event"),
        (lambda ds: ds.assign(events=ds.events.astype(int).where(ds.week > 1, -1)), "negative count"),
        (lambda ds: ds.events, "take a dataset"),
    ],
)
def test_impossible_counts_are_refused(small: xr.Dataset, spoil: object, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        kaplan_meier(spoil(small))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ds: kaplan_meier(ds, level=95), "between 0 and 1"),
        (lambda ds: kaplan_meier(ds, limits="loglog"), "did you mean 'log-log'"),
        (lambda ds: rmst(ds, tau=105), "from 1 to the horizon, 104"),
        (lambda ds: rmst(ds, tau=0.5), "integer number of weeks"),
        (lambda ds: quantile(ds, p=1.0), "strictly between"),
        (lambda ds: hazard(ds, bin_weeks=0), "bin_weeks = 0"),
        (lambda ds: risk_table(ds, weeks=[5, 3]), "ascending"),
        (lambda ds: risk_table(ds, weeks=[]), "ascending"),
        (lambda ds: expected_payoff(ds, [1.0, 2.0]), r"shape \(2,\)"),
        (lambda ds: expected_payoff(ds, ["cheap"]), "payoff holds something else"),
        (lambda ds: rmst(ds, tau=np.nan), "tau = nan: an integer number of weeks"),
        (lambda ds: rmst(ds, tau=np.inf), "tau = inf: an integer number of weeks"),
        (lambda ds: rmst(ds, tau="year"), "tau = year: an integer number of weeks"),
        (lambda ds: rmst(ds, tau=[52, 104]), "an integer number of weeks"),
        (lambda ds: kaplan_meier(ds, level=None), "level = None: a confidence level"),
        (lambda ds: kaplan_meier(ds, level="95 %"), "level = '95 %': a confidence level"),
        (lambda ds: survival.contrast(ds, rmst, along="execution", level=None), "level = None"),
        (lambda ds: kaplan_meier(ds, limits=3), "limits = 3: one of auto"),
        (lambda ds: hazard(ds, bin_weeks=np.nan), "bin_weeks = nan: an integer"),
        (lambda ds: quantile(ds, p=[]), r"p = \[\]: a share of firms"),
        (lambda ds: quantile(ds, p=np.nan), "p = nan: a share of firms"),
        (lambda ds: quantile(ds, p="half"), "p = half: a share of firms"),
        (lambda ds: risk_table(ds, weeks=5), "weeks = 5: a list of ascending integer weeks"),
        (lambda ds: risk_table(ds, weeks=[[1], [2, 3]]), "a list of ascending integer weeks"),
    ],
)
def test_impossible_questions_are_refused(small: xr.Dataset, call: object, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        call(small)  # type: ignore[operator]


def test_integers_of_any_type_are_taken(small: xr.Dataset) -> None:
    for tau in (52, 52.0, np.int8(52), small.week[51]):
        xr.testing.assert_identical(rmst(small, tau=tau), rmst(small, tau=52))


def test_no_cells_have_no_rows(small: xr.Dataset) -> None:
    rows = survival.to_rows(small.isel(execution=[]))
    assert rows.empty
    assert list(rows) == list(survival.to_rows(small))


def test_importing_the_room_imports_nothing_heavy_of_its_own() -> None:
    program = (
        "import sys, xarray; before = set(sys.modules); import firmfate.survival; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new & {'scipy', 'formulaic', 'lifelines', 'numba', 'dask', 'matplotlib', 'netCDF4'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
