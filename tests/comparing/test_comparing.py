"""Two runs side by side: the same cells, differences with right errors, the command and its page."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_share, chance_of_spread, of_spread, shares, times

import firmfate
from firmfate.analysis.formatting import format_estimate
from firmfate.calibration import SurvivalTable
from firmfate.comparing import compare, finding
from firmfate.comparing.words import side_at
from firmfate.errors import EstimateError
from firmfate.survival import counts_from_firms, example, rmst

GRID = {"execution": (0.1, 0.9), "misalignment": (0.2, 0.8)}


def counted(
    seed: int,
    *,
    replicates: int = 640,
    weeks: int = 260,
    sigma: float = 1.0,
    batches: int = 32,
    **axes: Sequence[float],
) -> Any:
    """Counts of cars over a grid."""
    first, second = map(np.ravel, np.meshgrid(*{**GRID, **axes}.values(), indexing="ij"))
    firms = firmfate.simulate(
        "car", seed=seed, execution=first, misalignment=second, replicates=replicates, weeks=weeks,
        parameters={"sigma": sigma},
    )  # fmt: skip
    counts = (
        counts_from_firms(firms, batches=batches)
        .drop_vars("cell", errors="ignore")
        .set_index(cell=list(GRID))
        .unstack("cell")
    )
    return counts.transpose(*GRID, "batch", ..., "cause", "week", "bin")


@pytest.fixture(scope="module")
def before() -> xr.Dataset:
    return counted(1)


def test_the_same_run_does_not_differ_from_itself(before: xr.Dataset) -> None:
    found = compare(before, before)
    assert (found["lifetime_difference"] == 0).all()
    assert found["lifetime_lower"].isnull().all(), "no certainty is shown"
    assert not found["distinguishable"].any()
    assert finding(found).headline == "None of the 4 common cells differs between the two."


def test_lifetimes_are_those_of_the_estimator(before: xr.Dataset) -> None:
    other = counted(2)
    found = compare(before, other)
    for side, counts in (("first", before), ("second", other)):
        np.testing.assert_allclose(found["lifetime"].sel(side=side), rmst(counts)["estimate"] / 52, rtol=1e-12)
        np.testing.assert_allclose(found["lifetime_side_se"].sel(side=side), rmst(counts)["se"] / 52, rtol=1e-12)
    difference = found["lifetime"].sel(side="first") - found["lifetime"].sel(side="second")
    np.testing.assert_allclose(found["lifetime_difference"], difference, atol=1e-12)


@pytest.mark.bounded(power=0.95, against="an error twice as large as it should be")
def test_common_random_numbers_make_small_errors_and_other_ones_do_not(before: xr.Dataset, bounded: Bounded) -> None:
    """A little more noise in the same firms is seen where the same change in other firms is lost."""
    same, other = counted(1, sigma=1.02), counted(2, sigma=1.02)
    paired, unrelated = compare(before, same), compare(before, other)
    assert (paired["lifetime_se"].median() < 0.5 * unrelated["lifetime_se"].median()).item()

    @functools.cache
    def ratio(sample: int) -> np.ndarray:
        """Return errors of batches in those of independent firms, by cell."""
        if not sample:
            pairs = [(before, other, unrelated)]
        else:
            firms = [(counted(1000 * sample + 2 * pair), counted(1000 * sample + 2 * pair + 1)) for pair in range(4)]
            pairs = [(one, two, compare(one, two)) for one, two in firms]
        squares = [
            unrelated["lifetime_se"].values ** 2 / ((rmst(one)["se"] ** 2 + rmst(two)["se"] ** 2).values / 52**2)
            for one, two, unrelated in pairs
        ]
        return np.sqrt(np.mean(squares, axis=0))

    assert not bounded.refuses(lambda sample: of_spread(ratio(sample), 31 * times(sample)))
    assert bounded.refuses(lambda sample: of_spread(2 * ratio(sample), 31 * times(sample)))
    bounded.sees(chance_of_spread(2, 31), 4)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.9, against="95 % limits that cover 65 %")
def test_limits_cover_where_nothing_differs(bounded: Bounded) -> None:
    """40 differences in each of four cells between runs of one law; limits half as wide are the control that fails."""

    @functools.cache
    def covered(sample: int, pairs: int) -> tuple[np.ndarray, np.ndarray]:
        """Return by cell how often limits, and halves of them, hold 0."""
        inside, narrow = [], []
        for pair in range(pairs):
            seeds = (2 * pair + 100 + 10_000 * sample, 2 * pair + 101 + 10_000 * sample)
            found = compare(*(counted(seed, replicates=128, weeks=104) for seed in seeds))
            inside.append(((found["lifetime_lower"] <= 0) & (found["lifetime_upper"] >= 0)).values.ravel())
            narrow.append((abs(found["lifetime_difference"]) <= found["lifetime_se"]).values.ravel())
        return np.mean(inside, axis=0), np.mean(narrow, axis=0)

    assert not bounded.refuses(shares(lambda *drawn: covered(*drawn)[0], 40, 0.95))
    assert bounded.refuses(shares(lambda *drawn: covered(*drawn)[1], 40, 0.95))
    bounded.sees(chance_of_share(40, 0.95, 0.65), 4)


def test_firms_of_other_parameters_are_paired(before: xr.Dataset) -> None:
    """What `simulate` returns carries the parameters that were given as coordinates: here one side has one more."""
    first, second = (
        firmfate.simulate(
            "car", execution=[0.9], misalignment=[0.8], replicates=640, weeks=104, seed=1, parameters=given
        )
        for given in (None, {"sigma": 1.2})
    )
    assert compare(first, second).attrs["pairing"] == "batches of the same firms"


def test_other_numbers_of_firms_are_not_paired(before: xr.Dataset) -> None:
    found = compare(before, counted(1, replicates=960))
    assert found.attrs["pairing"] == "none: variances add up"
    assert (found["lifetime_se"] > 0).all()


def test_runs_may_have_other_numbers_of_batches(before: xr.Dataset) -> None:
    """As one with [precision] and one without."""
    finer = counted(2, batches=64)
    found = compare(before, finer)
    assert found.attrs["pairing"] == "none: variances add up"
    alone = (rmst(before)["se"] ** 2 + rmst(finer)["se"] ** 2) ** 0.5 / 52
    ratio = found["lifetime_se"] / alone
    assert ((ratio > 0.6) & (ratio < 1.5)).all()


def test_only_common_cells_are_compared_whatever_their_order(before: xr.Dataset) -> None:
    other = counted(1, execution=[0.9, 0.5, 0.1], weeks=520)
    found = compare(before, other)
    assert found["execution"].values.tolist() == [0.1, 0.9]
    assert found.attrs["horizon_years"] == 5
    assert (found["lifetime_difference"] == 0).all(), "the same firms, up to the shorter horizon"


def test_a_listed_cell_is_known_by_its_values(tmp_path: Path) -> None:
    runs = []
    for number, cells in enumerate((["0.1, 0.2", "0.9, 0.8"], ["0.9, 0.8", "0.5, 0.5"])):
        (tmp_path / "cells.csv").write_text("\n".join(["execution,misalignment", *cells]))
        study = tmp_path / f"study{number}.toml"
        study.write_text(
            f'cells = "cells.csv"\n[study]\nname = "list{number}"\nmodel = "car"\nyears = 5\nreplicates = 320\n'
        )
        runs.append(firmfate.run(study, into=tmp_path / f"run{number}", progress=False))
    found = compare(*runs)
    assert found.sizes["cell"] == 1
    assert found["execution"].item() == 0.9
    assert (found["lifetime_difference"] == 0).all()


def test_runs_without_common_cells_are_refused(before: xr.Dataset) -> None:
    with pytest.raises(EstimateError, match="no value of 'execution' in common"):
        compare(before, counted(1, execution=[0.3, 0.4]))
    with pytest.raises(EstimateError, match="different axes: execution, misalignment and misalignment"):
        compare(before, before.isel(execution=0, drop=True))


def test_a_cause_that_one_run_does_not_know_has_no_events_there() -> None:
    other = example().assign_coords(cause=["insolvency", "merger"])
    found = compare(example(), other)
    assert found["cause"].values.tolist() == [*example()["cause"].values, "merger"]
    assert (found["lifetime_difference"] == 0).all()
    assert (found["incidence"].sel(side="first", cause="merger") == 0).all()
    assert (found["incidence"].sel(side="second", cause="merger") > 0).any()


def test_a_cohort_adds_its_own_error(before: xr.Dataset) -> None:
    alive = firmfate.survival.kaplan_meier(before).sel(week=[208, 260], execution=0.1, misalignment=0.8)["estimate"]
    cohort = SurvivalTable(np.array([4.0, 5.0, 30.0]), np.array([*alive.values, 0.0]), firms=10_000, name="cohort")
    found = compare(before, cohort)
    assert found["year"].values.tolist() == [4.0, 5.0]
    here = found.sel(execution=0.1, misalignment=0.8)
    np.testing.assert_allclose(here["survival_difference"], 0, atol=1e-12)
    of_run = firmfate.survival.kaplan_meier(before).sel(week=[208, 260], execution=0.1, misalignment=0.8)["se"].values
    np.testing.assert_allclose(here["survival_side_se"].sel(side="first"), of_run, rtol=1e-12)
    np.testing.assert_allclose(here["survival_se"], np.hypot(*here["survival_side_se"].values), rtol=1e-9)
    np.testing.assert_allclose(here["survival_se"], np.hypot(of_run, np.sqrt(alive * (1 - alive) / 10_000)), rtol=1e-9)
    assert not here["distinguishable"]
    assert found["distinguishable"].sel(execution=0.9, misalignment=0.2), "strong aligned cars stay on the road"
    assert "cohort" in finding(found).sentence()


def test_limits_of_a_cohort_stay_within_0_and_1_and_show_no_certainty(before: xr.Dataset) -> None:
    cohort = SurvivalTable(np.array([1.0, 4.0, 5.0]), np.array([1.0, 0.05, 0.0]), firms=20)
    found = compare(before, cohort).sel(execution=0.1, misalignment=0.8)
    of_cohort = found.sel(side="second")
    # R: prop.test(c(20, 1, 0)[i], 20, correct = FALSE)$conf.int
    np.testing.assert_allclose(of_cohort["survival_side_lower"], [0.83887, 0.00888, 0], atol=1e-5)
    np.testing.assert_allclose(of_cohort["survival_side_upper"], [1, 0.23613, 0.16113], atol=1e-5)
    np.testing.assert_allclose(of_cohort["survival_side_se"], [np.nan, (0.05 * 0.95 / 20) ** 0.5, np.nan])
    assert format_estimate(side_at(found, "survival", "second", {"year": 0}), short=True) == "1.00 [0.84 to 1.00]"
    # No firm of the cohort has an event: its share may be lower, which raises the difference, and no higher.
    one = found.isel(year=0)
    of_run = one.sel(side="first")
    np.testing.assert_allclose(
        one["survival_difference"] - one["survival_lower"], of_run["survival"] - of_run["survival_side_lower"]
    )
    np.testing.assert_allclose(one["survival_upper"] - one["survival_difference"], 1 - 0.83887, atol=0.003)
    assert not compare(before, SurvivalTable(np.array([1.0]), np.array([1.0]), firms=20))["distinguishable"].sel(
        execution=0.1, misalignment=0.8
    )


def test_rounding_widens_a_cohorts_limits_within_0_and_1(before: xr.Dataset) -> None:
    exact, rounded = (
        compare(before, SurvivalTable(np.array([1.0, 5.0]), np.array([1.0, 0.6]), firms=10_000, rounding=rounding))
        for rounding in (0.0, 0.1)
    )
    assert (exact["survival_side_lower"] > rounded["survival_side_lower"]).sel(side="second").all()
    assert (rounded["survival_side_upper"].sel(side="second") <= 1).all()
    wide = rounded.sel(side="second", year=5.0).isel(execution=0, misalignment=0)
    half = 1.959964 * (0.6 * 0.4 / 10_000 + 0.1**2 / 12) ** 0.5
    np.testing.assert_allclose(wide["survival_side_upper"] - wide["survival_side_lower"], 2 * half, rtol=1e-3)


def test_a_cohort_of_unknown_size_has_no_known_error(before: xr.Dataset) -> None:
    found = compare(before, SurvivalTable(np.array([4.0, 5.0]), np.array([1.0, 0.5]), rounding=0.001))
    of_cohort = found.sel(side="second").isel(execution=0, misalignment=0)
    for part in ("se", "lower", "upper"):
        assert of_cohort[f"survival_side_{part}"].isnull().all(), part
    here = {"execution": 0, "misalignment": 0, "year": 1}
    assert format_estimate(side_at(found, "survival", "second", here), short=True) == "0.50 ± ?"
    of_run = firmfate.survival.kaplan_meier(before).sel(week=[208, 260])["se"].values
    of_difference = found["survival_se"].transpose("execution", "misalignment", "year").values
    np.testing.assert_allclose(of_difference, np.hypot(of_run, 0.001 / 12**0.5), rtol=1e-9)


def test_the_command_prints_the_finding_and_writes_page_and_dataset(
    command: Callable, before: xr.Dataset, tmp_path: Path
) -> None:
    runs = []
    for name, seed in (("a", 1), ("b", 2)):
        file = tmp_path / f"{seed}.toml"
        file.write_text(
            f'[study]\nname = "{name}"\nmodel = "car"\nyears = 5\nreplicates = 640\nseed = {seed}\n'
            "[grid]\nexecution = [0.1, 0.9]\nmisalignment = [0.2, 0.8]\n"
        )
        firmfate.run(file, into=tmp_path / str(seed), progress=False).close()
        runs.append(tmp_path / str(seed))
    page, data = tmp_path / "compared.html", tmp_path / "compared.nc"
    ended = command("compare", *runs, "--into", page, "--into", data)
    assert ended.code == 0, ended
    assert "the 4 common cells" in ended.out
    assert "First is a (car), second is b (car)." in ended.out
    text = page.read_text()
    assert text.count("<table") == 3
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    assert sum(len(re.findall(r"\d ± \d", row)) == 3 for row in rows) > 8, "both sides and the difference have errors"
    assert f"First is a (car) in {runs[0]}, second is a (car) in {runs[0]}." in command("compare", runs[0], runs[0]).out
    assert "<script" not in text
    assert "default-src 'none'" in text
    with xr.open_dataset(data) as stored:
        assert stored["lifetime_difference"].attrs["units"] == "year"
    assert command("compare", runs[0]).code == 2
    assert command("compare", *runs, "--cohort", "2013-03").code == 2
    refused = command("compare", *runs, "--into", tmp_path / "x.txt")
    assert refused.code == 2
    assert ".html or .nc" in refused.err
    refused = command("compare", "nowhere", "nowhere", "--into", tmp_path / "a\\b.nc")  # before it reads
    assert "the netCDF library cannot open files by this name" in refused.err
    assert command("compare", runs[0], tmp_path / "nowhere").code == 2


def test_importing_it_draws_nothing() -> None:
    program = "import sys, firmfate; firmfate.compare; print('matplotlib.pyplot' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "False\n"
