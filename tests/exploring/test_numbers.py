"""What the page computes from its counts is what Python estimates from the run's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Page

from firmfate.analysis import phase_map, turning_point
from firmfate.analysis.formatting import Estimate, format_estimate
from firmfate.analysis.strata_axes import unfolded
from firmfate.dataset import open_run
from firmfate.survival import contrast, cumulative_incidence, kaplan_meier, rmst

pytestmark = pytest.mark.slow

CELLS = """() => explore.estimates.given.horizons.map((_, horizon) =>
  explore.estimates.quantities(horizon).map(({ of }) =>
    [...Array(explore.estimates.cells).keys()].map((cell) => of(cell)).map(({ estimate, se }) => [estimate, se])))"""
COUNTED = "explore.estimates.given.counted.map((week) => explore.estimates.given.horizons.indexOf(week))"
DIFFERENCES = (
    f"([a, b]) => {COUNTED}.map((horizon) =>"
    """
  explore.estimates.quantities(horizon).map((quantity) => explore.estimates.difference(a, b, quantity))
    .map(({ estimate, se, lower, upper }) => [estimate, se, lower, upper]))"""
)
TURNING = (
    f"() => {COUNTED}.map((horizon) =>"
    """ {
  explore.horizon = horizon;
  const { turning, contour, slope } = explore.turnings();
  const numbers = ({ estimate, se, lower, upper }) => [estimate, se, lower, upper];
  return { turning: numbers(turning), contour: contour.map(numbers), slope: slope.map((row) => row.map(numbers)) };
})"""
)
PARTS = ("estimate", "se", "lower", "upper")


def counts_of(directory: Path) -> xr.Dataset:
    with open_run(directory) as ds:
        return ds.load()


def close(found: Any, expected: Any) -> bool:
    """Return whether numbers are equal but for rounding; JSON has no NaN, which comes as null or NaN."""
    return np.allclose(np.array(found, float), np.array(expected, float), rtol=1e-9, atol=1e-11, equal_nan=True)


def columns(found: xr.Dataset, names: tuple[str, ...] = PARTS) -> np.ndarray:
    """Return estimates with their errors; a standard error that rounding made is none, and gives no limits."""
    columns = np.stack([found[name].values for name in names], axis=-1)
    columns[..., 2:][columns[..., 1] < 1e-12] = np.nan
    return columns


@pytest.mark.parametrize("name", ["grid", "half weeks"])
def test_estimates_of_cells(explored: Callable[..., Page], run_of: Callable[[str], Path], name: str) -> None:
    page, ds = explored(name), counts_of(run_of(name))
    cells = ds["firms"].size
    horizons = page.evaluate("explore.estimates.given.horizons")
    assert set(horizons) == {*ds["horizon"].values.tolist(), *range(52, ds.sizes["week"] + 1, 52)}
    alive, incidence = kaplan_meier(ds), cumulative_incidence(ds)
    for horizon, found in zip(horizons, page.evaluate(CELLS), strict=True):
        lifetimes = rmst(ds, tau=horizon) / 52
        assert close(found[0], columns(lifetimes, ("estimate", "se")).reshape(cells, 2))
        assert close(found[1], columns(alive.sel(week=horizon), ("estimate", "se")).reshape(cells, 2))
        for place, cause in enumerate(ds["cause"].values.tolist()):
            shares = incidence.sel(week=horizon, cause=cause)
            assert close(found[2 + place], columns(shares, ("estimate", "se")).reshape(cells, 2)), cause
        assert horizon < 156 or not close(
            found[0][::-1], columns(lifetimes, ("estimate", "se")).reshape(cells, 2)
        )  # cells are told apart


@pytest.mark.parametrize("name", ["grid", "half weeks", "unequal"])
def test_differences_of_two_cells(explored: Callable[..., Page], run_of: Callable[[str], Path], name: str) -> None:
    page, ds = explored(name), counts_of(run_of(name))
    first, second = {"execution": 0.05, "misalignment": 1.0}, {"execution": 1.0, "misalignment": 0.5}
    if name == "half weeks":
        first, second = first | {"correct_time": 13}, second | {"correct_time": 52}
    if name == "unequal":
        assert len(np.unique(ds["firms"])) > 1
    a, b = (_flat(ds, cell) for cell in (first, second))
    for horizon, found in zip(ds["horizon"].values.tolist(), page.evaluate(DIFFERENCES, [a, b]), strict=True):
        between = (second, first)
        lifetime = contrast(ds, rmst, between=between, tau=horizon)
        assert close(found[0], columns(lifetime) / 52)
        assert close(found[1], columns(contrast(ds, kaplan_meier, between=between).sel(week=horizon)))
        shares = contrast(ds, cumulative_incidence, between=between).sel(week=horizon)
        assert close(found[2:], columns(shares.transpose("cause")))
        alone = contrast(ds, rmst, between=between, tau=horizon, paired=False)
        assert not close(found[0][1], float(alone["se"]) / 52)  # unpaired errors are others


def _flat(ds: xr.Dataset, cell: dict[str, float]) -> int:
    dims = ds["firms"].dims
    places = [int(np.flatnonzero(np.isclose(ds[dim].values, cell[str(dim)]))[0]) for dim in dims]
    return int(np.ravel_multi_index(places, ds["firms"].shape))


@pytest.mark.parametrize("name", ["grid", "half weeks"])
def test_the_contour_and_the_turning_point_at_every_horizon(
    explored: Callable[..., Page], run_of: Callable[[str], Path], name: str
) -> None:
    page, ds = explored(name), counts_of(run_of(name))
    ds = ds.isel(correct_time=1) if name == "half weeks" else ds  # as the page begins
    seen = []
    for horizon, found in zip(ds["horizon"].values.tolist(), page.evaluate(TURNING), strict=True):
        turning = turning_point(ds, tau=horizon)
        assert close(found["turning"], columns(turning))
        at = phase_map(ds, tau=horizon)
        slope, contour = (
            at[[one, *(f"{one}_{part}" for part in PARTS[1:])]].rename(
                {one: "estimate", **{f"{one}_{part}": part for part in PARTS[1:]}}
            )
            for one in ("slope", "contour")
        )
        assert close(found["contour"], columns(contour.transpose("execution")))
        assert close(found["slope"], columns(slope.transpose("execution", "misalignment")))
        seen.append(float(turning["estimate"]))
    assert len(set(seen)) == len(seen) >= 2  # the horizon does move it


def test_printed_numbers_are_those_of_python(explored: Callable[..., Page], run_of: Callable[[str], Path]) -> None:
    page, ds = explored("grid"), counts_of(run_of("grid"))
    page.evaluate("explore.pin(0, 'a'); explore.pin(19, 'b')")
    page.locator("#explore-horizon").fill("2")
    corners = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.05, "misalignment": 0.0})
    found = contrast(ds, rmst, between=corners, tau=156) / 52
    text = format_estimate(Estimate.of(found), short=True).replace("-", "−")
    rows = page.locator("#explore .compared tbody tr").all_inner_texts()
    assert rows[0].split("\t")[-1] == text
    difference = page.inner_text("#explore [data-place=difference]")
    assert text in difference
    longer = "longer" if float(found["estimate"]) > 0 else "shorter"
    assert difference.startswith(f"Firms of B have {longer} lifetimes than those of A: within")
    here = format_estimate(Estimate.of((rmst(ds, tau=156) / 52).sel(corners[1])), short=True)
    assert rows[0].split("\t")[2] == here
    turning = turning_point(ds, tau=156)
    assert format_estimate(Estimate.of(turning), short=True) in page.inner_text("#explore [data-place=turning]")


def test_strata_are_axes_and_their_differences_those_of_two_samples(
    explored: Callable[..., Page], run_of: Callable[[str], Path]
) -> None:
    page, ds = explored("strata"), unfolded(counts_of(run_of("strata")))
    assert ds["firms"].dims == ("misalignment", "execution_quantile_bin")
    assert page.evaluate("explore.estimates.given.axes.map(({ name }) => name)")[1] == "execution quantile bin"
    for a, b, paired in ((0, 8, False), (1, 7, True)):
        cells = [
            {"misalignment": float(ds["misalignment"][cell // 3]), "execution_quantile_bin": 1 + cell % 3}
            for cell in (a, b)
        ]
        for horizon, found in zip(ds["horizon"].values.tolist(), page.evaluate(DIFFERENCES, [a, b]), strict=True):
            lifetime = contrast(ds, rmst, between=(cells[1], cells[0]), tau=horizon, paired=paired)
            alive = contrast(ds, kaplan_meier, between=(cells[1], cells[0]), paired=paired).sel(week=horizon)
            for one, wanted in zip(found[:2], (columns(lifetime) / 52, columns(alive)), strict=True):
                assert close(one[:2], wanted[:2])
                assert np.allclose(one, wanted, rtol=1e-4), "limits by an approximation of Student's quantile"


MEANS = (
    f"(axis) => {COUNTED}.map((horizon) =>"
    """ {
  explore.horizon = horizon;
  explore.drawHorizon();
  return explore.list.meansAlong(explore.estimates.given.axes[axis].numbers)
    .map(({ from, to, x, cells, estimate, se }) => [from, to, x, cells, estimate, se]);
})"""
)


@pytest.mark.parametrize("name", ["hypercube", "sobol"])
def test_means_of_cells_along_an_axis(explored: Callable[..., Page], run_of: Callable[[str], Path], name: str) -> None:
    page, ds = explored(name), counts_of(run_of(name))
    axes = {"hypercube": ("execution", "correct_time"), "sobol": ("execution", "misalignment")}[name]
    for place, axis in enumerate(axes):
        order = np.argsort(ds[axis].values, kind="stable")
        bins = np.array_split(order, len(order) // 8)
        for horizon, found in zip(ds["horizon"].values.tolist(), page.evaluate(MEANS, place), strict=True):
            years = rmst(ds, tau=horizon)["estimate"].values / 52
            sums = ds["batch_lifetime"].sel(horizon=horizon).values / float(ds.attrs["steps_per_week"]) / 52
            firms = ds["batch_firms"].values
            left = (sums.sum(1, keepdims=True) - sums) / (firms.sum(1, keepdims=True) - firms)
            assert [row[3] for row in found] == [len(one) for one in bins]
            for row, cells in zip(found, bins, strict=True):
                values = ds[axis].values[cells]
                without = left[cells].mean(0)
                of_firms = (len(without) - 1) / len(without) * ((without - without.mean()) ** 2).sum()
                se = np.sqrt(years[cells].var(ddof=1) / len(cells) + of_firms)
                assert close(row, [values[0], values[-1], values.mean(), len(cells), years[cells].mean(), se])
            assert not close(found[0][4], found[-1][4])


def test_equal_values_are_in_one_bin_and_few_cells_have_no_line(explored: Callable[..., Page]) -> None:
    page = explored("hypercube")
    found = page.evaluate("explore.list.meansAlong([...Array(40).keys()].map((cell) => (cell < 30 ? 1 : cell)))")
    assert found[0]["cells"] == 30
    assert found[0]["from"] == found[0]["to"] == 1
    assert sum(one["cells"] for one in found) == 40
    named = explored("named")
    assert named.locator("#explore details.means").is_hidden()
    assert named.locator("#explore .list tbody tr").count() == 3
    assert "</script><script>alert(1)</script>" in named.inner_text("#explore .list")


def test_years_at_which_no_batch_is_counted_have_estimates_of_cells_and_no_error_of_differences(
    explored: Callable[..., Page], run_of: Callable[[str], Path]
) -> None:
    page, ds = explored("grid"), counts_of(run_of("grid"))
    page.evaluate("explore.pin(4, 'a'); explore.pin(19, 'b')")
    page.locator("#explore-horizon").fill("6")
    assert page.inner_text("[data-place=until]") == "7 years"
    first, second = (page.locator("#explore .compared tbody tr").nth(row).inner_text().split("\t") for row in (0, 1))
    lifetimes = rmst(ds, tau=364) / 52
    corners = ({"execution": 0.05, "misalignment": 1.0}, {"execution": 1.0, "misalignment": 1.0})
    assert first[2:4] == [format_estimate(Estimate.of(lifetimes.sel(cell)), short=True) for cell in corners]
    assert first[4].endswith("± ?")
    assert second[4].endswith("± ?")
    estimate = float(turning_point(ds, tau=364)["estimate"])
    assert f"misalignment {estimate:.2f} ± ?" in page.inner_text("[data-place=turning]")
    assert page.locator("#explore .contour").count() == 1
    assert page.locator("#explore polygon.band").count() == 0
