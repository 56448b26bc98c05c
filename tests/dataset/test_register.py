"""The register of counts: shapes, bytes, empty tables, merging and attributes all follow from one line a counter."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import firmfate
from firmfate import counts
from firmfate.counts import COUNTED, COUNTS, Counters
from firmfate.dataset import layout
from firmfate.models import load_model
from firmfate.models.declarations import Mark

MARKS = (
    Mark("moods", 2, "moods at the alarm", dim="mood"), Mark("last_step", 4, "grades at the alarm", dim="grade"),
)  # fmt: skip
CAR = load_model("car")


def step(s, p, draw, shock, week):
    return {**CAR.step(s, p, draw, shock, week), "moods": 1, "last_step": 2}


MODEL = replace(CAR, marks=MARKS, step=step)
"""Two marks, of unlike maxima; the name of one ends as a time does."""


@pytest.fixture(params=[1, 3], ids=["no strata", "three strata"])
def counters(request: pytest.FixtureRequest) -> Counters:
    """The counters of a model of one cause and two marks, over 30 weeks."""
    return Counters.of(MODEL, weeks=30, batches=4, horizons=2, strata=request.param)


def test_every_mark_has_a_variable_of_its_own_size(counters: Counters) -> None:
    strata = ("stratum",) * (counters.strata > 1)
    for name, dim, size in (("mood_count", "mood", 3), ("last_step_count", "grade", 5)):
        for own, said in ((name, "at the alarm and by cause, or censored"), (f"early_{name}", f"as {name}, of early")):
            assert counters.dims(own) == (*strata, "end", dim)
            assert counters.shape(own) == (*(counters.strata,) * len(strata), 2, size)
            assert said in counters.variables[own].long_name
    assert "mark_count" not in counters.variables
    assert len(counters.variables) == len(COUNTED) + 2


def test_bins_and_weeks_are_those_of_the_horizon(counters: Counters) -> None:
    assert counters.shape("events")[-2:] == (1, 30)
    assert counters.shape("batch_events")[-3:] == (4, 1, 3)  # 13 + 13 + 4 weeks
    assert counters.shape("batch_lifetime")[-2:] == (4, 2)
    assert counters.shape("firms") == ((3,) if counters.strata > 1 else ())


def test_tables_and_variables_are_the_same_memory_in_the_shapes_of_the_register(counters: Counters) -> None:
    tables = counters.empty(2)
    assert list(tables) == [counter.name for counter in COUNTED]
    assert all(len(table) == 2 * counters.strata and table.dtype == np.int64 for table in tables.values())
    assert (tables.pop("first_invalid") == -1).all()
    assert not any(table.any() for table in tables.values())
    tables = counters.empty(2)
    tables["mark_count"][-1, 1, 1, 4] = 7  # last row: of the second mark, an event by the cause, value 4
    named = counters.named(tables)
    assert list(named) == list(counters.variables)
    for name, values in named.items():
        assert values.shape == (2, *counters.shape(name)), name
    last = named["last_step_count"][-1]
    assert last[(-1,) * (counters.strata > 1)][1, 4] == 7
    assert named["last_step_count"].sum() == 7
    assert named["mood_count"].sum() == 0
    named["events"][0] += 1
    assert tables["events"][: counters.strata].min() == 1


def test_bytes_are_those_of_the_arrays(counters: Counters) -> None:
    tables = counters.empty(5)
    stored = {
        name: values.astype(counters.variables[name].dtype).nbytes for name, values in counters.named(tables).items()
    }
    assert 5 * counters.bytes_per_cell == sum(stored.values())
    assert 5 * counters.bytes_while_counting == sum(table.nbytes for table in tables.values())


def test_a_model_without_marks_has_no_table_of_them() -> None:
    counters = Counters.of(load_model("car"), weeks=30, batches=4, horizons=2)
    assert counters.empty(3)["mark_count"].size == 0
    assert not [name for name in counters.named(counters.empty(3)) if "mark" in name]


@given(st.lists(st.integers(-1, 5), max_size=6), st.lists(st.integers(-1, 5), max_size=6))
def test_the_lowest_invalid_replicate_of_two_shards_is_that_of_all_their_firms(one: list[int], two: list[int]) -> None:
    def lowest(numbers: list[int]) -> int:
        return min((number for number in numbers if number >= 0), default=-1)

    held, found = np.array([lowest(one)]), np.array([lowest(two)], np.int8)
    assert COUNTS["first_invalid"].merged(held, found).tolist() == [lowest(one + two)]


def test_sums_are_added_without_overflow_of_the_smallest_type() -> None:
    assert COUNTS["firms"].merged(np.array([250], np.int64), np.array([250], np.uint8)).tolist() == [500]


@pytest.mark.parametrize(("replicates", "kind"), [(2**32 - 2, "u4"), (2**32 - 1, "u8")])
def test_counts_of_more_firms_than_four_bytes_hold_are_stored_in_eight(replicates: int, kind: str) -> None:
    assert COUNTS["events"].stored(replicates) == kind
    assert COUNTS["firms"].stored(replicates) == "u8"
    assert COUNTS["first_invalid"].stored(replicates) == "i8"


def test_marks_carry_their_meaning_into_files() -> None:
    """Of the dimension, of every firm, and of a parameter's stratum: where the register of the package has no entry."""
    study = firmfate.Study(study={"name": "m", "model": "firm", "replicates": 5, "years": 1})
    green = study.model.marks[0]
    file = netCDF4.Dataset("x.nc", "w", memory=1024)
    layout.count_coordinates(file, study)
    assert file["green"].long_name == green.meaning
    assert file["green"].units == "1"
    assert file["bin"].long_name == "last week of a bin of 13 weeks"
    assert file["bin"][:].tolist() == [13, 26, 39, 52]
    file.close()
    found = counts.firm_variables(MODEL)
    assert found["last_step"].long_name == "grades at the alarm"
    assert list(found) == ["event_week", "cause", "alarm_week", "moods", "last_step"]


def test_all_names_that_results_use_are_reserved() -> None:
    """Of dimensions, counts, firms, the marks of the model, and the characters of text."""
    used = {"week", "cell", "stratum", "firms", "batch_events", "censored", "event_week", "cause_characters"}
    marks = {"mood", "grade", "moods", "last_step", "mood_count", "early_mood_count", "last_step_count"}
    assert used | marks <= counts.reserved(MODEL)
    assert not {"execution", "misalignment", "mark", "value"} & counts.reserved(MODEL)


def test_an_early_alarm_is_declared_once() -> None:
    assert f"first {counts.EARLY_WEEKS} weeks" in COUNTS["early_alarms"].long_name


def test_the_register_as_a_table() -> None:
    table = counts.markdown(COUNTS.values())
    assert table.count("\n") == len(COUNTS) + 1
    assert "| `batch_events` | axes…, batch, cause, bin | u4 | 1 | firms of this batch" in table


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: ds.drop_vars("firms"), "no variable 'firms'"),
        (lambda ds: ds.drop_vars("events"), "no variable 'events'"),
        (lambda ds: ds.assign(firms=ds.firms * 1.0), "'firms' has type float64; counts are integers"),
        (lambda ds: ds.assign(batch_firms=ds.batch_firms.rename(batch="x")), "'batch_firms' has dims"),
        (lambda ds: ds.assign(events=ds.events.transpose("week", ...)), "'events' has dims"),
    ],
)
def test_other_datasets_are_refused(change, said: str) -> None:
    ds = firmfate.survival.example()
    counts.check_counts(ds)
    with pytest.raises(firmfate.errors.FirmfateError, match=said):
        counts.check_counts(change(ds))
    assert isinstance(ds, xr.Dataset)
    assert math.prod(ds.firms.shape) == 6


@pytest.mark.parametrize("dim", ["size", "tenths"])
def test_an_axis_with_the_name_of_a_marks_dimension_is_refused_before_anything_runs(dim: str, tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "kernel" / "my_model.py").read_text()
    assert '"tenths"' in text
    (tmp_path / "own_model.py").write_text(text.replace('"tenths"', f'"{dim}"'))
    study = '[study]\nname = "own"\nmodel = "own_model.py:SHOP"\nyears = 1\nreplicates = 5\n[grid]\nsize = [1, 2]\n'
    if dim == "size":
        with pytest.raises(firmfate.errors.StudyError, match="'size' is a name that results use themselves"):
            firmfate.Study.parse(study, beside=tmp_path)
    else:
        assert firmfate.Study.parse(study, beside=tmp_path).design.count == 2
