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
from firmfate.dataset import open_run
from firmfate.survival import contrast, cumulative_incidence, kaplan_meier, rmst

pytestmark = pytest.mark.slow

CELLS = """() => explore.estimates.given.horizons.map((_, horizon) =>
  explore.estimates.quantities(horizon).map(({ of }) =>
    [...Array(explore.estimates.cells).keys()].map((cell) => of(cell)).map(({ estimate, se }) => [estimate, se])))"""
DIFFERENCES = """([a, b]) => explore.estimates.given.horizons.map((_, horizon) =>
  explore.estimates.quantities(horizon).map((quantity) => explore.estimates.difference(a, b, quantity))
    .map(({ estimate, se, lower, upper }) => [estimate, se, lower, upper]))"""
TURNING = """() => explore.estimates.given.horizons.map((_, horizon) => {
  explore.horizon = horizon;
  const { turning, contour, slope } = explore.turnings();
  const numbers = ({ estimate, se, lower, upper }) => [estimate, se, lower, upper];
  return { turning: numbers(turning), contour: contour.map(numbers), slope: slope.map((row) => row.map(numbers)) };
})"""
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
    for horizon, found in zip(ds["horizon"].values.tolist(), page.evaluate(CELLS), strict=True):
        lifetimes = rmst(ds, tau=horizon) / 52
        assert close(found[0], columns(lifetimes, ("estimate", "se")).reshape(cells, 2))
        assert close(found[1], columns(kaplan_meier(ds).sel(week=horizon), ("estimate", "se")).reshape(cells, 2))
        for place, cause in enumerate(ds["cause"].values.tolist()):
            shares = cumulative_incidence(ds).sel(week=horizon, cause=cause)
            assert close(found[2 + place], columns(shares, ("estimate", "se")).reshape(cells, 2)), cause
        assert not close(
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
    page.locator("#explore-horizon").fill("0")
    corners = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.05, "misalignment": 0.0})
    found = contrast(ds, rmst, between=corners, tau=156) / 52
    text = format_estimate(Estimate.of(found), short=True).replace("-", "−")
    rows = page.locator("#explore .compared tbody tr").all_inner_texts()
    assert rows[0].split("\t")[-1] == text
    assert text in page.inner_text("#explore [data-place=difference]")
    here = format_estimate(Estimate.of((rmst(ds, tau=156) / 52).sel(corners[1])), short=True)
    assert rows[0].split("\t")[2] == here
    turning = turning_point(ds, tau=156)
    assert format_estimate(Estimate.of(turning), short=True) in page.inner_text("#explore [data-place=turning]")
