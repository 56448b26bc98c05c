"""Tables to counts and counts to rows: nothing lost, nothing invented."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import contrast, counts_from_table, kaplan_meier, observed, rmst, to_rows


def table(firms: int = 500, seed: int = 1) -> pd.DataFrame:
    random = np.random.Generator(np.random.Philox(seed))
    return pd.DataFrame(
        {
            "weeks": random.exponential(30, firms) + 0.01,
            "end": random.choice(["exit", "insolvency", ""], firms, p=[0.4, 0.4, 0.2]),
            "size": random.choice(["large", "small"], firms),
            "year": random.integers(2001, 2004, firms),
        }
    )


OPTIONS = {"duration": "weeks", "cause": "end", "covariates": ["size", "year"]}


def test_rows_and_back() -> None:
    ds = counts_from_table(table(), horizon=52, **OPTIONS)
    rows = to_rows(ds)
    assert rows.firms.sum() == 500
    back = counts_from_table(
        rows, duration="week", cause="end", covariates=["size", "year"], weight="firms", horizon=52
    )
    for name in ("events", "firms", "censored"):
        xr.testing.assert_equal(back[name], ds[name])
    for name in ("batch_events", "batch_censored", "batch_firms"):
        xr.testing.assert_equal(back[name].sum("batch"), ds[name].sum("batch"))


def test_counts_of_a_table() -> None:
    frame = table()
    ds = counts_from_table(frame, horizon=52, **OPTIONS)
    assert ds.events.dims == ("size", "year", "cause", "week")
    here = frame[(frame["size"] == "small") & (frame.year == 2002)]
    cell = ds.sel(size="small", year=2002)
    assert cell.firms.item() == len(here)
    week = np.ceil(here.weeks)
    assert cell.events.sel(cause="exit", week=7).item() == ((week == 7) & (here.end == "exit")).sum()
    assert cell.censored.sel(week=slice(1, 51)).sum().item() == ((week < 52) & (here.end == "")).sum()
    batches = ds.batch_firms.sum("batch")
    xr.testing.assert_equal(batches, ds.firms)
    assert (ds.batch_firms.max("batch") - ds.batch_firms.min("batch") <= 1).all()


def test_lengths_of_time_are_no_weeks_until_they_are_divided() -> None:
    frame = pd.DataFrame({"weeks": pd.to_timedelta([7, 21], unit="D"), "end": ["exit", "exit"]})
    with pytest.raises(EstimateError, match="lengths of time"):
        counts_from_table(frame, duration="weeks", cause="end")
    frame["weeks"] /= np.timedelta64(1, "W")
    assert counts_from_table(frame, duration="weeks", cause="end").events.values.tolist() == [[1, 0, 1]]


def test_order_of_rows_does_not_make_batches_alike() -> None:
    """Sorted tables are common: firms assigned in their order would make batches too equal, and errors too small."""
    frame = pd.concat([table(4000), table(4000, seed=2)], keys=["a", "b"]).reset_index(0, names="source")
    frame["end"] = "exit"
    options = {"duration": "weeks", "cause": "end", "covariates": ["source"], "horizon": 52}
    ordered = counts_from_table(frame.sort_values("weeks"), **options)
    ours = contrast(ordered, rmst, between=({"source": "a"}, {"source": "b"}), paired=False)
    independent = np.sqrt((rmst(ordered).se ** 2).sum())
    assert 0.7 < ours.se.item() / independent < 1.4


def test_many_firms_in_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"weeks": [5, 20, 52], "end": ["exit", "exit", ""], "firms": [40, 300, 10**6]})
    options = {"duration": "weeks", "cause": "end", "weight": "firms"}
    singly = counts_from_table(frame, **options)
    monkeypatch.setattr(observed, "MOST_ASSIGNED_SINGLY", 1000)
    multinomial = counts_from_table(frame, **options)
    for ds in (singly, multinomial):
        assert ds.batch_firms.sum() == ds.firms == 1_000_340
        assert ds.batch_events.sum() == ds.events.sum() == 340
        assert ds.batch_lifetime.sum() == 40 * 5 + 300 * 20 + 52 * 10**6
        assert ds.batch_firms.min() > 30_000
    xr.testing.assert_equal(singly.events, multinomial.events)


def test_sparse_covariates_become_a_list_of_cells() -> None:
    frame = table(200)
    frame["profit"] = np.arange(200) / 7.0
    frame["age"] = np.arange(200)[::-1]
    ds = counts_from_table(frame, duration="weeks", cause="end", covariates=["profit", "age"])
    assert ds.firms.dims == ("cell",)
    assert set(ds.firms.coords) == {"cell", "profit", "age"}
    np.testing.assert_allclose(ds.profit * 7 + ds.age, 199)


def test_causes_of_any_kind() -> None:
    weeks = [1, 2, 3, 4, 5, 6]
    for ends, causes in (
        ([1, 2, 0, 2, 1, 0], [1, 2]),
        ([True, False, True, True, False, False], ["end"]),
        (["b", None, "a", "censored", "", "b"], ["a", "b"]),
        ([1.0, np.nan, 2.0, np.nan, 1.0, 1.0], [1.0, 2.0]),
        ([0, 0, 0, 0, 0, 0], ["end"]),
    ):
        ds = counts_from_table({"weeks": weeks, "end": ends}, duration="weeks", cause="end")
        assert ds.cause.values.tolist() == causes
    ordered = counts_from_table(
        {"weeks": weeks, "end": ["b", "", "a", "", "", "b"]}, duration="weeks", cause="end", causes=["b", "c", "a"]
    )
    assert ordered.events.sum("week").values.tolist() == [2, 0, 1]


def test_observed_beside_simulated(small: xr.Dataset) -> None:
    """Rows of a simulated cell, counted as if observed, give its estimates."""
    rows = to_rows(small.sel(execution=[1.0], misalignment=[1.0]))
    ds = counts_from_table(rows, duration="week", cause="end", weight="firms", horizon=104)
    np.testing.assert_array_equal(
        kaplan_meier(ds).estimate, kaplan_meier(small).estimate.sel(execution=1.0, misalignment=1.0)
    )
    assert contrast(ds, rmst, tau=60).se.item() == pytest.approx(rmst(ds, tau=60).se.item(), rel=0.3)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"weeks": [0.0, 2.0]}, {}, "row 0: .*above 0"),
        ({"weeks": [1.0, np.inf]}, {}, "row 1"),
        ({"weeks": ["long", "short"]}, {}, "something else than numbers"),
        ({"weeks": [1.0]}, {}, "equally long"),
        ({"weeks": [], "end": []}, {}, "not empty"),
        ({"firms": [1.5, 2]}, {"weight": "firms"}, "row 0: .*integers"),
        ({"firms": [-1, 2]}, {"weight": "firms"}, "integers from 0"),
        ({"end": ["exit", 3]}, {}, "several kinds"),
        ({}, {"causes": ["fire"]}, "holds causes that"),
        ({}, {"covariates": ["sise"]}, "did you mean 'size'"),
        ({"week": [1, 2]}, {"covariates": ["week"]}, "use themselves"),
        ({"firms": ["a", "b"]}, {"covariates": ["firms"]}, r"\['firms'\] have names that counts use"),
        ({"events": ["a", "b"]}, {"covariates": ["events"]}, r"\['events'\] have names that counts use"),
        ({}, {"covariates": ["size", "size"]}, "covariates = .* 'size' is there twice"),
        ({"size": ["large", None]}, {"covariates": ["size"]}, "column 'size', row 1: None; a covariate needs"),
        ({"size": [np.nan, 2.0]}, {"covariates": ["size"]}, "column 'size', row 0: nan; a covariate needs"),
        ({"size": ["large", 2.0]}, {"covariates": ["size"]}, "column 'size' holds values of several kinds"),
        ({"firms": ["many", "few"]}, {"weight": "firms"}, "column 'firms' holds something else than numbers"),
        ({"firms": [None, 2]}, {"weight": "firms"}, "column 'firms'"),
        ({"group": ["a", "b"]}, {"batch": "group"}, "column 'group' holds something else than numbers"),
        ({"weeks": [np.timedelta64(7, "D")] * 2}, {}, "column 'weeks' holds .* lengths of time"),
        ({"weeks": list(pd.to_timedelta([7, 9], "D"))}, {}, "column 'weeks' holds"),
        ({}, {"causes": ["exit", "fire", "exit"]}, "causes = .* 'exit' is there twice"),
        ({}, {"horizon": np.nan}, "horizon = nan"),
        ({}, {"horizon": "long"}, "horizon = long"),
        ({}, {"bin_weeks": None}, "bin_weeks = None"),
        ({}, {"horizons": 3}, "horizons = 3: a list"),
        ({}, {"horizon": 0}, "at least 1"),
        ({}, {"bin_weeks": 0}, "bin_weeks"),
        ({}, {"batches": 0}, "batches"),
        ({}, {"horizons": [30]}, "horizons"),
    ],
)
def test_impossible_tables_are_refused(
    change: dict[str, list[object]], options: dict[str, object], message: str
) -> None:
    columns = {"weeks": [3.0, 4.5], "end": ["exit", "exit"], "size": ["large", "small"], **change}
    columns = {name: np.array(column, dtype=object) for name, column in columns.items()}
    with pytest.raises(EstimateError, match=message):
        counts_from_table(columns, duration="weeks", cause="end", **options)  # type: ignore[arg-type]
