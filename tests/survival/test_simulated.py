"""What `firmfate.simulate` returns is taken by estimators as it is, and counted as a run counts it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import firmfate
from firmfate import survival as s
from firmfate.errors import EstimateError

FLAGS = {"flag_values": np.array([0, 1, 2, 255]), "flag_meanings": "censored insolvency exit failed"}
REPLICATES, WEEKS = 96, 40


def firms(*, steps_per_week: int = 1) -> xr.Dataset:
    """Firms of 2 x 3 cells with common random numbers, horizon censoring, and one whose arithmetic failed."""
    random = np.random.Generator(np.random.Philox(6))
    standard, kind = random.random((2, REPLICATES))
    scale = np.array([[60.0, 30.0, 15.0], [60.0, 60.0, 60.0]])[..., None]
    lived = np.ceil(-np.log(standard) * scale * steps_per_week) / steps_per_week
    ended = lived <= WEEKS
    cause = np.where(ended, np.where(kind < 0.7, 1, 2), 0).astype(np.uint8)
    week = np.where(ended, lived, WEEKS).astype(np.float32)
    ds = xr.Dataset(
        {
            "event_week": (("execution", "misalignment", "replicate"), week),
            "cause": (("execution", "misalignment", "replicate"), cause, FLAGS),
            "alarm_week": (("execution", "misalignment", "replicate"), np.zeros_like(week)),
        },
        coords={
            "execution": [0.9, 0.1],
            "misalignment": [0.0, 0.5, 1.0],
            "replicate": np.arange(64, 64 + REPLICATES),
            "margin": ("misalignment", [1.0, 2.0, 3.0]),
            "own_draw": (("execution", "misalignment", "replicate"), np.zeros_like(week)),
        },
        attrs={"weeks": WEEKS, "steps_per_week": float(steps_per_week), "model": "shop"},
    )
    ds["event_week"][1, 2, 7] = np.nan
    ds["cause"][1, 2, 7] = 255
    return ds


def one_row_a_firm(ds: xr.Dataset) -> xr.Dataset:
    """The same firms as a table."""
    table = ds[["event_week", "cause"]].to_dataframe().reset_index()
    table["batch"] = table["replicate"] % 32
    table["cause"] = table["cause"].map({0: "", 1: "insolvency", 2: "exit"})
    return s.counts_from_table(
        table.dropna(subset="event_week"), duration="event_week", cause="cause", batch="batch", horizon=WEEKS,
        covariates=["execution", "misalignment"], causes=["insolvency", "exit"], horizons=[26],
    )  # fmt: skip


def test_counts_are_those_of_a_table_of_the_firms() -> None:
    ours = s.counts_from_firms(firms(), horizons=[26])
    table = one_row_a_firm(firms()).reindex_like(ours)
    for name in ("events", "batch_firms", "batch_events", "batch_lifetime"):
        xr.testing.assert_equal(ours[name].drop_vars("margin"), table[name])
    assert ours.firms.values.tolist() == [[96, 96, 96], [96, 96, 96]]
    assert ours.invalid.values.tolist() == [[0, 0, 0], [0, 0, 1]]
    assert "censored" not in ours
    assert set(ours.coords) >= {"execution", "misalignment", "margin"}
    assert "own_draw" not in ours.coords
    assert ours.attrs["model"] == "shop"


def test_estimators_take_the_firms_as_they_are() -> None:
    ds, counts = firms(), s.counts_from_firms(firms())
    between = ({"execution": 0.9}, {"execution": 0.1})
    calls: list[Any] = [
        lambda x: s.rmst(x),
        lambda x: s.kaplan_meier(x),
        lambda x: s.quantile(x, p=0.2),
        lambda x: s.risk_table(x, weeks=[0, 20, 40]),
        lambda x: s.contrast(x, s.rmst, between=between),
        lambda x: s.contrast(x, s.kaplan_meier, between=between),
        lambda x: s.hazard_ratio(x, between=between, bin_weeks=13),
        lambda x: s.logrank(x, "execution"),
        lambda x: s.gray_test(x, "execution", cause="exit"),
        lambda x: s.proportional_hazards(x, "execution * margin"),
        lambda x: s.fine_gray(x, "execution", cause="exit"),
        lambda x: s.landmark(x, week=13),
        lambda x: s.to_rows(x).to_xarray(),
    ]
    for call in calls:
        xr.testing.assert_identical(call(ds), call(counts))
    assert s.rmst(ds).estimate.isnull().values.tolist() == [[False] * 3, [False, False, True]]


def test_restricted_means_are_those_of_the_firms() -> None:
    """The paired error too, with one firm a batch."""
    ds = firms()
    lived = ds.event_week.sel(misalignment=0.5).values.astype(float)
    counts = s.counts_from_firms(ds, batches=REPLICATES + 64)
    found = s.contrast(counts, s.rmst, between=({"execution": 0.9}, {"execution": 0.1})).sel(misalignment=0.5)
    paired = lived[0] - lived[1]
    assert found.estimate.item() == pytest.approx(paired.mean(), rel=1e-12)
    assert found.se.item() == pytest.approx(paired.std(ddof=1) / np.sqrt(REPLICATES), rel=1e-9)


def test_steps_within_weeks_count_as_their_week() -> None:
    """At 7 steps a week single precision must not carry a week's last step into the next."""
    ds = firms(steps_per_week=7)
    steps = np.rint(ds.event_week.values.astype(float) * 7)
    ours = s.counts_from_firms(ds)
    ended = np.bincount((-(-steps[0, 2] // 7)).astype(int)[ds.cause.values[0, 2] == 1], minlength=WEEKS + 1)
    np.testing.assert_array_equal(ours.events.sel(cause="insolvency").values[0, 2], ended[1:])
    assert ours.batch_lifetime.sum("batch").sel(horizon=WEEKS).values[0, 2] == steps[0, 2].sum()
    assert ours.attrs["steps_per_week"] == 7


def test_early_censoring_and_one_cell() -> None:
    ds = firms().isel(execution=0, misalignment=2, drop=True)
    ds["event_week"][:3] = 5.0
    ds["cause"][:3] = 0
    ours = s.counts_from_firms(ds)
    assert ours.firms.dims == ()
    assert ours.censored.sel(week=5).item() == 3
    assert "batch_lifetime" not in ours


def test_causes_may_be_floats_with_nan() -> None:
    ds = firms()
    flags = ds.cause.attrs
    ds["cause"] = ds.cause.astype(float).where(ds.cause != 255).assign_attrs(flags)
    ds["event_week"] = ds.event_week.fillna(3.0)
    xr.testing.assert_identical(s.counts_from_firms(ds), s.counts_from_firms(firms()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.drop_vars("cause"), r"need `cause \(cells.., replicate\)`"),
        (lambda ds: ds.assign(cause=ds.cause.drop_attrs()), "flag_values"),
        (lambda ds: ds.drop_attrs(deep=False), "no attribute `weeks`"),
        (lambda ds: ds.assign_attrs(weeks=20), "event_week = .*at most the horizon, weeks = 20"),
        (lambda ds: ds.assign(event_week=ds.event_week * 0), "event_week = 0.0: above 0"),
        (lambda ds: ds.assign(cause=(ds.cause + 1).assign_attrs(FLAGS)), "cause = 3: `flag_values` names"),
        (lambda ds: ds.isel(replicate=0), "need `event_week"),
    ],
)
def test_firms_that_cannot_be_counted_are_refused(change: Any, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        s.rmst(change(firms()))


def test_what_simulate_returns() -> None:
    """The causes are named and flagged as the conversion needs them."""
    run = firmfate.simulate("car", weeks=520, replicates=200, parameters={"misalignment": [0.2, 0.9]}, seed=4)
    if "cause" not in run:  # to go with `end`
        names = run.attrs["causes"].split(", ")
        flags = {"flag_values": [0, *range(1, len(names) + 1)], "flag_meanings": " ".join(["censored", *names])}
        run = run.rename(end="cause").assign_coords(misalignment=("cell", [0.2, 0.9]))
        run["cause"].attrs = flags
    found = s.rmst(run)
    np.testing.assert_allclose(found.estimate, run.event_week.astype(float).mean("replicate"), rtol=1e-12)
    slope = s.contrast(run, s.rmst, between=({"cell": 0}, {"cell": 1}))
    assert abs(slope.estimate) < 520
    assert slope.se > 0
