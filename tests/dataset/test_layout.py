"""The layout of ``result.nc``, frozen: whoever changes it changes this table, and says so in the CHANGELOG."""

from __future__ import annotations

import pytest

import firmfate

LAYOUT = {
    "events": ("uint32", ("execution", "misalignment_sales", "cause", "week")),
    "firms": ("uint64", ("execution", "misalignment_sales")),
    "invalid": ("uint64", ("execution", "misalignment_sales")),
    "first_invalid": ("int64", ("execution", "misalignment_sales")),
    "batch_firms": ("uint32", ("execution", "misalignment_sales", "batch")),
    "batch_events": ("uint32", ("execution", "misalignment_sales", "batch", "cause", "bin")),
    "batch_lifetime": ("uint64", ("execution", "misalignment_sales", "batch", "horizon")),
    "alarms": ("uint32", ("execution", "misalignment_sales", "batch", "end")),
    "early_alarms": ("uint32", ("execution", "misalignment_sales", "batch", "end")),
    "warning_steps_sum": ("uint64", ("execution", "misalignment_sales", "batch", "end")),
    "warning_steps_sumsq": ("uint64", ("execution", "misalignment_sales", "batch", "end")),
    "early_warning_steps_sum": ("uint64", ("execution", "misalignment_sales", "batch", "end")),
    "green_kpi_count": ("uint32", ("execution", "misalignment_sales", "end", "green")),
    "early_green_kpi_count": ("uint32", ("execution", "misalignment_sales", "end", "green")),
}
SIZES = {
    "execution": 2, "misalignment_sales": 3, "cause": 4, "week": 260, "batch": 32, "bin": 20, "horizon": 2, "end": 5,
    "green": 6,
}  # fmt: skip
ATTRIBUTES = {
    "Conventions", "title", "question", "summary", "source", "model", "steps_per_week", "weeks", "replicates", "seed",
    "common_random_numbers", "complete", "parameters", "study", "provenance", "history",
}  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    study = firmfate.Study(
        study={"name": "layout", "model": "firm", "years": 5, "replicates": 40},
        grid={"execution": [0.2, 0.8], "misalignment.sales": [0, 0.5, 1]},
    )
    return firmfate.run(study, into=tmp_path_factory.mktemp("layout"), progress=False)


def test_variables_are_those_of_the_table(result):
    assert {str(name): (str(v.dtype), v.dims) for name, v in result.data_vars.items()} == LAYOUT


def test_sizes(result):
    assert dict(result.sizes) == SIZES


def test_coordinates(result):
    assert list(result.cause.values) == ["insolvency", "customer_collapse", "gridlock", "background_exit"]
    assert list(result.end.values) == ["censored", *result.cause.values]
    assert list(result.horizon.values) == [156, 260]
    assert (int(result.week[0]), int(result.week[-1]), int(result.bin[0]), int(result.bin[-1])) == (1, 260, 13, 260)


def test_everything_says_what_it_is(result):
    assert set(result.attrs) == ATTRIBUTES
    for name, variable in result.variables.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name


def test_whole_cells_add_up(result):
    assert (result.firms == 40).all()
    assert (result.batch_firms.sum("batch") == 40).all()
    assert result.batch_events.sum(["batch", "bin"]).equals(result.events.sum("week").astype(result.batch_events.dtype))
    assert (result.alarms.sum("batch") == result.green_kpi_count.sum("green")).all()
