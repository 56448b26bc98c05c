"""Findings of scattered and listed cells, and of strata, agree with a process whose mean lifetimes are known."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from paradox_counts import counts
from scattered_counts import AXES, scattered, true_lifetimes
from tests.bounded import Bounded, chance_of_deviation, of_mean, times

from firmfate.analysis import finding, ranking, surface_effects
from firmfate.analysis.strata_axes import unfolded
from firmfate.errors import EstimateError


@pytest.fixture(scope="module")
def cells() -> xr.Dataset:
    return scattered()[0]


def averages(found: xr.Dataset) -> dict[str, float]:
    """Return effects of the process over the cube, averaged over many points, between the ends that a design has."""
    x = np.random.Generator(np.random.Philox(9)).random((20_000, len(AXES)))
    low, high = (dict(zip(AXES, (found[end] / 10).values.tolist(), strict=True)) for end in ("low", "high"))

    def mean(**fixed: float) -> float:
        points = x.copy()
        for name, value in fixed.items():
            points[:, AXES.index(name)] = value
        return float(true_lifetimes(points).mean())

    def rise(name: str, **fixed: float) -> float:
        return mean(**{name: high[name]}, **fixed) - mean(**{name: low[name]}, **fixed)

    ends = (mean(price=low["price"]) + mean(price=high["price"])) / 2
    return {name: rise(name) for name in AXES} | {
        "interaction": rise("buffer", overhead=high["overhead"]) - rise("buffer", overhead=low["overhead"]),
        "bend": mean(price=(low["price"] + high["price"]) / 2) - ends,
    }


DESIGNS = 12


@functools.cache
def designs(sample: int) -> list[xr.Dataset]:
    """Return effects that are found from several designs."""
    seeds = range(1000 * sample, 1000 * sample + DESIGNS * times(sample))
    return [surface_effects(scattered(seed=seed)[0]) for seed in seeds]


@functools.cache
def scores(sample: int) -> np.ndarray:
    """Return how far four effects, an interaction and a bend are off, in standard errors; a design a row."""
    rows = []
    for found in designs(sample):
        truth = averages(found)
        one = [(found.sel(axis=name).estimate - truth[name]) / found.sel(axis=name).se for name in AXES]
        pair = found.sel(axis="buffer", other="overhead")
        one.append((pair.interaction - truth["interaction"]) / pair.interaction_se)
        bent = found.sel(axis="price")
        one.append((bent.bend - truth["bend"]) / bent.bend_se)
        rows.append([float(value) for value in one])
    return np.array(rows)


@pytest.mark.bounded(power=0.95, against="an effect that is off by 4 of its errors")
def test_effects_bends_and_interactions_are_those_of_the_process(bounded: Bounded) -> None:
    """The process is no polynomial of degree two: effects have a bias.

    That of the interaction, -1.24 years, is 0.06 years, one and a half errors of a design.
    """
    bias = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 1.0])
    assert not bounded.refuses(lambda sample: of_mean(scores(sample), 0.0, bias))
    assert bounded.refuses(lambda sample: of_mean(scores(sample) + 10, 0.0, bias))
    off = (4 - bias) / scores(0).std(axis=0, ddof=1) * DESIGNS**0.5
    bounded.sees(chance_of_deviation(off.min(), DESIGNS - 1), bias.size)
    assert np.abs(scores(0).mean(axis=0)).max() < 2
    assert scores(0).std() > 0.3, "errors are not far too large"


def test_labels_that_have_nothing_to_do_with_hazards_matter_nothing() -> None:
    found = finding(scattered(shuffled=True)[0])
    assert "none has an effect on the mean lifetime within 4 years that can be distinguished" in found.headline
    assert surface_effects(scattered(shuffled=True)[0])["explained"] < 0.2


def test_the_sentence_names_what_matters_and_what_does_not(cells: xr.Dataset) -> None:
    found = finding(cells)
    words = found.sentence()
    assert found.headline.startswith("Of 4 axes, buffer matters most to the mean lifetime within 4 years: raising it")
    assert "price" in words
    assert "longer at the middle of its range than at the ends" in words
    assert "colour cannot be distinguished from zero" in words
    assert "The largest interaction is that of buffer and overhead" in words
    assert found.numbers["largest effect"].sign == 1
    assert found.numbers["largest effect"] == found.numbers["effect of buffer, years"]
    assert "variance by price, %" in found._repr_html_()


@pytest.mark.bounded(power=0.99, against="a share that is off by 0.25")
def test_shares_of_the_variance_are_those_of_the_true_lifetimes(bounded: Bounded) -> None:
    points = np.random.Generator(np.random.Philox(5)).random((4000, len(AXES)))
    other = np.random.Generator(np.random.Philox(6)).random((4000, len(AXES)))
    total, true = true_lifetimes(points).var(), []
    for place in range(len(AXES)):
        same = other.copy()
        same[:, place] = points[:, place]
        true.append(np.cov(true_lifetimes(points), true_lifetimes(same))[0, 1] / total)

    def found(sample: int) -> np.ndarray:
        return np.array([one["share"].sel(axis=list(AXES)).values for one in designs(sample)])

    assert not bounded.refuses(lambda sample: of_mean(found(sample), true, 0.05))
    assert bounded.refuses(lambda sample: of_mean(found(sample), true[::-1], 0.05))
    error = found(0).std(axis=0, ddof=1).max() / DESIGNS**0.5
    bounded.sees(chance_of_deviation((0.25 - 0.05) / error, DESIGNS - 1), len(true))
    for one in designs(0):
        assert 0.9 < one["explained"] <= 1


def test_missing_cells_and_missing_batches_are_not_guessed(cells: xr.Dataset) -> None:
    part = cells.copy(deep=True)
    for name in ("events", "firms", "batch_firms", "batch_events", "batch_lifetime"):
        part[name].values[:7] = 0
    some = surface_effects(part)
    assert np.isfinite(some["se"]).all()
    few = surface_effects(cells.drop_vars(["batch_firms", "batch_events", "batch_lifetime"]))
    assert np.isnan(few["se"]).all()
    assert np.isnan(few["lower"]).all()
    assert (
        "standard error unknown" in finding(cells.drop_vars(["batch_firms", "batch_events", "batch_lifetime"])).headline
    )


def test_fewer_cells_have_fewer_terms_and_too_few_are_refused(cells: xr.Dataset) -> None:
    assert surface_effects(cells)["interaction"].notnull().any()
    fewer = surface_effects(cells.isel(cell=slice(0, 20)))
    assert fewer["interaction"].isnull().all()
    assert fewer["bend"].notnull().all()
    with pytest.raises(EstimateError, match="9 cells with an estimate cannot separate 4 axes"):
        surface_effects(cells.isel(cell=slice(0, 9)))
    twins = cells.isel(cell=slice(0, 40)).assign(twin=("cell", cells["price"].values[:40], {"parameter": "twin"}))
    with pytest.raises(EstimateError, match="cannot separate 5 axes"):
        surface_effects(twins)
    assert "lifetime is longest at" in finding(twins).headline


def named(effect: float) -> xr.Dataset:
    row = counts(effect=effect).isel(misalignment=0, drop=True).rename(execution="cell")
    return row.assign_coords(cell=["none", "little", "some", "much", "all"])


def test_named_cells_are_ranked_with_their_errors() -> None:
    found = ranking(named(1.0))
    assert found.cell.values.tolist() == ["all", "much", "some", "little", "none"]
    assert found["distinguishable"].values.sum() == 20
    apart = found.sel(cell="all", other="none")
    alone = float(np.hypot(*found["se"].sel(cell=["all", "none"])))
    assert 0 < apart.difference_se < alone, "common random numbers count"
    words = finding(named(1.0)).sentence()
    assert "the mean lifetime is longest at 'all' and shortest at 'none'" in words
    assert "the longest first: 'all' " in words
    assert words.endswith("All pairs of cells can be distinguished.")


def test_cells_that_are_the_same_cannot_be_distinguished() -> None:
    same = counts(effect=0.0, common=False).isel(misalignment=0, drop=True).rename(execution="cell")
    found = ranking(same.assign_coords(cell=list("abcde")))
    assert not found["distinguishable"].any()
    words = finding(same.assign_coords(cell=list("abcde"))).sentence()
    assert "Of 10 pairs of cells, 10 cannot be distinguished: " in words
    assert "and 6 more pairs." in words


def test_ranking_wants_cells() -> None:
    with pytest.raises(EstimateError, match="dim `cell`"):
        ranking(counts())


def test_strata_are_axes_of_quantile_bins() -> None:
    grid = counts()
    bins = {"execution": 5, "misalignment": 5}
    flat = grid.rename(execution="a", misalignment="b").stack(stratum=("b", "a")).drop_vars(["stratum", "a", "b"])
    a, b = np.meshgrid(grid["execution"].values, grid["misalignment"].values)
    flat = flat.assign_coords(
        execution_lower=("stratum", np.where(a.ravel() == 0, -np.inf, a.ravel())),
        misalignment_lower=("stratum", np.where(b.ravel() == 0, -np.inf, b.ravel())),
    )
    found = unfolded(flat.transpose("stratum", ...))
    assert {name: found.sizes[f"{name}_quantile_bin"] for name in bins} == bins
    for e, m in ((0, 3), (2, 4)):
        here = found.isel(execution_quantile_bin=e, misalignment_quantile_bin=m)
        xr.testing.assert_equal(
            here["events"].drop_vars(["execution_quantile_bin", "misalignment_quantile_bin"]),
            grid["events"].isel(execution=e, misalignment=m, drop=True),
        )
    assert (
        "misalignment quantile bin matters most to the mean lifetime within 4 years: raising it from 1 to 5"
        in finding(flat.transpose("stratum", ...)).sentence()
    )
