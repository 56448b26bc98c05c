"""Studies that can be run: what is read, defaults, times, and how parts override the whole."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmfate.errors import StudyError
from firmfate.models import load_model
from firmfate.study import Study, template
from firmfate.tables.rendering import toml

EXAMPLE = """
[study]
name = "paradox"
model = "firm"
question = "Does stronger execution shorten the life of misaligned firms?"
years = 20
steps_per_week = 1
replicates = 10_000
seed = 20261123
common_random_numbers = true

[grid]
execution    = { from = 0.0, to = 1.0, points = 21 }
misalignment = { from = 0.0,  to = 1.0, points = 21 }

[population]
unit_cost = { normal = [0.57, 0.02] }

[parameters]
correct_time = 26
"""


def test_the_example_of_the_design_is_read() -> None:
    study = Study.parse(EXAMPLE)
    assert (study.name, study.model.name, study.model_name, study.years, study.weeks) == (
        "paradox",
        "firm",
        "firm",
        20,
        1040,
    )
    assert (study.steps_per_week, study.dt, study.steps) == (1.0, 1.0, 1040)
    assert (study.replicates, study.seed, study.common_random_numbers) == (10_000, 20261123, True)
    assert (study.batches, study.horizons, study.record_firms) == (32, (156, 260, 520, 1040), False)
    assert study.parameters == {"correct_time": 26.0}
    assert study.base["correct_time"] == 26.0
    assert study.base["capacity"] == 1.35
    assert [axis.key for axis in study.design.axes] == ["execution", "misalignment"]
    assert study.design.axes[0].values == tuple(round(0.05 * place, 12) for place in range(21))
    assert study.text == EXAMPLE


def test_tables_in_python_are_the_same_study() -> None:
    study = Study(
        study={
            "name": "paradox",
            "question": "Does stronger execution shorten the life of misaligned firms?",
            "replicates": np.int64(10_000),
            "seed": 20261123,
            "model": "firm",
            "years": 20,
            "steps_per_week": 1,
            "common_random_numbers": np.True_,
        },
        grid={
            "execution": {"from": 0.0, "to": 1.0, "points": 21},
            "misalignment": {"from": 0.0, "to": 1.0, "points": 21},
        },
        population={"unit_cost": {"normal": (0.57, 0.02)}},
        parameters={"correct_time": 26},
    )
    assert study == Study.parse(EXAMPLE)
    assert Study.parse(study.text) == study
    assert Study(study={"name": "a"}, grid={"execution": np.linspace(0, 1, 3)}).design.axes[0].values == (0.0, 0.5, 1.0)


def test_a_study_travels_between_processes(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from firmfate.models.car import MODEL\n")
    (tmp_path / "cells.csv").write_text("execution,notice\n0.1,0.2\n0.5,0.3\n")
    path = tmp_path / "study.toml"
    path.write_text('cells = "cells.csv"\n[study]\nname = "own"\nmodel = "own.py:MODEL"\n')
    study = Study.read(path)
    again = pickle.loads(pickle.dumps(study))
    assert again == study
    assert again.path == path
    assert study.files == {"own.py": tmp_path / "own.py", "cells.csv": tmp_path / "cells.csv"}
    assert [axis.values for axis in again.design.axes] == [(0.1, 0.5), (0.2, 0.3)]


def test_a_study_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Study.parse(EXAMPLE).seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "weeks", "dt", "steps", "horizons"),
    [
        ({}, 1040, 1.0, 1040, (156, 260, 520, 1040)),
        ({"years": 7}, 364, 1.0, 364, (156, 260, 364)),
        ({"years": "78 weeks"}, 78, 1.0, 78, (78,)),
        ({"years": "14 days", "steps_per_week": 7}, 2, 1 / 7, 14, (2,)),
        ({"years": 0.5, "steps_per_week": 2}, 26, 0.5, 52, (26,)),
        ({"model": "car"}, 1040, 13.0, 80, (156, 260, 520, 1040)),
        ({"model": "car", "steps_per_week": 1}, 1040, 1.0, 1040, (156, 260, 520, 1040)),
        ({"steps_per_week": "1/26"}, 1040, 26.0, 40, (156, 260, 520, 1040)),
        ({"steps_per_week": 1 / 40}, 1040, 40.0, 26, (520, 1040)),
        ({"years": 1000}, 52_000, 1.0, 52_000, (156, 260, 520, 1040, 52_000)),
    ],
)
def test_times(settings: dict[str, object], weeks: int, dt: float, steps: int, horizons: tuple[int, ...]) -> None:
    study = Study(study={"name": "times", **settings})
    assert (study.weeks, study.dt, study.steps, study.horizons) == (weeks, dt, steps, horizons)
    assert isinstance(study.steps, int)


def test_record() -> None:
    study = Study(study={"name": "record"}, record={"horizons": [10, "26 weeks"], "batches": 64, "firms": True})
    assert (study.horizons, study.batches, study.record_firms) == ((26, 520, 1040), 64, True)


def test_quantities_with_units_of_time() -> None:
    study = Study(
        study={"name": "units"},
        grid={
            "correct_time": ["13 weeks", "1 year", 26],
            "observe_time": {"from": "7 days", "to": "2 years", "points": 3},
        },
        parameters={"adopt_time": "0.5 years", "kpi_time": "1_3 week"},
    )
    assert study.design.axes[0].values == (13.0, 26.0, 52.0)
    assert study.design.axes[1].values == (1.0, 52.5, 104.0)
    assert study.parameters == {"adopt_time": 26.0, "kpi_time": 13.0}


def test_the_part_overrides_the_whole_wherever_it_is_set() -> None:
    study = Study(
        study={"name": "parts"},
        grid={"misalignment": [0, 1], "misalignment.sales": [0.5, 0.6]},
        parameters={"misalignment": {"finance": 0.1}, "execution.quality": 0.9, "execution": 0.3},
        population={"execution": {"sales": {"beta": [2, 2]}}},
    )
    assert study.targets["misalignment"] == (
        "misalignment_production",
        "misalignment_quality",
        "misalignment_logistics",
    )
    assert study.targets["misalignment.sales"] == ("misalignment_sales",)
    assert study.targets["execution"] == ("execution_production", "execution_finance", "execution_logistics")
    assert study.base["execution_quality"] == 0.9
    assert study.base["execution_finance"] == 0.3
    assert study.base["misalignment_finance"] == 0.1


def test_nested_tables_are_dotted_keys() -> None:
    nested = Study.parse(
        '[study]\nname = "a"\n[parameters.misalignment]\nsales = 0.2\n[grid]\nexecution.sales = [0, 1]\n'
    )
    dotted = Study.parse(
        '[study]\nname = "a"\n[parameters]\n"misalignment.sales" = 0.2\n[grid]\n"execution.sales" = [0, 1]\n'
    )
    assert nested.parameters == dotted.parameters == {"misalignment.sales": 0.2}
    assert nested.design == dotted.design


def test_parts_are_called_as_datasets_call_them_too() -> None:
    dotted, flat = (
        Study(
            name="names", grid={f"misalignment{dot}sales": [0, 1]}, parameters={f"execution{dot}quality": 0.2},
            population={f"execution{dot}sales": {"beta": [2, 2]}, "alarm": {"uniform": [0.5, 0.9]},
                        "correlation": [{"between": [f"execution{dot}sales", "alarm"], "rank": 0.3}],
                        "strata": {f"execution{dot}sales": 2}},
        )
        for dot in "._"
    )  # fmt: skip
    assert dotted.cells.axes == flat.cells.axes == ("misalignment.sales",)
    assert dotted.population == flat.population
    np.testing.assert_array_equal(dotted.cells.parameters, flat.cells.parameters)
    with pytest.raises(StudyError, match="written twice"):
        Study(name="names", parameters={"execution.sales": 0.1, "execution_sales": 0.1})


def test_values_are_rounded_to_twelve_digits() -> None:
    study = Study(study={"name": "round"}, grid={"execution": [0.1 + 0.2]}, parameters={"capacity": 4 / 3})
    assert study.design.axes[0].values == (0.3,)
    assert study.base["capacity"] == 1.33333333333


def test_log_axis() -> None:
    study = Study(study={"name": "log"}, grid={"correct_time": {"from": 1, "to": 1000, "points": 4, "scale": "log"}})
    assert study.design.axes[0].values == (1.0, 10.0, 100.0, 1000.0)


@pytest.mark.parametrize("model", ["firm", "car"])
def test_templates_can_be_run(model: str) -> None:
    study = Study.parse(template("first", model))
    assert (study.name, study.model) == ("first", load_model(model))
    assert [axis.key for axis in study.design.axes] == ["execution", "misalignment"]


def test_what_the_template_comments_out_can_be_run_too() -> None:
    lines = template("first").splitlines()
    shown = "\n".join(
        line.removeprefix("# ") if line.startswith(("# [", "# unit", "# corr", "# firms", "# hor", '# "mis')) else line
        for line in lines
        if not line.startswith("# correct_time = 26")
    )
    study = Study.parse(shown)
    assert {axis.key for axis in study.design.axes} == {
        "execution",
        "misalignment",
        "misalignment.sales",
        "correct_time",
    }
    assert study.population.keys == ("unit_cost",)
    assert study.record_firms
    assert study.horizons == (260, 520, 1040)


scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(
    st.dictionaries(st.text(max_size=5), nested | st.lists(st.dictionaries(st.text(max_size=3), nested, max_size=3)))
)
def test_rendered_toml_reads_back(tables: dict[str, object]) -> None:
    assert tomllib.loads(toml(tables)) == tables


def test_what_is_fixed_is_neither_on_an_axis_nor_drawn() -> None:
    study = Study(
        study={"name": "fixed"},
        grid={"misalignment.sales": [0, 1]},
        parameters={"misalignment": 0.2},
        population={"execution": {"beta": [2, 3]}},
    )
    assert len(study.fixed) == len(study.model.fields) - 6
    assert study.fixed["misalignment_finance"] == 0.2
    assert not {"misalignment_sales", "execution_sales", "execution_logistics"} & set(study.fixed)


def test_a_population_is_described_key_by_key() -> None:
    def described(**table: object) -> dict[str, str]:
        return Study(study={"name": "a"}, population=table).population.described

    pair = {"between": ["execution", "alarm"], "normal": 0.5}
    full = described(
        execution={"beta": [2, 3]},
        alarm={"uniform": {"high": 0.9, "low": 0.5}},
        strata={"alarm": 4},
        correlation=[pair],
    )
    assert full == {
        "alarm": "uniform(0.5, 0.9)",
        "execution": "beta(2, 3)",
        "correlation alarm, execution": "0.5",
        "strata alarm": "4",
    }
    assert described(execution={"empirical": [0.2, 0.1]}) == described(execution={"empirical": [0.1, 0.2]})
    assert described(execution={"empirical": [0.2, 0.1]}) != described(execution={"empirical": [0.1, 0.3]})


@pytest.mark.parametrize(
    ("tables", "count"),
    [
        ({}, 1),
        ({"grid": {"execution": [0, 1], "alarm": [0.5, 0.6, 0.7]}}, 6),
        ({"cells": [{"alarm": 0.5}, {"alarm": 0.6}]}, 2),
        ({"sobol": {"points": 9, "execution": [0, 1]}}, 9),
        ({"latin_hypercube": {"points": 9, "execution": [0, 1]}}, 9),
        ({"saltelli": {"points": 8, "execution": [0, 1], "alarm": [0.5, 0.9]}}, 32),
        (
            {
                "saltelli": {
                    "points": 8,
                    "execution": [0, 1],
                    "alarm": [0.5, 0.9],
                    "blindness": [0, 1],
                    "second_order": True,
                }
            },
            64,
        ),
        ({"coalitions": {"execution": [0, 1], "alarm": [0.5, 0.9], "blindness": [0, 1]}}, 8),
    ],
    ids=str,
)
def test_cells_are_counted_without_laying_them_out(tables: dict[str, Any], count: int) -> None:
    study = Study(study={"name": "count"}, **tables)
    assert study.design.count == count
    if "saltelli" in tables:
        pytest.importorskip("SALib")
    assert len(study.cells) == count
