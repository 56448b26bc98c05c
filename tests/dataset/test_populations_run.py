"""Runs of populations: strata out of counts, records of every firm, any firm lived again, one value."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import firmfate
from firmfate.shards import RunDirectory
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import read
from firmfate.shards.schema import Schema

SETTINGS = {"name": "mixed", "model": "firm", "years": 5, "replicates": 600, "seed": 7}
POPULATION = {"execution": {"uniform": [0.0, 1.0]}, "unit_cost": {"normal": [0.57, 0.01]}, "strata": {"execution": 4}}
GRID = {"misalignment": [0.0, 1.0]}


def study(*, population=POPULATION, grid=GRID, **changes) -> firmfate.Study:
    tables = {"study": SETTINGS | changes, "grid": grid, "record": {"firms": True}}
    return firmfate.Study(**tables, **({"population": population} if population else {}))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    ds = firmfate.run(study(), into=directory, progress=False)
    return directory, ds.load(), xr.load_dataset(directory / "firms.nc")


def test_strata_are_those_of_the_drawn_values(run):
    _, ds, firms = run
    stratum = np.searchsorted([0.25, 0.5, 0.75], firms.execution, side="right")
    assert np.array_equal(ds.firms.isel(misalignment=0), np.bincount(stratum, minlength=4))
    assert np.array_equal(ds.execution_upper, [0.25, 0.5, 0.75, np.inf])
    rmst = firmfate.survival.rmst(ds).estimate
    for m in range(2):
        for s in range(4):
            mean = firms.event_week.isel(misalignment=m)[stratum == s].mean()
            assert float(rmst.isel(misalignment=m, stratum=s)) == pytest.approx(float(mean))


def test_counts_are_those_of_the_recorded_firms(run):
    _, ds, firms = run
    for cause in range(4):
        died = (firms.cause == cause + 1).sum("replicate")
        assert np.array_equal(ds.events.isel(cause=cause).sum(["week", "stratum"]), died)


def test_a_replayed_firm_equals_its_record(run):
    directory, _, firms = run
    for replicate in (0, 17, 599):
        for misalignment in (0.0, 1.0):
            life = firmfate.replay(directory, replicate=replicate, misalignment=misalignment)
            record = firms.sel(misalignment=misalignment).isel(replicate=replicate)
            assert life.attrs["cause"] == record.cause.attrs["flag_meanings"].split()[int(record.cause)]
            for name in ("event_week", "alarm_week", "green_kpis"):
                assert life.attrs[name] == float(record[name]), name
            assert life.sizes["step"] == life.attrs["event_week"]


def test_the_replayed_path_is_that_of_plain_python(run):
    """The path comes from the engine; the plain reading of the model, with the same draws, agrees to rounding."""
    directory, _, firms = run
    life = firmfate.replay(directory, replicate=17, misalignment=1.0)
    plain = firmfate.simulate_path(
        "firm", execution=float(firms.execution[17]), misalignment=1.0, weeks=260, seed=7, replicate=17,
        parameters={"unit_cost": float(firms.unit_cost[17])},
    )  # fmt: skip
    assert plain.attrs["event_week"] == life.attrs["event_week"]
    for name in plain.data_vars:
        np.testing.assert_allclose(life[name], plain[name], rtol=1e-8, atol=1e-9, err_msg=str(name))


def test_one_value_equals_the_plain_cell(tmp_path):
    constant = study(population={"execution": {"constant": 0.7}})
    plain = study(population=None, grid={"misalignment": [0.0, 1.0], "execution": [0.7]})
    one = firmfate.run(constant, into=tmp_path / "one", progress=False)
    other = firmfate.run(plain, into=tmp_path / "other", progress=False).squeeze("execution", drop=True)
    for name in one.data_vars:
        assert one[name].equals(other[name].transpose(*one[name].dims)), name


def test_draws_do_not_depend_on_shards_or_workers(run, tmp_path):
    _, ds, firms = run
    other = firmfate.run(study(), into=tmp_path, progress=False, shard_scale=0.01, on=firmfate.execute.Threads(2))
    assert other.drop_attrs().equals(ds.drop_attrs())
    assert xr.load_dataset(tmp_path / "firms.nc").drop_attrs().equals(firms.drop_attrs())


@pytest.mark.slow
def test_draws_do_not_depend_on_processes(run, tmp_path):
    """Two Dask workers of one thread each draw what the threads of this process drew."""
    _, ds, firms = run
    other = firmfate.run(
        study(), into=tmp_path, progress=False, shard_scale=0.01, on=firmfate.execute.DaskProcesses(2, threads=1)
    )
    assert other.drop_attrs().equals(ds.drop_attrs())
    assert xr.load_dataset(tmp_path / "firms.nc").drop_attrs().equals(firms.drop_attrs())


GROWING = {
    "grid": ({"grid": {"execution": [0.2, 0.8]}}, {"grid": {"execution": [0.2, 0.5, 0.8]}}),
    "list": ({"cells": [{"execution": 0.8}, {"execution": 0.2}]},
             {"cells": [{"execution": 0.5}, {"execution": 0.2}, {"execution": 0.8}]}),
    "sobol": ({"sobol": {"points": 2, "execution": [0, 1]}}, {"sobol": {"points": 3, "execution": [0, 1]}}),
}  # fmt: skip


@pytest.mark.parametrize("kind", GROWING)
@pytest.mark.parametrize("common", [True, False])
def test_a_design_that_grows_runs_its_new_cells_alone(kind, common, tmp_path):
    """Shards of old cells are not touched, new ones hold the new cell alone, and the whole is as if run at once."""
    tables = {
        "study": SETTINGS | {"replicates": 60, "common_random_numbers": common},
        "population": {"unit_cost": {"normal": [0.57, 0.01]}},
    }
    small, grown = (firmfate.Study(**tables, **written) for written in GROWING[kind])
    firmfate.run(small, into=tmp_path / "run", progress=False).close()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "shards").glob("*.shard")}
    ds = firmfate.run(grown, into=tmp_path / "run", progress=False)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "shards").glob("*.shard")}
    assert {path: after[path] for path in before} == before
    schema = Schema.of(grown, fingerprint_of(grown))
    new = [read(file, schema) for file in RunDirectory(tmp_path / "run").files() if file.path not in before]
    assert sum(content.arrays["firms"].sum() for content in new) == 60
    assert {key for content in new for key in content.cell_keys} == set(grown.cells.keys) - set(small.cells.keys)
    at_once = firmfate.run(grown, into=tmp_path / "at once", progress=False)
    assert ds.drop_attrs().identical(at_once.drop_attrs())


def test_independent_numbers_give_every_cell_its_own_firms(tmp_path):
    firmfate.run(study(common_random_numbers=False), into=tmp_path, progress=False)
    firms = xr.load_dataset(tmp_path / "firms.nc")
    assert firms.execution.dims == ("misalignment", "replicate")
    assert not np.array_equal(*firms.execution)
    life = firmfate.replay(tmp_path, replicate=5, misalignment=1.0)
    assert life.attrs["event_week"] == float(firms.event_week.sel(misalignment=1.0)[5])


def test_listed_cells_are_labelled(tmp_path):
    cells = [{"execution": 0.2, "misalignment": 0.1}, {"execution": 0.9, "misalignment": 1.0}]
    listed = firmfate.Study(study=SETTINGS | {"replicates": 50}, cells=cells)
    ds = firmfate.run(listed, into=tmp_path, progress=False)
    assert {"execution", "misalignment"} <= set(ds.coords)
    assert ds.events.dims[0] == "cell"
