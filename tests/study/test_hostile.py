"""Hostile study files: whatever is in them, the answer is one short message that no terminal obeys, and exit code 2."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firmfate
from firmfate.errors import ModelError, StudyError
from firmfate.study import Study

HEAD = '[study]\nname = "small"\nyears = 2\nreplicates = 20\n'
LONGEST = 2_500
LONG = "k" * 5_000


def refused(ended: object) -> str:
    """See that a command was refused with one message that can be shown; return it."""
    assert ended.code == 2, ended
    assert ended.out == ""
    assert ended.err.count("firmfate: ") == 1
    assert len(ended.err) < LONGEST
    assert [c for c in ended.err if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")] == []
    return ended.err


WRITTEN = {
    "a decimal number of 5,000 digits": (HEAD.replace("20\n", "2" * 5_000 + "\n"), "thousands of digits"),
    "a hexadecimal number of 5,000 digits": (
        HEAD.replace("20\n", f"0x{'f' * 5_000}\n"),
        "study.replicates = 0xfff",
    ),
    "a parameter of 5,000 hexadecimal digits": (f"{HEAD}[parameters]\ncorrect_time = 0x{'f' * 5_000}", "too large"),
    "a long key": (f"{HEAD}{LONG} = 1", "study.kkk"),
    "a long table": (f"{HEAD}[{LONG}]", "a study has no such table"),
    "a long parameter": (f"{HEAD}[parameters]\n{LONG} = 1", "model 'firm' has no parameter 'kkk"),
    "a long axis": (f"{HEAD}[grid]\n{LONG} = [1]", "grid.kkk"),
    "a long distribution": (f"{HEAD}[population]\nalarm = {{ {LONG} = [1] }}", "there is no such distribution"),
    "a long argument": (f"{HEAD}[population]\nalarm = {{ beta = {{ {LONG} = 1 }} }}", "there is no such key"),
    "a long stratum": (
        f"{HEAD}[population]\nexecution = {{ beta = [2, 2] }}\nstrata = {{ {LONG} = 2 }}",
        "does not differ",
    ),
    "a long correlation": (
        f"{HEAD}[population]\nexecution = {{ beta = [2, 2] }}\n"
        f'[[population.correlation]]\nbetween = ["{LONG}", "a"]\nrank = 0',
        "does not differ",
    ),
    "a long name of a model": (f'{HEAD}model = "{LONG}"', "is not known"),
    "a long name of a model file": (f'{HEAD}model = "{LONG}.py:M"', "study.model"),
    "a long name of a list": (f'cells = "{LONG}.csv"\n{HEAD}', "cannot be read"),
    "a long name of observed values": (
        f'{HEAD}[population]\nalarm = {{ empirical = "{LONG}.csv" }}',
        "cannot be read",
    ),
    "a thousand unknown keys": (HEAD + "\n".join(f"key{place} = 1" for place in range(1_000)), "1000 faults"),
    "a thousand values out of range": (
        "\n".join(f"[[cells]]\nexecution = {place}" for place in range(2, 1_002)) + f"\n{HEAD}",
        "1000 faults",
    ),
    "a field of 200,000 characters": (f'cells = "long.csv"\n{HEAD}', "long.csv line 2: is no CSV (field larger than"),
    "a list without a name": (f'cells = "a\\u0000b"\n{HEAD}', "is no name of a file"),
    "a time of a million digits": (HEAD.replace("years = 2", f'years = "{"1" * 1_000_000}!"'), "a unit of time"),
    "a key of 50,000 parts": (f"{HEAD}[grid]\n{'a.' * 50_000}a = 1", "holds a key of more than 100 parts"),
    "a table of 50,000 quoted parts": (
        HEAD + "[ " + '"a\\"." . ' * 50_000 + "a]\n",
        "holds a key of more than 100 parts",
    ),
    "a broken line": (f"{HEAD}\x1b[2J", "is no TOML"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that studies name."""
    (tmp_path / "long.csv").write_text(f"execution\n{'1' * 200_000}\n")
    return tmp_path


@pytest.mark.parametrize("what", WRITTEN)
def test_hostile_studies_are_refused_in_one_short_message(command: Callable, folder: Path, what: str) -> None:
    text, says = WRITTEN[what]
    (folder / "study.toml").write_text(text)
    assert says in refused(command("check", folder / "study.toml"))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no file without an end")
def test_a_list_that_has_no_end_is_refused(command: Callable, tmp_path: Path) -> None:
    """It filled the memory."""
    (tmp_path / "study.toml").write_text(f'cells = "/dev/zero"\n{HEAD}')
    assert "/dev/zero is a folder, a pipe or a device, and no file" in refused(
        command("check", tmp_path / "study.toml")
    )
    assert "/dev/zero is a device" in refused(command("check", "/dev/zero"))


@pytest.mark.parametrize("text", [f'cells = "circle.csv"\n{HEAD}', f'{HEAD}model = "circle.py:WALK"'])
def test_links_in_a_circle_are_refused(command: Callable, tmp_path: Path, text: str) -> None:
    """Up to Python 3.12 they were an internal error."""
    for name in ("circle.csv", "circle.py"):
        (tmp_path / name).symlink_to(name)
    (tmp_path / "study.toml").write_text(text)
    assert "circle." in refused(command("check", tmp_path / "study.toml"))
    assert "/dev/zero is a device" in refused(command("check", "/dev/zero"))


def test_lists_in_lists_are_refused_however_many() -> None:
    """Some, which TOML's reader took, were too deep for the message that shows them: an internal error."""
    for depth in range(300, 520):
        with pytest.raises(StudyError):
            Study.parse(f"{HEAD}[grid]\nexecution = {'[' * depth}{']' * depth}")
    for depth, says in ((98, "grid.execution"), (99, "nested too deeply")):
        with pytest.raises(StudyError, match=says):
            Study.parse(f"{HEAD}[grid]\nexecution = {'[' * depth}{']' * depth}")


POINTS = "a." * 5_000 + "a"


def test_text_with_many_points_and_keys_of_some_parts_are_taken() -> None:
    study = Study.parse(
        HEAD + f'question = "see, {POINTS}, \\"{POINTS}"  # {POINTS}, {POINTS}\n'
        f"[parameters] # '\nmisalignment.sales = 0.5\n# \"\n# {POINTS}\n"
    )
    assert study.parameters == {"misalignment.sales": 0.5}


def test_integers_of_thousands_of_digits_are_refused_in_python_too() -> None:
    with pytest.raises(StudyError, match=r"study\.replicates = 0x"):
        Study(study={"name": "a", "replicates": 10**5_000})
    with pytest.raises(StudyError, match=r"parameters\.correct_time = -0x.* is too large"):
        Study(study={"name": "a"}, parameters={"correct_time": -(10**5_000)})


WALK = """\
from math import log
from firmfate import Cause, Model, Normal, Parameter, Stock

def start(p, draw):
    return {"cash": log(p.skill)}

def step(s, p, draw, shock, week):
    return {"cash": s.cash + shock.sales, "broke": s.cash < 0}

WALK = Model(name="walk", summary="A walk.", start=start, step=step, stocks=[Stock("cash")], causes=[Cause("broke")],
             parameters=[Parameter("skill", 1.0)], shocks=[Normal("sales")])
"""

CANNOT_START = {
    "a start that is too large": (
        "car",
        "buffer_mean = [0.8, 800]",
        "distance is inf after the first step with median random numbers (in the cell buffer_mean = 800.0)",
    ),
    "a start that is undefined": (
        "walk.py:WALK",
        "skill = [1, -2]",
        "cash is nan after the first step with median random numbers (in the cell skill = -2.0)",
    ),
}


@pytest.mark.parametrize("what", CANNOT_START)
@pytest.mark.parametrize("name", ["check", "plan", "run"])
def test_values_that_a_model_cannot_start_from_are_refused_before_the_run(
    command: Callable, tmp_path: Path, what: str, name: str
) -> None:
    """They were found after all firms were run, as an internal error, where trajectories were kept for the report."""
    model, axis, says = CANNOT_START[what]
    (tmp_path / "walk.py").write_text(WALK)
    (tmp_path / "study.toml").write_text(f'{HEAD}model = "{model}"\n[grid]\n{axis}\n')
    words = ("--into", tmp_path / "run") if name == "run" else ()
    said = refused(command(name, tmp_path / "study.toml", *words))
    assert f"model '{model.partition('.')[0]}' cannot start: " in said
    assert says in said
    assert not (tmp_path / "run").exists()


MODEL = """\
from dataclasses import replace
from firmfate import SHARE, Mark, Parameter
from firmfate.models.car import MODEL as CAR

NAMES = ("cause_characters", "shade", "shades", "shade_count", "early_shade_count", "execution_upper", "cause", "tint")


def step(s, p, draw, shock, week):
    return {**CAR.step(s, p, draw, shock, week), "shades": 1}


MODEL = replace(CAR, name="painted", marks=(Mark("shades", 3, "how dark it was", dim="shade"),), step=step,
                parameters=CAR.parameters + tuple(Parameter(name, 0.5, "1", SHARE, "a share") for name in NAMES))
"""


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """A model whose parameters are called as results call their own dimensions and variables."""
    (tmp_path / "painted.py").write_text(MODEL)
    return tmp_path


@pytest.mark.parametrize("axis", ["cause_characters", "shade", "shades", "shade_count", "early_shade_count", "cause"])
def test_an_axis_cannot_have_a_name_of_the_result(painted: Path, axis: str) -> None:
    """Some were found only after all firms were run: "cannot create a new dimension with the same name"."""
    text = f'[study]\nname = "own"\nmodel = "painted.py:MODEL"\n[grid]\n{axis} = [0.5, 0.6]\n'
    with pytest.raises(StudyError, match=f"grid.{axis}: '{axis}' is a name that results use themselves"):
        Study.parse(text, beside=painted)
    assert Study.parse(text.replace(f"{axis} =", "tint ="), beside=painted).cells.dims == ("tint",)


def test_an_axis_cannot_have_the_name_of_the_edges_of_strata(painted: Path) -> None:
    text = (
        '[study]\nname = "own"\nmodel = "painted.py:MODEL"\n[grid]\nexecution_upper = [0.5, 0.6]\n'
        "[population]\nexecution = { beta = [2, 2] }\n"
    )
    Study.parse(text, beside=painted)
    with pytest.raises(StudyError, match=r"grid\.execution_upper: .* edges of population\.strata\.execution"):
        Study.parse(text + "strata = { execution = 2 }\n", beside=painted)


def test_what_is_drawn_cannot_have_a_name_of_the_table_of_firms(painted: Path) -> None:
    text = '[study]\nname = "own"\nmodel = "painted.py:MODEL"\n[population]\ncause = { beta = [2, 2] }\n'
    Study.parse(text, beside=painted)
    with pytest.raises(StudyError, match=r"population\.cause: 'cause' is a name that firms\.nc uses itself"):
        Study.parse(text + "[record]\nfirms = true\n", beside=painted)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.text(max_size=400), st.text(max_size=400) | st.integers() | st.lists(st.text(max_size=90))),
    st.sampled_from(["study", "grid", "cells", "sobol", "population", "parameters", "record", "coalitions"]),
    st.text(max_size=400),
)
def test_messages_can_be_shown_whatever_was_written(table: dict[str, object], name: str, other: str) -> None:
    tables = {"study": {"name": "any"}, name: table, other: {}}
    if name == "cells":
        tables["cells"] = [table]
    try:
        Study(**tables)
    except StudyError as fault:
        message = str(fault)
        assert len(message) < 6_000
        assert [c for c in message if c != "\n" and unicodedata.category(c) == "Cc" and c != "\t"] == []


def test_all_faults_are_reported_and_none_twice() -> None:
    text = (
        '[study]\nname = "A"\nseed = -1\nseeds = 1\n[grid]\nexecution = [0.5, 2]\nalarm = []\n[gird]\n'
        "[population]\nunit_cost = { normal = [0.57, -1] }\n[parameters]\ncorect_time = 1\ncorrect_time = true\n"
        "[record]\nbatches = 1\n"
    )
    with pytest.raises(StudyError) as refusal:
        Study.parse(text, path=Path("study.toml"))
    found = refusal.value.faults
    begins = ("[gird]", "study.seeds", "study.name", "study.seed ", "record.batches", "parameters.corect_time")
    begins += ("parameters.correct_time", "grid.execution[1]", "grid.alarm", "population.unit_cost")
    assert len(found) == len(set(found)) == len(begins)
    assert sorted(begins) == sorted(start for start in begins for fault in found if fault.startswith(start))
    lines = str(refusal.value).splitlines()
    assert lines[0] == "10 faults"
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_study_whose_model_cannot_be_read_still_reports_its_settings() -> None:
    with pytest.raises(StudyError, match=r"(?s)2 faults.*study\.seed = -1.*study\.model = \"frim\""):
        Study(study={"name": "a", "seed": -1, "model": "frim"}, grid={"nonsense": 1})


CHECKS = {
    "an attribute that is not there": ("yield values.margn", "line 11: check failed: AttributeError: 'dict' object"),
    "a key that is not there": ("yield values['margn']", "line 11: check failed: KeyError: 'margn'"),
    "no sentence": ("yield 3", "check failed: TypeError: check yielded 3; it yields sentences"),
    "one sentence in place of many": (
        "return 'too low'",
        "check failed: TypeError: check returned 'too low'; it yields",
    ),
}


@pytest.mark.parametrize("what", CHECKS)
def test_a_fault_in_a_models_check_is_its_authors(command: Callable, tmp_path: Path, what: str) -> None:
    body, says = CHECKS[what]
    check = f"def check(values, dt):\n    {body}\n\nWALK = Model(check=check, "
    (tmp_path / "walk.py").write_text(WALK.replace("WALK = Model(", check))
    (tmp_path / "study.toml").write_text(f'{HEAD}model = "walk.py:WALK"\n[grid]\nskill = [1, 2]\n')
    for name in ("check", "plan", "run"):
        said = refused(command(name, tmp_path / "study.toml", *(("--into", tmp_path / "run") if name == "run" else ())))
        assert f"FF123 model 'walk': {tmp_path}/walk.py, line 1" in said
        assert says in said
        assert "internal error" not in said
    assert not (tmp_path / "run").exists()
    with pytest.raises(ModelError, match="FF123"):
        firmfate.simulate(f"{tmp_path}/walk.py:WALK", replicates=2)


def test_a_check_that_cannot_be_computed_names_the_cell(command: Callable, tmp_path: Path) -> None:
    check = "def check(values, dt):\n    if 1 / (values['skill'] - 2) > 5:\n        yield 'too skilled'\n\n"
    (tmp_path / "walk.py").write_text(WALK.replace("WALK = Model(", f"{check}WALK = Model(check=check, "))
    (tmp_path / "study.toml").write_text(f'{HEAD}model = "walk.py:WALK"\n[grid]\nskill = [1, 2]\n')
    said = refused(command("check", tmp_path / "study.toml"))
    assert "the conditions of model 'walk' cannot be computed: " in said
    assert "in the cell skill = 2.0" in said
