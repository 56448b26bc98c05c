"""Bad studies: each is refused with one message that names the key's path, the value, and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmfate.errors import StudyError
from firmfate.study import Study

HEAD = '[study]\nname = "small"\n'

REFUSED = {
    # what is wrong: (TOML after the head, words that the message must hold)
    "unknown table": ("[gird]\nexecution = [0]", ["[gird]", "did you mean 'grid'?"]),
    "unknown study key": ("seeds = 3", ["study.seeds", "did you mean 'seed'?"]),
    "unknown parameter": ("[parameters]\ncorect_time = 26", ["parameters.corect_time", "did you mean 'correct_time'?"]),
    "unknown axis": ("[grid]\nexecuton = [0.5]", ["grid.executon", "did you mean 'execution'?"]),
    "part with another name": (
        "[grid]\nmisalignment_sale = [0.5]",
        ["grid.misalignment_sale", "did you mean 'misalignment.sales'?"],
    ),
    "unknown division": ("[grid]\nmisalignment = { sales = [0], sale = [1] }", ["grid.misalignment.sale"]),
    "no near name": ("[parameters]\nzzz = 1", ["parameters.zzz", "allowed: those that `firmfate parameters` lists"]),
    "no near name, few to list": ('model = "car"\n[parameters]\nzzz = 1', ["allowed: execution, misalignment, buffer"]),
    "no such part": (
        '[grid]\n"execution.hr" = [0.5]',
        ["grid.execution.hr", "allowed: execution, execution.sales, execution.production"],
    ),
    "NaN": ("[grid]\nexecution = [0.5, nan]", ["grid.execution[1] = nan", "finite"]),
    "infinite": ("[parameters]\ncorrect_time = inf", ["parameters.correct_time = inf", "finite"]),
    "too large for a float": ("[parameters]\ncorrect_time = 1" + "0" * 400, ["parameters.correct_time", "too large"]),
    "true is no number": ("[grid]\nexecution = [true]", ["grid.execution[0] = true", "must be a number"]),
    "text is no number": ('[grid]\nexecution = ["high"]', ['grid.execution[0] = "high"', "number"]),
    "a date is no number": ("[grid]\nexecution = [2020-01-01]", ["grid.execution[0]", "2020-01-01", "number"]),
    "execution 1.5": ("[grid]\nexecution = [0.5, 1.5]", ["grid.execution[1] = 1.5", "[0, 1]"]),
    "execution fixed at 1.5": ("[parameters]\nexecution = 1.5", ["parameters.execution = 1.5", "[0, 1]"]),
    "empty grid": ("[grid]", ["[grid] has no axis"]),
    "empty axis": ("[grid]\nexecution = []", ["grid.execution = []", "empty"]),
    "empty values": ("[grid]\nexecution = { values = [] }", ["grid.execution = []", "empty"]),
    "scalar axis": ("[grid]\nexecution = 0.5", ["grid.execution = 0.5", "list", "[parameters]"]),
    "axis without points": ("[grid]\nexecution = { from = 0, to = 1 }", ["grid.execution needs 'points'"]),
    "axis without end": ("[grid]\nexecution = { from = 0, points = 3 }", ["grid.execution needs 'to'"]),
    "axis upside down": ("[grid]\nexecution = { from = 1, to = 0, points = 3 }", ["grid.execution.from = 1", "below"]),
    "axis with one point": ("[grid]\nexecution = { from = 0, to = 1, points = 1 }", ["grid.execution.points = 1"]),
    "axis misspelt": (
        "[grid]\nexecution = { form = 0, to = 1, points = 3 }",
        ["execution.form", "did you mean 'from'?"],
    ),
    "log from zero": (
        '[grid]\nexecution = { from = 0, to = 1, points = 3, scale = "log" }',
        ["grid.execution.from = 0", "above 0 on a log scale"],
    ),
    "scale misspelt": ('[grid]\nexecution = { from = 0, to = 1, points = 3, scale = "lin" }', ["linear", "log"]),
    "replicates 0": ("replicates = 0", ["study.replicates = 0", "from 1"]),
    "replicates 1.5": ("replicates = 1.5", ["study.replicates = 1.5", "integer"]),
    "replicates as text": ('replicates = "many"', ['study.replicates = "many"', "integer"]),
    "replicates true": ("replicates = true", ["study.replicates = true", "integer"]),
    "seed below 0": ("seed = -1", ["study.seed = -1", "from 0"]),
    "seed beyond 64 bits": ("seed = 18446744073709551616", ["study.seed", "18446744073709551615"]),
    "flag as text": ('common_random_numbers = "yes"', ["common_random_numbers", "true or false"]),
    "duplicate values": ("[grid]\nexecution = [0.5, 0.2, 0.5]", ["grid.execution[2] = 0.5", "grid.execution[0]"]),
    "duplicate after rounding": (
        "[grid]\nexecution = [0.3, 0.30000000000000004]",
        ["grid.execution[1]", "12 significant"],
    ),
    "range narrower than rounding": (
        "[grid]\nexecution = { from = 0.5, to = 0.500000000001, points = 9 }",
        ["grid.execution", "12 significant"],
    ),
    "axis also fixed": (
        "[grid]\nexecution = [0, 1]\n[parameters]\nexecution = 0.5",
        ["parameters.execution", "set by [grid] already"],
    ),
    "axis also drawn": (
        "[grid]\nexecution = [0, 1]\n[population]\nexecution = { beta = [2, 2] }",
        ["population.execution", "set by [grid] already"],
    ),
    "axis that parts cover": (
        "[grid]\nexecution = [0, 1]\n[parameters]\n"
        "execution = { sales = 0, production = 0, quality = 0, finance = 0, logistics = 0 }",
        ["grid.execution has no effect", "execution.logistics"],
    ),
    "key and nested table": (
        '[grid]\n"execution.sales" = [0]\nexecution = { sales = [1] }',
        ["grid.execution.sales is written twice"],
    ),
    "two designs": ("[grid]\nexecution = [0]\n[sobol]\npoints = 4\nexecution = [0, 1]", ["[grid] and [sobol]"]),
    "too many cells": (
        "[grid]\n"
        + "\n".join(
            f"{key} = {{ from = 0.1, to = 0.9, points = 1000 }}" for key in ("execution", "misalignment", "blindness")
        ),
        ["[grid] has 1,000,000,000 cells", "at most 1,000,000"],
    ),
    "precision": ("[precision]\nrmts = 0.05", ["precision.rmts: there is no such key", "did you mean 'rmst'?"]),
    "study is no table": ("[[cells]]\nexecution = 0.5\n[[cells]]\nmisalignment = 0.5", ["cells[1]", "same keys"]),
    "cells twice": (
        "[[cells]]\nexecution = 0.5\n[[cells]]\nexecution = 0.5",
        ["cells[1] is the same cell as cells[0]"],
    ),
    "cells file missing": ("[study2]\n", ["[study2]", "did you mean 'study'?"]),
    "horizon of part of a week": ("years = 0.33", ["study.years = 0.33", "integer number of weeks"]),
    "horizon zero": ("years = 0", ["study.years = 0", "above 0 and at most 1000 years"]),
    "horizon negative": ("years = -3", ["study.years = -3", "above 0 and at most 1000 years"]),
    "horizon endless": ("years = 2000", ["study.years = 2000", "1000 years"]),
    "horizon in months": ('years = "6 months"', ['"6 months"', "a month is no fixed number of weeks"]),
    "horizon no step": (
        'model = "car"\nyears = "20 weeks"',
        ['study.years = "20 weeks"', "are no integer number of steps of 13 weeks"],
    ),
    "steps 1.5": ("steps_per_week = 1.5", ["study.steps_per_week = 1.5", '"1/k"']),
    "steps 0.9": ("steps_per_week = 0.9", ["study.steps_per_week = 0.9"]),
    "steps 0": ("steps_per_week = 0", ["study.steps_per_week = 0"]),
    "steps tiny": ("steps_per_week = 1e-300", ["study.steps_per_week = 1e-300"]),
    "steps 1/0": ('steps_per_week = "1/0"', ["study.steps_per_week"]),
    "record horizon beyond": ("years = 5\n[record]\nhorizons = [10]", ["record.horizons: 520 weeks lie beyond"]),
    "record horizon in a step": (
        'model = "car"\n[record]\nhorizons = ["20 weeks"]',
        ["record.horizons: 20 weeks are no integer number of steps"],
    ),
    "record horizon twice": ("[record]\nhorizons = [5, 5]", ["record.horizons[1] = 5", "record.horizons[0]"]),
    "batches 4": ("[record]\nbatches = 4", ["record.batches = 4", "from 8 to 1024"]),
    "unknown model": ('model = "frim"', ["study.model", "did you mean 'firm'?"]),
    "model file missing": ('model = "nowhere.py:MODEL"', ["study.model", "there is no file", "nowhere.py"]),
    "time for a share": (
        '[parameters]\nblindness = "2 weeks"',
        ["parameters.blindness", "only times may carry a unit"],
    ),
    "unknown unit": ('[parameters]\ncorrect_time = "2 fortnights"', ["parameters.correct_time", "days, weeks, years"]),
    "control characters": ('question = "a\\u0000b"', ["study.question", "control characters"]),
    "points missing": ("[sobol]\nexecution = [0, 1]", ["[sobol] needs 'points'"]),
    "points odd for Saltelli": (
        "[saltelli]\npoints = 100\nexecution = [0, 1]",
        ["saltelli.points = 100", "power of two"],
    ),
    "Saltelli of one axis": ("[saltelli]\npoints = 64\nexecution = [0, 1]", ["[saltelli]", "at least 2 axes"]),
    "Saltelli of two axes, second order": (
        "[saltelli]\npoints = 64\nexecution = [0, 1]\nalarm = [0.5, 0.9]\nsecond_order = true",
        ["[saltelli]", "at least 3 axes"],
    ),
    "range of one value": ("[sobol]\npoints = 4\nexecution = [0.5, 0.5]", ["sobol.execution.from = 0.5", "below"]),
    "range of three": ("[sobol]\npoints = 4\nexecution = [0, 0.5, 1]", ["sobol.execution", "range"]),
    "optimise misspelt": (
        '[latin_hypercube]\npoints = 4\noptimise = "maxmin"\nexecution = [0, 1]',
        ["did you mean 'maximin'?"],
    ),
    "hypercube too large to exchange": (
        '[latin_hypercube]\npoints = 5000\noptimise = "discrepancy"\nexecution = [0, 1]',
        ["latin_hypercube.points = 5000", "at most 2,000"],
    ),
    "coalition of one state": ("[coalitions]\nexecution = [0.5, 0.5]", ["coalitions.execution.on = 0.5", "differ"]),
    "coalition without off": ("[coalitions]\nexecution = { on = 1 }", ["coalitions.execution", "off"]),
    "empty population": ("[population]", ["[population] has no parameter"]),
    "unknown distribution": (
        "[population]\nalarm = { norm = [0.5, 0.1] }",
        ["alarm.norm", "did you mean 'normal'?"],
    ),
    "distribution as a list": ("[population]\nexecution = [0.5, 0.1]", ["population.execution", "truncated_normal"]),
    "arguments missing": (
        "[population]\nexecution = { beta = [2] }",
        ["execution.beta = [2]", "[a, b, low, high]"],
    ),
    "arguments by wrong name": (
        "[population]\nexecution = { beta = { a = 2, c = 2 } }",
        ["population.execution.beta.c"],
    ),
    "sd below 0": ("[population]\nunit_cost = { normal = [0.57, -0.02] }", ["sd must not be negative"]),
    "beta shape 0": ("[population]\nexecution = { beta = [0, 2] }", ["a and b must lie in [0.01, 1e6]"]),
    "draws leave the range": (
        "[population]\nexecution = { normal = [0.5, 0.2] }",
        ["population.execution.normal", "[0, 1]", "truncated_normal = [0.5, 0.2, 0, 1]"],
    ),
    "uniform leaves the range": ("[population]\nexecution = { uniform = [0.5, 1.1] }", ["1.1", "[0, 1]"]),
    "mode outside": ("[population]\nexecution = { triangular = [0.1, 0.9, 0.5] }", ["low <= mode <= high"]),
    "triangle of no width": ("[population]\nexecution = { triangular = [0.5, 0.5, 0.5] }", ["low < high"]),
    "constant outside": ("[population]\nexecution = { constant = 1.5 }", ["population.execution.constant", "[0, 1]"]),
    "observed outside": ("[population]\nexecution = { empirical = [0.5, 1.5] }", ["empirical[1] = 1.5", "[0, 1]"]),
    "correlated with what is fixed": (
        "[population]\nexecution = { beta = [2, 2] }\n"
        '[[population.correlation]]\nbetween = ["execution", "alarm"]\nrank = 0.5',
        ["population.correlation[0].between", "'alarm' does not differ"],
    ),
    "correlation of one": (
        "[population]\nexecution = { beta = [2, 2] }\nalarm = { uniform = [0.5, 0.9] }\n"
        '[[population.correlation]]\nbetween = ["execution", "alarm"]\nrank = 1',
        ["population.correlation[0].rank = 1", "(-1, 1)"],
    ),
    "correlations that cannot be": (
        "[population]\nexecution = { beta = [2, 2] }\nalarm = { uniform = [0.5, 0.9] }\nblindness = { beta = [2, 2] }\n"
        'correlation = [{ between = ["execution", "alarm"], normal = 0.9 },'
        ' { between = ["alarm", "blindness"], normal = 0.9 },'
        ' { between = ["execution", "blindness"], normal = -0.9 }]',
        ["cannot all hold at once"],
    ),
    "strata of what is fixed": (
        "[population]\nexecution = { beta = [2, 2] }\nstrata = { alarm = 4 }",
        ["population.strata.alarm", "those that do: execution"],
    ),
    "strata whose first bin would be empty": (
        "[population]\nexecution = { empirical = [0.2, 0.2, 0.2, 0.8] }\nstrata = { execution = 2 }",
        ["population.strata.execution = 2", "too few"],
    ),
    "strata whose last bin would be empty": (
        "[population]\nexecution = { empirical = [0.2, 0.8, 0.8, 0.8] }\nstrata = { execution = 2 }",
        ["population.strata.execution = 2", "too few"],
    ),
    "strata of too few values": (
        "[population]\nexecution = { empirical = [0.2, 0.2, 0.2, 0.8] }\nstrata = { execution = 4 }",
        ["population.strata.execution = 4", "too few"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_study_is_refused_by_its_path(name: str) -> None:
    text, words = REFUSED[name]
    with pytest.raises(StudyError) as refused:
        Study.parse(HEAD + text)
    message = str(refused.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    "name", ["../x", "", "A", "two words", "x" * 65, "ü", "x\n", "a/b", "."], ids=lambda name: repr(name)[:20]
)
def test_bad_name_is_refused(name: str) -> None:
    with pytest.raises(StudyError, match=r"^study\.name = .*a-z, 0-9, _ and -"):
        Study(study={"name": name})


def test_a_study_needs_a_name() -> None:
    with pytest.raises(StudyError, match=r"study\.name is missing"):
        Study(study={})
    with pytest.raises(StudyError, match=r"\[study\] is missing"):
        Study(grid={"execution": [0.5]})


def test_reserved_names_cannot_be_axes(tmp_path: Path) -> None:
    (tmp_path / "drifter.py").write_text(
        "from dataclasses import replace\n"
        "from firmfate.models.car import MODEL as CAR\n"
        "from firmfate import SHARE, Parameter\n"
        'MODEL = replace(CAR, name="drifter", parameters=CAR.parameters + (Parameter("week", 0.5, "1", SHARE, "w"),'
        ' Parameter("firms", 0.5, "1", SHARE, "f")))\n'
    )
    for name in ("week", "firms"):
        text = f'[study]\nname = "own"\nmodel = "drifter.py:MODEL"\n[grid]\n{name} = [0.5]'
        with pytest.raises(StudyError, match=f"grid.{name}: '{name}' is a name that results use"):
            Study.parse(text, beside=tmp_path)
        Study.parse(text.replace("grid", "parameters").replace("[0.5]", "0.5"), beside=tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(HEAD)
    (tmp_path / "latin.toml").write_bytes('[study]\nname = "caf\xe9"\n'.encode("latin-1"))
    (tmp_path / "broken.toml").write_text('[study]\nname = "a"\n\n[grid\n')
    (tmp_path / "wrong.toml").write_text(HEAD + "replicates = 0\n")
    refusals = {
        "stduy.toml": r"there is no such file; did you mean 'study\.toml'\?",
        ".": r"is a directory; name the study file in it",
        "latin.toml": r"is not UTF-8 text",
        "broken.toml": r"broken\.toml: is no TOML: .*line 4",
        "wrong.toml": r"wrong\.toml: study\.replicates = 0",
        "nul\0.toml": r"is no name of a file",
    }
    for name, message in refusals.items():
        with pytest.raises(StudyError, match=message):
            Study.read(tmp_path / name)
    with pytest.raises(StudyError, match="nested too deeply"):
        Study.parse("a = " + "[" * 100_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "first line must name"),
        ("execution,execution\n", "first line must name"),
        ("execution\n", "no row below"),
        ("execution\n0.5\n0.2,0.3\n", r"cells\.csv line 3: has 2 fields"),
        ("execution\n0.5\nhigh\n", r"cells\.csv line 3\.execution = \"high\""),
        ("execution\n0.5\n1.5\n", r"cells\.csv line 3\.execution = 1\.5: must lie in \[0, 1\]"),
        ("execution\nnan\n", r"line 2\.execution = nan"),
        ("executon\n0.5\n", r"cells\.csv line 1\.executon: .*did you mean 'execution'"),
        ("execution\n0.5\n0.50\n", r"cells\.csv line 3 is the same cell as cells\.csv line 2"),
    ],
)
def test_bad_csv_is_refused_by_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "cells.csv").write_text(content)
    with pytest.raises(StudyError, match=message):
        Study.parse('cells = "cells.csv"\n' + HEAD, beside=tmp_path)


def test_missing_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r'cells = "none\.csv": .*cannot be read \(No such file'):
        Study.parse('cells = "none.csv"\n' + HEAD, beside=tmp_path)
    (tmp_path / "values.csv").write_text("a,b\n0.5,0.5\n")
    text = '[population]\nexecution = { empirical = { file = "values.csv", column = "e" } }\n'
    with pytest.raises(StudyError, match=r'empirical\.column = "e": values\.csv has the columns a, b'):
        Study.parse(HEAD + text, beside=tmp_path)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2**70),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from([0.5, "13 weeks", "log"]),
)
WORDS = (
    "execution misalignment sales from to points scale values beta normal lognormal truncated_normal triangular "
    "empirical constant file correlation between rank strata on off name model years steps_per_week horizons batches "
    "correct_time"
)
words = st.sampled_from(WORDS.split())
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
tables = st.dictionaries(
    st.sampled_from(["grid", "cells", "sobol", "coalitions", "population", "parameters", "record", "saltelli"]),
    values,
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(tables, values)
@example({"population": {"strata": [1]}}, "x")
def test_whatever_is_written_is_a_study_or_is_refused(written: dict[str, object], extra: object) -> None:
    """No table makes anything but a study or a StudyError, and its rendered text says the same."""
    try:
        study = Study(study={"name": "any", "question": "q", "seed": 3}, **written)
    except StudyError:
        return
    assert Study.parse(study.text) == study
    assert tomllib.loads(study.text) == study.tables
