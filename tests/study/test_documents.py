"""The JSON schema agrees with the reader, and the tables of documentation are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from firmfate.design import DESIGNS
from firmfate.design.families import NAMES
from firmfate.errors import StudyError
from firmfate.models import load_model
from firmfate.study import (
    Study,
    designs_table,
    distributions_table,
    parameter_table,
    settings_table,
    study_schema,
    template,
)
from firmfate.study.parts import table_names

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module", params=["firm", "car"])
def validator(request: pytest.FixtureRequest) -> Any:
    schema = study_schema(load_model(request.param))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.fixture(scope="module")
def firm_validator() -> Any:
    return jsonschema.Draft7Validator(study_schema(load_model("firm")))


def test_the_schema_knows_every_table(validator: Any) -> None:
    assert set(validator.schema["properties"]) == set(table_names())


@pytest.mark.parametrize("model", ["firm", "car"])
def test_templates_fit_their_schema(model: str) -> None:
    validator = jsonschema.Draft7Validator(study_schema(load_model(model)))
    validator.validate(tomllib.loads(template("first", model)))


GOOD: tuple[dict[str, Any], ...] = (
    {"parameters": {"correct_time": 26, "misalignment": {"sales": 0.2}, "misalignment.finance": 0.1}},
    {"grid": {"execution": [0, 1], "correct_time": ["13 weeks", 26], "alarm": {"values": [0.5]}}},
    {"grid": {"capacity": {"from": 1.2, "to": 2, "points": 3, "scale": "log"}, "misalignment": {"sales": [0, 1]}}},
    {"cells": [{"execution": 0.1}, {"execution": 0.2}]},
    {"cells": [{"name": "weak", "execution": 0.1}, {"name": "strong", "execution": 0.2}]},
    {"latin_hypercube": {"points": 8, "optimise": "none", "execution": [0, 1]}},
    {"sobol": {"points": 8, "scramble": False, "execution": {"from": 0, "to": 1}}},
    {"saltelli": {"points": 8, "second_order": False, "execution.sales": [0, 1], "alarm": [0.5, 0.9]}},
    {"coalitions": {"misalignment": {"sales": [0, 1], "finance": {"off": 0, "on": 1}}}},
    {"population": {"execution": {"beta": {"a": 2, "b": 2}}, "alarm": {"constant": 0.5},
                    "cash_buffer": {"lognormal": {"median": 10, "sd_log": 0.5}},
                    "correct_time": {"uniform": ["1 year", 60]}, "strata": {"execution": 4},
                    "correlation": [{"between": ["execution", "cash_buffer"], "rank": 0.3}]}},
    {"grid": {"misalignment_sales": [0, 1]}, "parameters": {"execution_quality": 0.2}},
    {"population": {"execution_sales": {"beta": [2, 2]}, "alarm": {"constant": 0.5}, "strata": {"execution_sales": 4}}},
    {"record": {"firms": True, "horizons": [5, "52 weeks"], "batches": 16}},
    {"study": {"name": "x", "years": "20 years", "steps_per_week": "1/13", "model": "firm", "seed": 3}},
)  # fmt: skip

BAD: tuple[dict[str, Any], ...] = (
    {"parameters": {"corect_time": 26}},
    {"parameters": {"execution": 1.5}},
    {"parameters": {"defect_rate": 0}},
    {"parameters": {"inspection": 1}},
    {"parameters": {"misalignment": {"sale": 0.2}}},
    {"grid": {"execution": []}},
    {"grid": {"execution": 0.5}},
    {"grid": {"execution": [0.5, 0.5]}},
    {"grid": {"blindness": ["13 weeks"]}},
    {"grid": {"correct_time": ["3 months"]}},
    {"grid": {"execution": {"from": 0, "to": 1}}},
    {"sobol": {"execution": [0, 1]}},
    {"saltelli": {"points": 8, "scramble": True, "execution": [0, 1]}},
    {"coalitions": {"execution": {"on": 1}}},
    {"population": {"execution": {"norm": [0.5, 0.1]}}},
    {"population": {"execution": {"beta": [2]}}},
    {"population": {"cash_buffer": {"lognormal": [2.3, 0.7]}}},
    {"cells": [{"name": "", "execution": 0.1}]},
    {"population": {"execution": {"beta": [2, 2], "uniform": [0, 1]}}},
    {"record": {"batches": 4}},
    {"study": {"name": "../x"}},
    {"study": {"name": "x", "replicates": 0}},
    {"study": {"name": "x", "replicates": "many"}},
    {"study": {"question": "no name"}},
    {"gird": {}},
)


@pytest.mark.parametrize(
    ("good", "tables"), [*((True, tables) for tables in GOOD), *((False, tables) for tables in BAD)]
)
def test_schema_and_reader_agree(firm_validator: Any, good: bool, tables: dict[str, Any]) -> None:
    written = {"study": {"name": "x"}, **tables}
    assert firm_validator.is_valid(written) is good
    if good:
        Study(**written)
    else:
        with pytest.raises(StudyError):
            Study(**written)


@pytest.mark.parametrize("kind", DESIGNS)
def test_the_example_of_a_design_fits_the_schema_and_is_laid_out(firm_validator: Any, kind: str) -> None:
    if "SALib" in DESIGNS[kind].needs:
        pytest.importorskip("SALib")
    text = f'[study]\nname = "example"\n\n{DESIGNS[kind].example}'
    firm_validator.validate(tomllib.loads(text))
    study = Study.parse(text)
    assert type(study.design) is DESIGNS[kind]
    assert len(study.cells) == study.design.count
    assert study.design.words.startswith(DESIGNS[kind].called)


def test_every_design_has_a_row_and_is_named_where_people_look() -> None:
    rows = designs_table().splitlines()[2:]
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for design, row in zip(DESIGNS.values(), rows, strict=True):
        assert row.startswith(f"| `{design.heading()}` | {design.summary} |")
        assert row.split(" | ")[-2:] == [
            "new cells alone are run" if design.extends else "makes other cells",
            "the table and the seed |" if design.drawn else "the table |",
        ]
        assert design.heading() in readme
        assert design.heading() in template("first")


def test_what_a_design_says_of_itself_is_so() -> None:
    """Traits against cells: other seeds, more points, dimensions."""
    for kind, design in DESIGNS.items():
        if "SALib" in design.needs:
            pytest.importorskip("SALib")
        text = f'[study]\nname = "example"\n\n{design.example}'
        study, other = (Study.parse(text.replace("name = ", f"seed = {seed}\nname = ", 1)) for seed in (1, 2))
        assert (set(study.cells.keys) != set(other.cells.keys)) == design.drawn, kind
        assert (study.cells.dims != ("cell",)) == design.crossed, kind
        if "points = " in text and kind != "grid":
            (points,) = re.findall(r"points = (\d+)", text)
            more = Study.parse(text.replace(f"points = {points}", f"points = {2 * int(points)}")).cells.keys
            assert (set(more) > set(Study.parse(text).cells.keys)) == design.extends, kind


@pytest.mark.parametrize("name", ["firm", "car"])
def test_every_parameter_has_a_row(name: str) -> None:
    model = load_model(name)
    rows = parameter_table(model).splitlines()
    assert len(rows) == 2 + len(model.parameters)
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    for parameter, row in zip(model.parameters, rows[2:], strict=True):
        assert row.startswith(f"| `{parameter.name}`" + (" \\*" if parameter.assumption else "") + " |")
        assert f"| {parameter.default:g} | {parameter.unit} | {parameter.allowed} |" in row


def test_every_setting_has_a_row() -> None:
    table = settings_table()
    assert (
        "| `study.replicates` | `1000` | firms simulated in every cell; with [precision] those of the pilot, 4096 by"
        in table
    )
    assert '| `study.model` | `"firm"` |' in table
    assert "| `record.firms` | `false` |" in table


def test_every_distribution_has_a_row() -> None:
    table = distributions_table()
    assert [name for name in NAMES if f"{{ {name} = " not in table] == []
