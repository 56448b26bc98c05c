"""Cells: values, names by value, keys of random numbers, labels; and how grids and lists grow."""

from __future__ import annotations

import dataclasses
import itertools
import math
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from firmfate.design import Cells
from firmfate.design.cells import check_distinct, digests, random_keys
from firmfate.design.joint import check, choose
from firmfate.errors import StudyError
from firmfate.models import Model, load_model
from firmfate.randomness import value_key
from firmfate.study import Study

FIELDS = load_model("firm").fields


def cells(**tables: object) -> Cells:
    return Study(**{"study": {"name": "cells"}, **tables}).cells


def column(found: Cells, field: str) -> list[float]:
    return found.parameters[:, found.fields.index(field)].tolist()


def test_a_grid_is_every_combination_first_axis_slowest() -> None:
    found = cells(grid={"correct_time": [26, 13], "execution": [0.2, 0.8, 0.5]}, parameters={"blindness": 0.1})
    assert (found.dims, found.shape, len(found)) == (("correct_time", "execution"), (2, 3), 6)
    assert column(found, "correct_time") == [13.0] * 3 + [26.0] * 3
    assert column(found, "execution_sales") == column(found, "execution_logistics") == [0.2, 0.5, 0.8] * 2
    assert column(found, "blindness") == [0.1] * 6
    assert column(found, "capacity") == [1.35] * 6
    assert found.checked == 6


def test_one_division_overrides_the_whole_as_an_axis() -> None:
    found = cells(grid={"misalignment.sales": [0, 1], "misalignment": [0.3, 0.6]})
    assert found.dims == ("misalignment_sales", "misalignment")
    assert column(found, "misalignment_sales") == [0, 0, 1, 1]
    assert column(found, "misalignment_production") == [0.3, 0.6, 0.3, 0.6]


def test_coordinates_are_ready_for_xarray() -> None:
    found = cells(grid={"misalignment.sales": [0, 1], "correct_time": [13, 26]})
    grid = xr.Dataset({"x": (found.dims, np.arange(4).reshape(found.shape))}, coords=found.coords)
    assert grid.x.sel(misalignment_sales=1, correct_time=13).item() == 2
    assert grid.misalignment_sales.attrs["parameter"] == "misalignment.sales"
    assert grid.misalignment_sales.attrs["long_name"].endswith("(sales)")
    assert grid.correct_time.attrs["units"] == "week"
    listed = cells(cells=[{"execution": 0.5, "correct_time": 13}, {"execution": 0.1, "correct_time": 13}])
    labelled = xr.Dataset({"x": (listed.dims, np.arange(2))}, coords=listed.coords)
    assert labelled.execution.dims == ("cell",)
    assert labelled.execution.values.tolist() == [0.5, 0.1]


def test_without_a_design_there_is_one_cell() -> None:
    found = cells(parameters={"execution": 0.9})
    assert (len(found), found.dims, found.shape, found.axes) == (1, ("cell",), (1,), ())
    assert found.values(0)["execution_quality"] == 0.9


def test_a_list_keeps_its_order_and_reads_units_from_csv(tmp_path: object) -> None:
    (tmp_path / "cells.csv").write_text("\ufeffcorrect_time, misalignment.sales\n2 years,0.5\n\n13,1\n")  # type: ignore[operator]
    found = Study.parse('cells = "cells.csv"\n[study]\nname = "csv"\n', beside=tmp_path).cells  # type: ignore[arg-type]
    assert column(found, "correct_time") == [104.0, 13.0]
    assert column(found, "misalignment_sales") == [0.5, 1.0]
    assert column(found, "misalignment_finance") == [0.5, 0.5]


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True),
    st.integers(0, 2**64 - 1),
    st.booleans(),
)
def test_cells_are_named_by_value_never_by_position(
    execution: list[int], misalignment: list[int], seed: int, common: bool
) -> None:
    """Growing a grid, turning it, or writing it as a list leaves every old cell its name and its random numbers."""
    study = {"name": "grow", "seed": seed, "common_random_numbers": common}
    e, m = ([value / 100 for value in values] for values in (execution, misalignment))
    small = Study(study=study, grid={"execution": e, "misalignment": m}).cells
    grown = Study(study=study, grid={"misalignment": [*m, 0.123], "execution": [0.456, *e]}).cells
    listed = [{"misalignment": y, "execution": x} for x, y in itertools.product(e, m)]
    as_list = Study(study=study, cells=listed).cells
    key = dict(zip(grown.keys, grown.random_keys.tolist(), strict=True))
    assert {name: key[name] for name in small.keys} == dict(zip(small.keys, small.random_keys.tolist(), strict=True))
    assert dict(zip(as_list.keys, as_list.random_keys.tolist(), strict=True)) == {
        name: key[name] for name in small.keys
    }
    assert len(set(small.keys)) == len(small) == len(e) * len(m)
    row = {name: place for place, name in enumerate(grown.keys)}
    np.testing.assert_array_equal(grown.parameters[[row[name] for name in small.keys]], small.parameters)


def test_equal_values_to_twelve_digits_are_the_same_bits_and_name() -> None:
    one = cells(cells=[{"execution": 0.3, "correct_time": 13}])
    other = cells(cells=[{"correct_time": "91 days", "execution": 0.1 + 0.2}])
    assert one.keys == other.keys
    assert one.parameters.tobytes() == other.parameters.tobytes()
    assert cells(cells=[{"execution": 0.300000000001, "correct_time": 13}]).keys != one.keys


def test_negative_zero_is_zero() -> None:
    zeros = [cells(cells=[{"buffer_mean": zero}], study={"name": "a", "model": "car"}) for zero in (0.0, -0.0, 0)]
    assert len({found.keys for found in zeros}) == 1
    assert len({found.parameters.tobytes() for found in zeros}) == 1


def test_random_keys_are_the_seed_or_a_hash_of_values() -> None:
    grid = {"execution": [0.2, 0.8]}
    assert cells(study={"name": "a", "seed": 2**64 - 1}, grid=grid).random_keys.tolist() == [2**64 - 1] * 2
    found = cells(study={"name": "a", "seed": 7, "common_random_numbers": False}, grid=grid)
    assert found.random_keys.tolist() == [value_key(7, "firm", found.values(cell)) for cell in range(2)]
    assert len(set(found.random_keys.tolist())) == 2
    other_name = cells(study={"name": "b", "seed": 7, "common_random_numbers": False, "years": 5}, grid=grid)
    assert other_name.random_keys.tolist() == found.random_keys.tolist()


def test_arrays_cannot_be_written() -> None:
    found = cells(grid={"execution": [0.2]})
    with pytest.raises(ValueError, match="read-only"):
        found.parameters[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        found.random_keys[0] = 1


def test_forty_thousand_cells_are_lean() -> None:
    study = Study(
        study={"name": "large"},
        grid={key: {"from": 0, "to": 1, "points": 200} for key in ("execution", "misalignment")},
    )
    tracemalloc.start()
    found = study.cells
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(found.keys)) == 40_000
    assert found.parameters.nbytes == 40_000 * len(FIELDS) * 8
    assert peak < 4 * found.parameters.nbytes


def test_joint_conditions_are_tested_in_every_cell() -> None:
    """One cell of six breaks the quiet start; it is named."""
    with pytest.raises(
        StudyError, match=r"capacity = 1\.1 leaves .* \(in the cell capacity = 1\.1, defect_rate = 0\.2\)"
    ):
        cells(grid={"capacity": [1.1, 1.2, 1.35], "defect_rate": [0.05, 0.2]})
    cells(grid={"capacity": [1.2, 1.35], "defect_rate": [0.05, 0.2]})
    with pytest.raises(StudyError, match=r"fill_time = 0\.5 weeks must be at least one step \(1 week\)"):
        cells(parameters={"fill_time": 0.5})
    cells(parameters={"fill_time": 0.5}, study={"name": "a", "steps_per_week": 2})


def test_joint_conditions_are_tested_at_the_corners_of_large_designs() -> None:
    axes = {"capacity": {"from": 1.0, "to": 2.0, "points": 100}, "execution": {"from": 0, "to": 1, "points": 100}}
    with pytest.raises(StudyError, match=r"capacity = 1 leaves"):
        cells(grid=axes)
    found = cells(grid={**axes, "capacity": {"from": 1.2, "to": 2.0, "points": 100}})
    assert 5_000 <= found.checked <= 5_004


def test_one_corner_of_ten_thousand_cells_is_found() -> None:
    """Only least capacity with most defects breaks the quiet start: one cell, that a random choice may miss."""
    axes = {
        "capacity": {"from": 1.153, "to": 2.0, "points": 100},
        "defect_rate": {"from": 0.05, "to": 0.2, "points": 100},
    }
    for seed in range(5):
        with pytest.raises(StudyError, match=r"in the cell capacity = 1\.153, defect_rate = 0\.2\)"):
            cells(grid=axes, study={"name": "corner", "seed": seed})
    cells(grid={**axes, "defect_rate": {"from": 0.05, "to": 0.198, "points": 100}})


def test_joint_conditions_hold_for_firms_that_differ() -> None:
    with pytest.raises(
        StudyError, match=r"capacity = .* leaves .*in the cell execution = 0.2, a firm that draws capacity = 1\.0"
    ):
        cells(grid={"execution": [0.2, 0.8]}, population={"capacity": {"truncated_normal": [1.35, 0.1, 1.02, 2]}})
    cells(grid={"execution": [0.2, 0.8]}, population={"capacity": {"truncated_normal": [1.35, 0.1, 1.2, 2]}})
    with pytest.raises(StudyError, match=r"capacity = .* leaves .*\(in a firm that draws defect_rate = 0\.5"):
        cells(population={"defect_rate": {"uniform": [0.05, 0.55]}})


def test_digests_and_random_keys_are_those_of_every_version_before() -> None:
    """Shards are named by them, and random numbers follow them."""
    rows = np.array([[0.1, 2.0], [0.3, -1e300]])
    assert digests(("a", "b"), rows) == ("0c774e966a0b22fc", "5d76456388e4d7fb")
    assert digests(("b", "a"), rows) != digests(("a", "b"), rows)
    assert digests(("a", "b"), np.asfortranarray(rows)) == digests(("a", "b"), rows)
    model = load_model("car")
    row = np.arange(1.0, len(model.fields) + 1)[np.newaxis] / 10
    assert random_keys(5, model, row, common=False).tolist() == [
        value_key(5, "car", dict(zip(model.fields, row[0], strict=True)))
    ]


def test_two_cells_with_the_same_values_are_named() -> None:
    with pytest.raises(StudyError, match=r"cells 1 and 3 of the design \(counted from 0\) have the same values"):
        check_distinct(("a", "b", "c", "b"))
    check_distinct(("a", "b", "c"))


def counting(model: Model, seen: list[dict[str, float]]) -> Model:
    """Return a model whose joint conditions hold, and note what they were asked about."""

    def check(values: dict[str, float], dt: float) -> Iterator[str]:
        seen.append(dict(values))
        yield from ()

    return dataclasses.replace(model, check=check)


def test_a_hundred_cells_a_hundred_firms_and_the_rarest_are_tested() -> None:
    """Of a population of two parameters there are four rarest firms."""
    table = {"alarm": {"uniform": [0.5, 0.9]}, "blindness": {"beta": [2, 2]}}
    study = Study(name="joint", grid={"execution": {"from": 0, "to": 1, "points": 300}}, population=table)
    seen: list[dict[str, float]] = []
    points = study.design.points(0)
    count = check(
        counting(study.model, seen), study.cells.parameters, points=points, axes=study.design.axes,
        population=study.population, dt=1.0, seed=0,
    )  # fmt: skip
    cells = {values["execution_sales"] for values in seen}
    assert len(cells) == count
    assert count == len(choose(points, 100, 0))
    assert {0.0, 1.0} <= cells
    firms = {(values["alarm"], values["blindness"]) for values in seen}
    assert len(firms) == 100 + 4
    assert len(seen) == count * 104
    ends = sorted(firms)
    assert (ends[0][0], ends[-1][0]) == pytest.approx((0.5, 0.9), abs=1e-8)
    assert min(b for _, b in firms) == pytest.approx(float(stats.beta(2, 2).ppf(1e-9)))


def test_a_condition_that_cannot_be_computed_is_broken() -> None:
    def check_fails(values: dict[str, float], dt: float) -> Iterator[str]:
        yield from ("too much",) if math.exp(values["alarm"] * 1_000) < 0 else ()

    study = Study(name="joint", grid={"alarm": [0.5, 0.9]})
    model = dataclasses.replace(study.model, check=check_fails)
    with pytest.raises(
        StudyError, match=r"the conditions of model 'firm' cannot be computed: math range error .*alarm = 0.9"
    ):
        check(
            model, study.cells.parameters, points=study.design.points(0), axes=study.design.axes,
            population=study.population, dt=1.0, seed=0,
        )  # fmt: skip


def test_of_many_points_the_extreme_ones_and_as_many_as_asked_for_are_chosen() -> None:
    random = np.random.default_rng(3)
    points = random.random((1_000, 2))
    assert choose(points[:50], 50, 1).tolist() == list(range(50))
    chosen = choose(points, 50, 1)
    assert {*points.argmin(axis=0).tolist(), *points.argmax(axis=0).tolist()} <= set(chosen.tolist())
    assert 50 <= len(chosen) <= 54
    assert choose(points, 50, 1).tolist() == chosen.tolist() != choose(points, 50, 2).tolist()
    corners = np.repeat([[0.0, 0.0], [1.0, 1.0]], 300, axis=0)
    assert len(choose(corners, 50, 1)) <= 50 + 50 + 4
    flat = np.column_stack([points[:, 0], np.full(1_000, 0.5)])
    assert {int(flat[:, 0].argmin()), int(flat[:, 0].argmax())} <= set(choose(flat, 50, 1).tolist())
