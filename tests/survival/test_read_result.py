"""The R program that users get reads a result, and R's survfit and coxph agree with ours."""

from __future__ import annotations

import csv
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from firmfate.survival import kaplan_meier, proportional_hazards


def test_r_fits_survfit_and_coxph_to_a_result(tmp_path: Path, small: xr.Dataset) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    small["invalid"][0, 1] = 1  # the cell is left out
    small.to_netcdf(tmp_path / "result.nc")
    script = files("firmfate.survival") / "read_result.R"
    done = subprocess.run(
        ["Rscript", str(script), "result.nc", "fits.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "fits.csv").open() as file:
        rows = list(csv.DictReader(file))

    ours = kaplan_meier(small).isel(week=-1)
    curves = [row for row in rows if row["what"] == "survival"]
    assert len(curves) == 5
    for row in curves:
        place = {name.strip(): float(value) for name, value in (part.split("=") for part in row["name"].split(";"))}
        assert ours.estimate.sel(place).item() == pytest.approx(float(row["value"]), rel=1e-12)
        assert ours.se.sel(place).item() == pytest.approx(float(row["se"]), rel=1e-12)

    fit = proportional_hazards(small, "execution * misalignment", ties="breslow")
    coxph = {row["name"]: row for row in rows if row["what"] == "coxph"}
    np.testing.assert_allclose(fit.estimate, [float(coxph[str(term)]["value"]) for term in fit.term.values], atol=1e-6)
    np.testing.assert_allclose(
        fit.independent_se, [float(coxph[str(term)]["se"]) for term in fit.term.values], atol=1e-6
    )
