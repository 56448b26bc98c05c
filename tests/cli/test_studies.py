"""Commands on study files: init, check, plan, schema, parameters; and the studies that come with the package."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from firmfate import Study
from firmfate.cli.init import EXAMPLES
from firmfate.models import BUILT_IN, load_model

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.mark.parametrize("model", BUILT_IN)
def test_init_writes_a_study_that_can_be_run(command: Callable, tmp_path: Path, model: str) -> None:
    path = tmp_path / "My First.toml"
    assert command("init", path, "--model", model).code == 0
    study = Study.read(path)
    assert (study.name, study.model.name) == ("my-first", model)
    assert command("check", path).code == 0


def test_init_leaves_a_file_that_is_there(command: Callable, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("mine")
    ended = command("init", path)
    assert (ended.code, path.read_text()) == (2, "mine")
    assert "is there already" in ended.err


def test_the_next_command_can_be_pasted(command: Callable, tmp_path: Path) -> None:
    path = tmp_path / "two words" / "study.toml"
    assert command("init", path).out.strip().endswith(f"firmfate run '{path}'")


def test_init_in_a_folder_names_the_study_after_it(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "growth").mkdir()
    assert command("init", tmp_path / "growth").code == 0
    assert Study.read(tmp_path / "growth" / "study.toml").name == "growth"


@pytest.mark.parametrize("name", EXAMPLES)
def test_studies_in_the_package_equal_the_visible_ones(command: Callable, tmp_path: Path, name: str) -> None:
    packaged = (files("firmfate") / "data" / f"{name}.toml").read_bytes()
    assert packaged == (STUDIES / name / "study.toml").read_bytes()
    assert command("init", "--example", name, tmp_path / "copy.toml").code == 0
    assert (tmp_path / "copy.toml").read_bytes() == packaged


def test_check_prints_what_a_study_is(command: Callable, study_file: Path) -> None:
    ended = command("check", study_file)
    assert ended.code == 0
    assert "'small', model firm, 6 cell(s) x 300 firms, 10 years" in ended.out
    assert command("check", study_file, "--quiet").out == ""
    printed = json.loads(command("check", study_file, "--json").out)
    assert (printed["cells"], printed["shape"], printed["firms"]) == (6, {"execution": 2, "misalignment": 3}, 1800)


def test_plan_counts_what_is_missing(command: Callable, study_file: Path, finished_run: Path, tmp_path: Path) -> None:
    whole = json.loads(command("plan", study_file, "--json").out)
    assert (whole["firms"], whole["missing"], whole["done"]) == (1800, 1800, 0)
    assert command("plan", study_file).out.startswith("study     small: model firm, 10 years")
    assert json.loads(command("plan", study_file, "--into", finished_run, "--json").out)["missing"] == 0
    new = tmp_path / "new"
    assert json.loads(command("plan", study_file, "--into", new, "--json").out)["missing"] == 1800
    assert not new.exists()
    study_file.write_text(study_file.read_text().replace("replicates = 300", "replicates = 500"))
    more = json.loads(command("plan", study_file, "--into", finished_run, "--json").out)
    assert (more["done"], more["missing"]) == (1800, 1200)


def test_plan_refuses_the_directory_of_another_study(command: Callable, study_file: Path, finished_run: Path) -> None:
    study_file.write_text(study_file.read_text().replace("seed = 20261123", "seed = 1"))
    ended = command("plan", study_file, "--into", finished_run)
    assert ended.code == 2
    assert "seed: the run has 20261123, the study asks for 1" in ended.err


def test_a_model_file_is_announced_before_it_runs(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text("print('the model runs')\nfrom firmfate.models.car import MODEL as M\n")
    path = tmp_path / "study.toml"
    path.write_text('[study]\nname = "own"\nmodel = "my_model.py:M"\n[grid]\nexecution = [0.5]\n')
    ended = command("check", path)
    assert ended.code == 0
    assert f"runs now: {tmp_path / 'my_model.py'}" in ended.err


def test_a_model_file_that_is_not_there_is_not_announced(command: Callable, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('[study]\nname = "own"\nmodel = "nope.py:M"\n[grid]\nmargin = [0.5]\n')
    ended = command("check", path)
    assert ended.code == 2
    assert f"there is no file {tmp_path / 'nope.py'}" in ended.err
    assert "runs now" not in ended.err


def test_schema_accepts_the_studies_that_come_with_the_package(command: Callable) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(command("schema").out)
    for name in EXAMPLES:
        jsonschema.validate(tomllib.loads((STUDIES / name / "study.toml").read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"study": {"name": "x", "replicate": 3}}, schema)


def test_parameters_print_every_row_of_a_model(command: Callable) -> None:
    for model in BUILT_IN:
        rows = json.loads(command("parameters", model, "--json").out)
        assert [row["name"] for row in rows] == [row.name for row in load_model(model).parameters]
        table = command("parameters", model).out
        assert all(f"`{row['name']}`" in table for row in rows)
