"""``result.nc`` as others read it: xarray, ncdump and R's ncdf4, every variable with units and a long name."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

import firmfate


@pytest.fixture(scope="module")
def recorded_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a population, strata and recorded firms: all that a result can hold."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "study.toml").write_text(
        '[study]\nname = "all"\nyears = 5\nreplicates = 200\n'
        "[grid]\nexecution = [0.2, 1.0]\n"
        '"misalignment.sales" = [0.0, 1.0]\n'
        "[record]\nfirms = true\n"
        "[population]\nunit_cost = { normal = [0.57, 0.02] }\nstrata = { unit_cost = 3 }\n"
    )
    firmfate.run(folder / "study.toml", into=folder / "run", progress=False).close()
    return folder / "run"


@pytest.fixture(params=["finished_run", "recorded_run"])
def run(request: pytest.FixtureRequest) -> Path:
    """A plain run, and one with all that a result can hold."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", ["result.nc", "firms.nc", "trajectories.nc"])
def test_xarray_reads_units_and_long_names(recorded_run: Path, name: str) -> None:
    with xr.open_dataset(recorded_run / name, decode_timedelta=False) as ds:
        for variable in ds.data_vars if name == "trajectories.nc" else ds.variables:
            assert {"units", "long_name"} <= ds[variable].attrs.keys(), variable


def test_a_result_says_where_it_comes_from(run: Path) -> None:
    with xr.open_dataset(run / "result.nc") as ds:
        assert ds.attrs["Conventions"].startswith("CF-")
        assert ds.attrs["source"] == f"firmfate {firmfate.__version__}, model firm"
        assert ds.attrs["study"] == (run / "study.toml").read_text()
        assert {"seed", "provenance", "parameters", "title", "replicates"} <= ds.attrs.keys()
        again = firmfate.Study.parse(ds.attrs["study"])
        assert again.replicates == ds.attrs["replicates"]


def test_a_checkout_that_is_not_installed_says_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name == "firmfate":
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    study = firmfate.Study(name="cars", model="car", years=1, replicates=20)
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        assert ds.attrs["source"] == f"firmfate {firmfate.__version__}, model car"


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="netcdf-bin is not installed")
def test_ncdump_shows_units_and_long_names(run: Path) -> None:
    header = subprocess.run(["ncdump", "-h", run / "result.nc"], capture_output=True, text=True, check=True).stdout
    body = header.partition("variables:")[2].partition("// global attributes")[0]
    variables = re.findall(r"^\t\w+ (\w+)\(.*\) ;$|^\t\w+ (\w+) ;$", body, re.MULTILINE)
    names = {first or second for first, second in variables}
    assert {"events", "firms", "week", "cause", "execution"} <= names
    for name in names:
        for attribute in ("units", "long_name"):
            assert re.search(rf'^\t\t{name}:{attribute} = "[^"]+', body, re.MULTILINE), (name, attribute)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_r_reads_the_same_counts(run: Path, tmp_path: Path) -> None:
    program = """
    file <- ncdf4::nc_open(commandArgs(TRUE))
    for (name in c(names(file$var), names(file$dim))) {
      if (!is.null(file$dim[[name]]) && !file$dim[[name]]$create_dimvar) next
      for (attribute in c("units", "long_name")) {
        found <- ncdf4::ncatt_get(file, name, attribute)
        if (!found$hasatt || nchar(found$value) == 0) cat("lacks", name, attribute, "\\n")
      }
    }
    events <- ncdf4::ncvar_get(file, "events"); firms <- ncdf4::ncvar_get(file, "firms")
    cat("sums", sum(events), sum(firms), sum(as.numeric(ncdf4::ncvar_get(file, "batch_lifetime"))), "\\n")
    cat("causes", gsub(" ", "", ncdf4::ncvar_get(file, "cause")), "\\n")
    cat("execution", ncdf4::ncvar_get(file, "execution"), "\\n")
    """
    asked = subprocess.run(
        ["Rscript", "-e", program, run / "result.nc"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    if "there is no package called" in asked.stderr:
        pytest.skip("r-cran-ncdf4 is not installed")
    printed = {line.split()[0]: line.split()[1:] for line in asked.stdout.splitlines()}
    assert "lacks" not in printed, asked.stdout
    with xr.open_dataset(run / "result.nc") as ds:
        sums = [int(ds[name].sum()) for name in ("events", "firms", "batch_lifetime")]
        assert [int(float(value)) for value in printed["sums"]] == sums
        assert printed["causes"] == ds.cause.values.tolist()
        assert [float(value) for value in printed["execution"]] == ds.execution.values.tolist()


def test_opening_another_file_is_refused(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "result.nc").write_bytes(b"not netCDF")
    with pytest.raises(firmfate.errors.FirmfateError, match="cannot be opened as netCDF"):
        firmfate.open_run(tmp_path)
