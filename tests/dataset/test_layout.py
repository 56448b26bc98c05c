"""The layouts of ``result.nc`` and ``firms.nc``, frozen: whoever changes one changes this table, and says so in the
CHANGELOG."""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

import firmfate

COUNTS = {
    "events": ("uint32", ("cause", "week")),
    "firms": ("uint64", ()),
    "invalid": ("uint64", ()),
    "first_invalid": ("int64", ()),
    "batch_firms": ("uint32", ("batch",)),
    "batch_events": ("uint32", ("batch", "cause", "bin")),
    "batch_lifetime": ("uint64", ("batch", "horizon")),
    "alarms": ("uint32", ("batch", "end")),
    "early_alarms": ("uint32", ("batch", "end")),
    "warning_steps_sum": ("uint64", ("batch", "end")),
    "warning_steps_sumsq": ("uint64", ("batch", "end")),
    "early_warning_steps_sum": ("uint64", ("batch", "end")),
    "green_kpi_count": ("uint32", ("end", "green")),
    "early_green_kpi_count": ("uint32", ("end", "green")),
}
"""Variable -> type, and dimensions after those of cells and strata."""

SIZES = {"cause": 4, "week": 260, "batch": 32, "bin": 20, "horizon": 2, "end": 5, "green": 6}
FIRMS = {"event_week": "float32", "cause": "uint8", "alarm_week": "float32", "green_kpis": "uint8"}
ATTRIBUTES = {
    "Conventions", "title", "question", "summary", "source", "model", "steps_per_week", "weeks", "replicates", "seed",
    "common_random_numbers", "complete", "parameters", "study", "provenance", "history",
}  # fmt: skip

GRID = {"grid": {"execution": [0.2, 0.8], "misalignment.sales": [0, 0.5, 1]}}
LISTED = {"cells": [{"execution": 0.2, "misalignment.sales": 0.5}, {"execution": 0.9, "misalignment.sales": 1}]}
DRAWN = {
    "population": {
        "unit_cost": {"normal": [0.57, 0.02]},
        "correct_time": {"uniform": [13, 52]},
        "strata": {"correct_time": 3, "unit_cost": 2},
    },
    "record": {"firms": True},
}
CELLS = {"execution": 2, "misalignment_sales": 3}
STUDIES: dict[str, tuple[dict[str, Any], dict[str, int], dict[str, int], bool]] = {
    "grid": (GRID, CELLS, {}, True),
    "list": (LISTED, {"cell": 2}, {}, True),
    "grid of a population": (GRID | DRAWN, CELLS, {"stratum": 6}, True),
    "list of a population, independent numbers": (LISTED | DRAWN, {"cell": 2}, {"stratum": 6}, False),
}
"""Name -> tables, dimensions of cells, of strata, common random numbers."""


@pytest.fixture(scope="module", params=STUDIES)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    tables, cells, strata, common = STUDIES[request.param]
    settings = {"name": "layout", "model": "firm", "years": 5, "replicates": 40, "common_random_numbers": common}
    study = firmfate.Study(study=settings, **tables)
    into = tmp_path_factory.mktemp("layout")
    with firmfate.run(study, into=into, progress=False) as result:
        yield study, into, cells, strata, result


def test_variables_are_those_of_the_table(ran):
    _, _, cells, strata, result = ran
    expected = {name: (kind, (*cells, *strata, *dims)) for name, (kind, dims) in COUNTS.items()}
    assert {str(name): (str(v.dtype), v.dims) for name, v in result.data_vars.items()} == expected
    assert dict(result.sizes) == cells | strata | SIZES


def test_coordinates(ran):
    _, _, cells, strata, result = ran
    labels = {name: (name,) if name in cells else ("cell",) for name in ("execution", "misalignment_sales")}
    edges = [f"{key}_{side}" for key in ("correct_time", "unit_cost") for side in ("lower", "upper") if strata]
    expected = labels | {name: (name,) for name in (*SIZES, *strata)} | dict.fromkeys(edges, ("stratum",))
    assert {str(name): coord.dims for name, coord in result.coords.items()} == expected
    assert list(result.cause.values) == ["insolvency", "customer_collapse", "gridlock", "background_exit"]
    assert list(result.end.values) == ["censored", *result.cause.values]
    assert list(result.horizon.values) == [156, 260]
    assert (int(result.week[0]), int(result.week[-1]), int(result.bin[0]), int(result.bin[-1])) == (1, 260, 13, 260)
    if strata:
        assert result.correct_time_upper.attrs["units"] == "week"
        assert result.unit_cost_lower.attrs["units"] != "week"
        assert result.correct_time_upper.values.tolist() == [26, 26, 39, 39, float("inf"), float("inf")]


def test_everything_says_what_it_is(ran):
    *_, result = ran
    assert set(result.attrs) == ATTRIBUTES | {"run", "use"}
    assert list(result.attrs)[:2] == ["run", "use"]
    assert result.attrs["run"] == f"'layout': {result.firms.size} cells x 40 firms, 5 years"
    for name, variable in result.variables.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name


def test_whole_cells_add_up(ran):
    *_, strata, result = ran
    assert (result.firms.sum(list(strata)) == 40).all()
    assert (result.batch_firms.sum(["batch", *strata]) == 40).all()
    assert result.batch_events.sum(["batch", "bin"]).equals(result.events.sum("week").astype(result.batch_events.dtype))
    assert (result.alarms.sum("batch") == result.green_kpi_count.sum("green")).all()


def test_everything_of_more_than_one_number_a_cell_is_compressed_and_opened_lazily(ran):
    study, into, *_ = ran
    with netCDF4.Dataset(into / "result.nc") as file:
        for name in COUNTS:
            assert file[name].filters()["zlib"] == file[name].filters()["shuffle"] == bool(file[name].ndim), name
    if study.record_firms:
        with netCDF4.Dataset(into / "firms.nc") as file:
            assert all(file[name].filters()["zlib"] for name in (*FIRMS, "correct_time", "unit_cost"))
    with firmfate.open_run(into) as lazy:
        assert not isinstance(lazy["events"].variable._data, np.ndarray)


def test_plans_foretell_the_bytes_of_counts(ran):
    study, *_, result = ran
    assert firmfate.plan(study).result_bytes == sum(variable.nbytes for variable in result.data_vars.values())


def test_firms_are_those_of_the_table(ran):
    study, into, cells, *_ = ran
    if not study.record_firms:
        assert not (into / "firms.nc").exists()
        return
    with xr.open_dataset(into / "firms.nc") as firms:
        own = () if study.common_random_numbers else tuple(cells)
        drawn = dict.fromkeys(("correct_time", "unit_cost"), ("float64", (*own, "replicate")))
        expected = {name: (kind, (*cells, "replicate")) for name, kind in FIRMS.items()} | drawn
        assert {str(name): (str(v.dtype), v.dims) for name, v in firms.data_vars.items()} == expected
        assert dict(firms.sizes) == cells | {"replicate": 40}
        assert set(firms.attrs) == ATTRIBUTES
        assert firms.correct_time.attrs["units"] == "week"
