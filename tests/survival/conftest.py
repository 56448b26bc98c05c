"""Fixtures of the survival tests: the oracle's firms and R's numbers for them, stored and live."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from firmfate.survival import counts_from_table, example

ORACLE = Path(__file__).parent / "oracle"
COVARIATES = ("group", "stratum")

Values = dict[tuple[str, int, str, int, int], float]


@pytest.fixture(scope="session")
def firms() -> dict[str, np.ndarray]:
    """Columns of firms.csv, one row a firm."""
    with (ORACLE / "firms.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([int(row[name]) for row in rows]) for name in ("group", "stratum", "week", "end")}
    return {"case": np.array([row["case"] for row in rows]), **columns}


@pytest.fixture(scope="session")
def counts(firms: dict[str, np.ndarray]) -> Callable[..., xr.Dataset]:
    """Counts of a case, with chosen covariates as axes."""

    def of_case(case: str, *covariates: str, bin_weeks: int = 1, batches: int = 32) -> xr.Dataset:
        here = firms["case"] == case
        return counts_from_table(
            {name: column[here] for name, column in firms.items()},
            duration="week",
            cause="end",
            covariates=covariates,
            causes=[1, 2, 3],
            bin_weeks=bin_weeks,
            batches=batches,
        )

    return of_case


@pytest.fixture(scope="session")
def live_oracle(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The file that R writes now, or None where there is no R."""
    if shutil.which("Rscript") is None:
        return None
    result = tmp_path_factory.mktemp("oracle") / "oracle.csv"
    subprocess.run(
        ["Rscript", str(ORACLE / "oracle.R"), str(ORACLE / "firms.csv"), str(result)], check=True, capture_output=True
    )
    return result


@pytest.fixture(scope="session", params=["stored", "live"])
def oracle(request: pytest.FixtureRequest, live_oracle: Path | None) -> Values:
    """R's numbers, by (case, group, what, cause, week); group -1 is all, cause 0 none, week -1 none."""
    path = ORACLE / "oracle.csv" if request.param == "stored" else live_oracle
    if path is None:
        pytest.skip("Rscript is not installed; the stored numbers are tested")
    with path.open() as file:
        return {
            (row["case"], int(row["group"]), row["what"], int(row["cause"]), int(row["week"])): float(row["value"])
            for row in csv.DictReader(file)
        }


@pytest.fixture
def small() -> xr.Dataset:
    """The package's example: 3 x 2 cells, 320 firms, two causes, 104 weeks, common random numbers."""
    return example()
