"""Shapley values, interactions and the whole against its parts: on games whose answers are known by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

import firmfate
from firmfate.errors import EstimateError
from firmfate.sensitivity import independent_harms, interactions, shapley, shapley_shares, whole_and_parts
from firmfate.sensitivity.players import coalition_axes


@pytest.fixture(scope="module")
def coalitions(tmp_path_factory):
    """Three divisions at two levels of execution, 800 firms a cell."""
    tables = {f"misalignment.{name}": [0, 1] for name in ("sales", "quality", "finance")}
    study = firmfate.Study(
        study={"name": "three", "years": 6, "replicates": 800},
        grid={"execution": [0.5, 1.0], **tables},
        parameters={"misalignment": 0.0},
    )
    return firmfate.run(
        study, into=tmp_path_factory.mktemp("three") / "run", on=firmfate.execute.Threads(1), progress=False
    ).load()


def test_glove_game():
    # Who holds the one left glove gets 2/3, the two with right gloves 1/6 each (Shapley & Shubik 1969).
    dims = ("left", "right", "spare")
    years = xr.DataArray(np.zeros((2, 2, 2)), dims=dims, coords={dim: [0, 1] for dim in dims})
    for left, right, spare in itertools.product((0, 1), repeat=3):
        years.loc[{"left": left, "right": right, "spare": spare}] = -float(left and (right or spare))
    found = shapley_shares(years, dims)
    assert {name: round(float(value), 12) for name, value in found.items()} == {
        "left": round(2 / 3, 12), "right": round(1 / 6, 12), "spare": round(1 / 6, 12),
    }  # fmt: skip


def test_shares_add_up_to_the_whole(coalitions):
    shares = shapley(coalitions)
    whole = whole_and_parts(coalitions)
    total = shares["estimate"].sel(share="shapley", drop=True).sum("player")
    xr.testing.assert_allclose(total, whole["estimate"].sel(quantity="whole", drop=True))
    alone = shares["estimate"].sel(share="alone", drop=True).sum("player")
    xr.testing.assert_allclose(alone, whole["estimate"].sel(quantity="parts", drop=True))
    assert (shares["se"] > 0).all()


def test_shares_are_averages_over_orders(coalitions):
    axes = coalition_axes(coalitions)
    assert axes == ("misalignment_sales", "misalignment_quality", "misalignment_finance")
    years = (coalitions["batch_lifetime"].isel(horizon=-1).sum("batch") / coalitions["firms"] / 52).sel(execution=1.0)
    marginal = {axis: [] for axis in axes}
    for order in itertools.permutations(axes):
        on = dict.fromkeys(axes, 0.0)
        for axis in order:
            before = float(years.sel(on))
            on[axis] = 1.0
            marginal[axis].append(before - float(years.sel(on)))
    found = shapley(coalitions)["estimate"].sel(execution=1.0, share="shapley")
    np.testing.assert_allclose(found.values, [np.mean(marginal[axis]) for axis in axes], rtol=1e-12)


def test_interactions_and_shares_of_two(coalitions):
    # Of two players the interaction is the whole less its parts, and each has half of it beside what it costs alone.
    pair = coalitions.sel(misalignment_finance=0.0, drop=True)
    excess = whole_and_parts(pair)["estimate"].sel(quantity="excess")
    both = interactions(pair)["estimate"]
    np.testing.assert_allclose(both.sel(player="sales", other="quality"), excess, atol=1e-12)
    np.testing.assert_array_equal(both.sel(player="sales", other="sales"), 0.0)
    shares = shapley(pair)["estimate"].sel(player="sales")
    np.testing.assert_allclose(shares.sel(share="shapley"), shares.sel(share="alone") + excess / 2, rtol=1e-12)


def test_harms_that_are_independent_have_nothing_beyond():
    # Survival with both on is, week by week, the product of the survivals with one on.
    weeks = np.arange(1, 53)
    alive = {0: np.ones(53), 1: np.linspace(1, 0.5, 53)}
    firms = 2**30
    curves = {(a, b): np.round(firms * alive[a] * alive[b]) for a in (0, 1) for b in (0, 1)}
    events = np.stack([[-np.diff(curves[a, b]) for b in (0, 1)] for a in (0, 1)])[:, :, None, :].astype(np.int64)
    batch = np.stack([events // 8] * 8, axis=2)
    batch[:, :, 0] += events - 8 * (events // 8)
    ds = xr.Dataset(
        {
            "events": (("one", "two", "cause", "week"), events),
            "firms": (("one", "two"), np.full((2, 2), firms)),
            "batch_events": (("one", "two", "batch", "cause", "bin"), batch),
            "batch_firms": (("one", "two", "batch"), np.full((2, 2, 8), firms // 8)),
        },
        coords={"one": [0, 1], "two": [0, 1], "cause": ["exit"], "week": weeks, "bin": weeks},
    )
    found = independent_harms(ds, players=["one", "two"])["estimate"]
    assert float(abs(found.sel(quantity="beyond"))) < 1e-7
    assert float(found.sel(quantity="expected")) > 0.3
    dependent = ds.copy(deep=True)
    dependent["events"][1, 1] = 0
    dependent["batch_events"][1, 1] = 0
    assert float(independent_harms(dependent, players=["one", "two"])["estimate"].sel(quantity="beyond")) < -0.3


def test_coalitions_as_a_list_of_cells(coalitions, tmp_path):
    tables = {f"misalignment.{name}": {"off": 0, "on": 1} for name in ("sales", "quality", "finance")}
    study = firmfate.Study(
        study={"name": "listed", "years": 6, "replicates": 800},
        coalitions=tables,
        parameters={"misalignment": 0.0, "execution": 1.0},
    )
    listed = firmfate.run(study, into=tmp_path / "run", on=firmfate.execute.Threads(1), progress=False)
    grid = shapley(coalitions).sel(execution=1.0, drop=True)
    xr.testing.assert_allclose(shapley(listed)[["estimate", "se"]], grid[["estimate", "se"]])


def test_refuses_what_is_no_coalition():
    with pytest.raises(EstimateError, match="off and on"):
        shapley(firmfate.survival.example())
