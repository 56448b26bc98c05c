"""Nineteen published data sets: every estimator against R's survival and cmprsk; see oracle/published.R.

Conventions that equality needs, all of them R's own options: Breslow's ties in coxph, one censoring distribution in
crr, and for log-rank tests with delayed entry, which survdiff does not take, the textbook sum or Cox's exact
likelihood. `python tests/survival/test_published.py` prints the largest differences.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from firmfate import survival as s

ORACLE = Path(__file__).parent / "oracle"
FIRMS = ORACLE / "published_firms.csv.gz"
TOLERANCE = 1e-8

DATA = (
    *(
        "aml",
        "lung",
        "ovarian",
        "veteran",
        "kidney",
        "pbc",
        "mgus2",
        "colon",
        "gbsg",
        "retinopathy",
        "myeloma",
        "heart",
    ),
    *("transplant", "udca1", "myeloid", "rats", "cgd", "rossi", "larynx"),
)
COMPETING = ("pbc", "mgus2", "transplant", "myeloid")
LATE = ("myeloma", "heart", "cgd")
SINGLE = tuple(name for name in DATA if name not in LATE)


@cache
def firms() -> pd.DataFrame:
    return pd.read_csv(FIRMS)


@cache
def counts(name: str, *covariates: str) -> xr.Dataset:
    """Counts of a data set, as any user would make them."""
    here = firms()[firms()["data"] == name]
    return s.counts_from_table(
        here, duration="time", cause="cause", entry="entry" if name in LATE else None, covariates=covariates
    )


@pytest.fixture(scope="session")
def oracle() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "published.csv.gz")


Pairs = Iterator[tuple[float, float]]  # ours, R's


def rows(oracle: pd.DataFrame, name: str, what: str) -> pd.DataFrame:
    return oracle[(oracle["data"] == name) & (oracle["what"] == what)]


def curve(estimator: Callable[..., xr.Dataset], variable: str, what: str, **dims: str) -> Callable[..., Pairs]:
    """Compare a curve of each group at R's weeks; ``dims`` names further columns that select."""

    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        ours = estimator(counts(name, "group"))[variable]
        for row in rows(oracle, name, what).itertuples():
            yield ours.sel(group=row.group, week=row.week, **{dim: getattr(row, dim) for dim in dims}).item(), row.value

    return pairs


def mean(variable: str, what: str) -> Callable[..., Pairs]:
    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        for row in rows(oracle, name, what).itertuples():
            yield s.rmst(counts(name, "group"), tau=row.week)[variable].sel(group=row.group).item(), row.value

    return pairs


def quantiles(oracle: pd.DataFrame, name: str) -> Pairs:
    for row in rows(oracle, name, "quantile").itertuples():
        yield s.quantile(counts(name, "group"), p=row.week / 100).estimate.sel(group=row.group).item(), row.value


def numbers_at_risk(oracle: pd.DataFrame, name: str) -> Pairs:
    theirs = rows(oracle, name, "at_risk")
    weeks = sorted(set(theirs["week"]))
    ours = s.risk_table(counts(name, "group"), weeks=weeks).at_risk
    for row in theirs.itertuples():
        yield ours.sel(group=row.group, week=row.week).item(), row.value


def landmarks(variable: str, what: str) -> Callable[..., Pairs]:
    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        for (group, start), theirs in rows(oracle, name, what).groupby(["group", "cause"]):
            ours = s.kaplan_meier(s.landmark(counts(name, "group"), week=start))[variable].sel(group=group)
            for row in theirs.itertuples():
                yield ours.sel(week=row.week - start).item(), row.value

    return pairs


def ranks(what: str, *covariates: str) -> Callable[..., Pairs]:
    """Log-rank tests; R's column of the week holds ten times rho."""

    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        for row in rows(oracle, name, what).itertuples():
            test = s.logrank(counts(name, "group", *covariates), "group", cause=row.cause or None, rho=row.week / 10)
            yield (
                (test.expected.sel(group=row.group) if what.endswith("expected") else test.statistic).item(),
                row.value,
            )

    return pairs


def fleming_harrington(oracle: pd.DataFrame, name: str) -> Pairs:
    powers = {0: (0.0, 0.0), 1: (0.0, 1.0), 11: (1.0, 1.0), 7: (0.5, 2.0)}
    for row in rows(oracle, name, "fleming_harrington").itertuples():
        rho, gamma = powers[row.week]
        test = s.logrank(counts(name, "group"), "group", cause=row.cause or None, rho=rho, gamma=gamma)
        yield test.statistic.item(), row.value


def gray(what: str, *covariates: str) -> Callable[..., Pairs]:
    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        for row in rows(oracle, name, what).itertuples():
            test = s.gray_test(counts(name, "group", *covariates), "group", cause=row.cause, rho=row.week / 10)
            yield test.statistic.item(), row.value

    return pairs


def coefficients(what: str, variable: str, fit: Callable[..., xr.Dataset], *covariates: str) -> Callable[..., Pairs]:
    def pairs(oracle: pd.DataFrame, name: str) -> Pairs:
        varying = [c for c in covariates if firms()[firms()["data"] == name][c].nunique() > 1]
        for cause, theirs in rows(oracle, name, what).groupby("cause"):
            found = fit(counts(name, "group", *varying), "C(group)" + (" + x" if "x" in varying else ""), cause or None)
            yield from zip(found[variable].values, theirs["value"], strict=True)

    return pairs


def cox(ds: xr.Dataset, formula: str, cause: int | None) -> xr.Dataset:
    return s.proportional_hazards(ds, formula, cause=cause, ties="breslow")


def cox_by_stratum(ds: xr.Dataset, formula: str, cause: int | None) -> xr.Dataset:
    return s.proportional_hazards(ds, formula, cause=cause, ties="breslow", strata=["stratum"])


def fine_gray(ds: xr.Dataset, formula: str, cause: int | None) -> xr.Dataset:
    return s.fine_gray(ds, formula, cause=cause)


COMPARED: dict[str, tuple[Callable[..., Pairs], tuple[str, ...]]] = {
    "survfit: survival": (curve(s.kaplan_meier, "estimate", "survival"), DATA),
    "survfit: survival se": (curve(s.kaplan_meier, "se", "survival_se"), DATA),
    "survfit: hazard": (curve(s.nelson_aalen, "estimate", "hazard"), DATA),
    "survfit: hazard se": (curve(s.nelson_aalen, "se", "hazard_se"), DATA),
    "survfit: at risk": (numbers_at_risk, DATA),
    "survfit: rmst": (mean("estimate", "rmst"), DATA),
    "survfit: rmst se": (mean("se", "rmst_se"), DATA),
    "survfit: quantile": (quantiles, DATA),
    "survfit: landmark": (landmarks("estimate", "landmark"), DATA),
    "survfit: landmark se": (landmarks("se", "landmark_se"), DATA),
    "survfit: incidence": (curve(s.cumulative_incidence, "estimate", "incidence", cause="cause"), COMPETING),
    "survfit: incidence se": (curve(s.cumulative_incidence, "se", "incidence_se", cause="cause"), COMPETING),
    "cuminc": (curve(s.cumulative_incidence, "estimate", "cuminc", cause="cause"), COMPETING),
    "survdiff": (ranks("survdiff"), (*SINGLE, "heart", "cgd")),
    "survdiff, strata": (ranks("survdiff_stratified", "stratum"), SINGLE),
    "survdiff: expected": (ranks("survdiff_expected", "stratum"), SINGLE),
    "Fleming-Harrington": (fleming_harrington, DATA),
    "cuminc: Gray": (gray("gray"), SINGLE),
    "cuminc: Gray, strata": (gray("gray_stratified", "stratum"), SINGLE),
    "coxph": (coefficients("coxph", "estimate", cox, "x"), DATA),
    "coxph se": (coefficients("coxph_se", "independent_se", cox, "x"), DATA),
    "coxph, strata": (coefficients("coxph_stratified", "estimate", cox_by_stratum, "stratum"), DATA),
    "coxph se, strata": (coefficients("coxph_stratified_se", "independent_se", cox_by_stratum, "stratum"), DATA),
    "crr": (coefficients("crr", "estimate", fine_gray, "x"), SINGLE),
    "crr se": (coefficients("crr_se", "independent_se", fine_gray, "x"), SINGLE),
}
"""What is compared, and on which data sets; strata are those of the data sets that have some."""


def largest_difference(oracle: pd.DataFrame, what: str, name: str) -> float:
    """The largest relative difference from R, or absolute where R's number is below 1e-3."""
    pairs, _ = COMPARED[what]
    found = np.array(list(pairs(oracle, name)), dtype=np.float64).reshape(-1, 2)
    if not len(found):
        return np.nan
    ours, theirs = found.T
    return float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3)).max())


def test_nineteen_data_sets_are_stored() -> None:
    assert set(firms()["data"]) == set(DATA)
    assert len(DATA) == 19


@pytest.mark.parametrize(("what", "name"), [(what, name) for what, (_, names) in COMPARED.items() for name in names])
def test_every_estimate_is_r_s(oracle: pd.DataFrame, what: str, name: str) -> None:
    difference = largest_difference(oracle, what, name)
    if np.isnan(difference):
        assert "strata" in what or "expected" in what
        assert firms()[firms()["data"] == name]["stratum"].nunique() == 1
    else:
        assert difference < TOLERANCE


def test_another_number_would_be_seen(oracle: pd.DataFrame) -> None:
    """The negative control: a millionth more of every number of R."""
    off = oracle.assign(value=oracle["value"] * (1 + 1e-6))
    for what, (_, names) in COMPARED.items():
        assert largest_difference(off, what, "pbc" if "pbc" in names else names[0]) > TOLERANCE


@pytest.mark.slow
@pytest.mark.skipif(which("Rscript") is None, reason="Rscript is not installed; the stored numbers are tested")
def test_r_says_now_what_is_stored(oracle: pd.DataFrame, tmp_path: Path) -> None:
    now = tmp_path / "published.csv"
    subprocess.run(["Rscript", str(ORACLE / "published.R"), str(FIRMS), str(now)], check=True, capture_output=True)
    pd.testing.assert_frame_equal(pd.read_csv(now), oracle, rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(which("Rscript") is None, reason="Rscript is not installed")
def test_the_firms_are_those_of_the_packages(tmp_path: Path) -> None:
    lifelines = pytest.importorskip("lifelines.datasets")
    again = tmp_path / "firms.csv"
    folder = str(Path(lifelines.__file__).parent)
    subprocess.run(["Rscript", str(ORACLE / "published_firms.R"), str(again), folder], check=True, capture_output=True)
    pd.testing.assert_frame_equal(pd.read_csv(again), firms())


if __name__ == "__main__":
    stored = pd.read_csv(ORACLE / "published.csv.gz")
    table = {
        what: {name: largest_difference(stored, what, name) if name in names else np.nan for name in DATA}
        for what, (_, names) in COMPARED.items()
    }
    frame = pd.DataFrame(table)
    frame.loc["largest"] = frame.max()
    sys.stdout.write(frame.T.to_string(float_format="{:.0e}".format, na_rep="-") + "\n")
