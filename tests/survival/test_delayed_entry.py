"""Firms that come under observation late: risk sets counted firm by firm, batches, rows, and what is refused.

R's numbers for three published data sets with delayed entry are in test_published.py, coverage is in
test_coverage.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import minimize
from scipy.stats import norm

from firmfate import survival as s
from firmfate.errors import EstimateError
from firmfate.survival.batches import Resampler
from firmfate.survival.ranks import refuse_delayed_entry

FIRMS, HORIZON = 400, 30
OPTIONS = {"duration": "week", "cause": "end", "entry": "since", "covariates": ["group"]}


def table(seed: int = 5, firms: int = FIRMS) -> pd.DataFrame:
    """Firms seen from a random week on, if they live so long; two causes, some censored early."""
    random = np.random.Generator(np.random.Philox(seed))
    group = np.arange(3 * firms) % 2
    lived = np.ceil(random.exponential(20 - 8 * group)).astype(int)
    since = np.where(random.random(group.size) < 0.5, random.integers(1, 15, group.size), 0)
    left = since + random.integers(1, 40, group.size)
    end = np.where(lived > np.minimum(left, HORIZON), "", np.where(random.random(group.size) < 0.7, "a", "b"))
    frame = pd.DataFrame(
        {"group": group, "since": since, "week": np.minimum(np.minimum(lived, left), HORIZON), "end": end}
    )
    frame = frame[lived > since].head(firms).reset_index(drop=True)
    return frame.assign(batch=np.arange(len(frame)) % 20)


def at_risk(frame: pd.DataFrame) -> np.ndarray:
    weeks = np.arange(1, HORIZON + 1)
    return np.array([((frame.since < week) & (frame.week >= week)).sum() for week in weeks])


def test_risk_sets_and_curves_firm_by_firm() -> None:
    frame, ds = table(), s.counts_from_table(table(), **OPTIONS)
    weeks = np.arange(1, HORIZON + 1)
    for group in (0, 1):
        here = frame[frame.group == group]
        risk = at_risk(here)
        events = np.array([[((here.week == week) & (here.end == end)).sum() for week in weeks] for end in "ab"])
        listed = s.risk_table(ds.sel(group=group), weeks=weeks)
        np.testing.assert_array_equal(listed.at_risk, risk)
        np.testing.assert_array_equal(listed.entered, [(here.since == week).sum() for week in weeks[:-1]] + [0])
        alive = np.concatenate([[1.0], np.cumprod(1 - events.sum(0) / risk)])
        np.testing.assert_allclose(s.kaplan_meier(ds).estimate.sel(group=group), alive, rtol=1e-12)
        share = np.cumsum(alive[:-1] * events / risk, axis=1)
        np.testing.assert_allclose(
            s.cumulative_incidence(ds).estimate.sel(group=group).isel(week=slice(1, None)), share, rtol=1e-12
        )
        np.testing.assert_allclose(s.hazard(ds).estimate.sel(group=group), events.sum(0) / risk, rtol=1e-12)
        lost = ((HORIZON - weeks) * alive[:-1] * events / risk).sum(1)
        np.testing.assert_allclose(s.time_lost(ds).estimate.sel(group=group), lost, rtol=1e-12)
    beginning = s.risk_table(ds, weeks=[0]).at_risk.isel(week=0)
    np.testing.assert_array_equal(beginning, [((frame.since == 0) & (frame.group == g)).sum() for g in (0, 1)])


def test_restricted_means_to_any_week() -> None:
    """Firms that enter after tau are never at risk before it, and do not count."""
    ds = s.counts_from_table(table(), **OPTIONS)
    curve = s.rmst_curve(ds)
    for tau in (1, 5, 14, HORIZON):
        for variable in ("estimate", "se"):
            np.testing.assert_allclose(s.rmst(ds, tau=tau)[variable], curve[variable].sel(week=tau), rtol=1e-12)


def test_nobody_is_sure_of_survival_without_events() -> None:
    """The limit is that of the week with the fewest firms at risk."""
    frame = pd.DataFrame({"week": [9] * 40, "since": [0] * 10 + [3] * 30, "end": [""] * 40})
    ds = s.counts_from_table(frame, duration="week", cause="end", entry="since")
    few = s.counts_from_table(frame.head(10), duration="week", cause="end")
    assert s.rmst(ds).lower.item() == pytest.approx(s.rmst(few).lower.item(), rel=1e-12)
    early, late = s.kaplan_meier(ds).lower.sel(week=2), s.kaplan_meier(ds).lower.sel(week=5)
    assert 0 < early < late < 1


def test_a_part_of_a_week_counts_as_the_week() -> None:
    frame = pd.DataFrame({"week": [2.5, 4.0], "since": [2.2, 1.0], "end": ["a", "a"]})
    ds = s.counts_from_table(frame, duration="week", cause="end", entry="since")
    assert s.risk_table(ds, weeks=[1, 2, 3, 4]).at_risk.values.tolist() == [0, 1, 2, 1]


def test_who_enters_after_the_horizon_is_not_counted() -> None:
    ds = s.counts_from_table(table(), horizon=10, **OPTIONS)
    here = table()
    assert ds.firms.sum() == (here.since < 10).sum()
    every = s.kaplan_meier(s.counts_from_table(here, **OPTIONS)).estimate
    np.testing.assert_allclose(s.kaplan_meier(ds).estimate, every.sel(week=slice(0, 10)))


@pytest.mark.parametrize("bin_weeks", [1, 6])
def test_batches_left_out_are_other_tables(bin_weeks: int) -> None:
    """Exact in weekly bins, and at the ends of wider ones."""
    frame = table()
    ds = s.counts_from_table(frame, batch="batch", bin_weeks=bin_weeks, **OPTIONS)
    left = Resampler(ds)
    ends = np.arange(0, HORIZON + 1, bin_weeks)
    for batch in (0, 7):
        rest = s.counts_from_table(frame[frame.batch != batch], horizon=HORIZON, **OPTIONS)
        ours, theirs = (s.risk_table(part, weeks=ends) for part in (left.without(batch), rest))
        np.testing.assert_allclose(ours.entered.cumsum("week"), theirs.entered.cumsum("week"), rtol=1e-12)
        np.testing.assert_allclose(ours.events.cumsum("week"), theirs.events.cumsum("week"), rtol=1e-12)
        if bin_weeks == 1:
            np.testing.assert_allclose(s.rmst(left.without(batch)).estimate, s.rmst(rest).estimate, rtol=1e-12)
        else:
            np.testing.assert_allclose(s.rmst(left.without(batch)).estimate, s.rmst(rest).estimate, rtol=0.01)
    fine = s.contrast(ds, s.rmst, between=({"group": 0}, {"group": 1}))
    assert fine.attrs["standard_error"].startswith("batch jackknife")
    assert 0.5 < (fine.se / np.sqrt((s.rmst(ds).se ** 2).sum())).item() < 2


def test_counts_in_which_nobody_enters_late_are_not_refused() -> None:
    ds = s.example()
    nobody = ds.assign(entered=0 * ds.events.sum("cause"))
    refuse_delayed_entry(nobody, "Gray's test")
    refuse_delayed_entry(ds, "Gray's test")
    with pytest.raises(EstimateError, match="Gray's test"):
        refuse_delayed_entry(nobody.assign(entered=nobody.entered + 1), "Gray's test")


def test_rows_keep_the_risk_sets() -> None:
    frame = table()
    rows = s.to_rows(s.counts_from_table(frame, **OPTIONS))
    assert (rows.entry < rows.week).all()
    assert rows.firms.sum() == len(frame)
    again = s.counts_from_table(
        rows, duration="week", cause="end", entry="entry", covariates=["group"], weight="firms", causes=["a", "b"]
    )
    ours = s.counts_from_table(frame, **OPTIONS)
    for name in ("events", "censored", "entered", "firms"):
        xr.testing.assert_equal(again[name], ours[name])


def test_lifetimes_given_survival_to_entry() -> None:
    """The likelihood of firms, each given that it lived until its entry, maximised without counts."""
    pytest.importorskip("lifelines")
    frame = table()

    def negative(at: np.ndarray) -> float:
        z = (np.log(frame.week) - at[0] - at[1] * frame.group) / np.exp(at[2])
        entry = (np.log(frame.since.clip(1)) - at[0] - at[1] * frame.group) / np.exp(at[2])
        ended = frame.end != ""
        log_density = norm.logpdf(z) - at[2] - np.log(frame.week)
        return -(np.where(ended, log_density, norm.logsf(z)) - np.where(frame.since > 0, norm.logsf(entry), 0)).sum()

    best = minimize(
        negative, [2.0, 0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
    )
    fit = s.accelerated_failure_time(s.counts_from_table(frame, **OPTIONS), "group", distribution="lognormal")
    np.testing.assert_allclose(fit.estimate, best.x, atol=1e-4)
    ignored = s.accelerated_failure_time(
        s.counts_from_table(frame, duration="week", cause="end", covariates=["group"]),
        "group",
        distribution="lognormal",
    )
    assert abs(ignored.estimate[0] - best.x[0]) > 0.05  # the negative control: entries matter


def test_landmarks_of_firms_that_enter_late() -> None:
    frame = table()
    ds = s.landmark(s.counts_from_table(frame, bin_weeks=1, **OPTIONS), week=6)
    later = frame[frame.week > 6].assign(week=lambda d: d.week - 6, since=lambda d: (d.since - 6).clip(0))
    theirs = s.counts_from_table(later, **OPTIONS)
    for name in ("events", "entered", "firms", "censored"):
        np.testing.assert_array_equal(ds[name], theirs[name])


def all_at_last(entered: xr.DataArray) -> xr.DataArray:
    return (entered.sum("week") * (entered.week == HORIZON)).transpose(*entered.dims)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda ds: s.gray_test(ds, "group", cause="a"),
            "Gray's test takes firms that are observed from the first week",
        ),
        (
            lambda ds: s.fine_gray(ds, "group", cause="a"),
            "regression takes firms that are observed from the first week",
        ),
        (lambda ds: s.kaplan_meier(ds.assign(entered=ds.entered.astype(float))), "counts are integers"),
        (lambda ds: s.kaplan_meier(ds.assign(entered=all_at_last(ds.entered))), "have entered"),
        (
            lambda ds: s.contrast(ds.drop_vars("batch_entered"), lambda d: s.rmst(d).estimate),
            r"enter late, but there is no `batch_entered",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: object, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        call(s.counts_from_table(table(), batch="batch", **OPTIONS))  # type: ignore[operator]


@pytest.mark.parametrize("since", [-1.0, 5.0, np.nan, "soon"])
def test_entries_that_cannot_be_are_refused(since: object) -> None:
    frame = {"week": [5.0, 7.0], "end": ["a", ""], "since": [since, 0]}
    with pytest.raises(EstimateError, match=r"column 'since'"):
        s.counts_from_table(frame, duration="week", cause="end", entry="since")
