"""The studies beside the examples: the engine's firms are those of plain Python, and what is found of them."""

import pytest

import firmfate
from firmfate import survival
from firmfate.analysis import finding

STUDIES = {
    "market-growth": (
        {"ddw": 0.7},
        {"ddw": 1.0},
        "Ddw matters to the mean lifetime within 30 years: raising it from 0 to 1 shortens life by",
    ),
    "beer-game": ({"cell": "all of it"}, {"cell": "blind"}, "shortest at 'blind'"),
    "capability-trap": (
        {"work_sensitivity": 0.5, "step_in_required_output": 0.9},
        {"work_sensitivity": 4.0, "step_in_required_output": 0.9},
        "work sensitivity matters most to the mean lifetime within 20 years: raising it from 0.5 to 4 shortens life by",
    ),
}


def study(examples, name, replicates):
    text = (examples / name / "study.toml").read_text()
    assert text.count("replicates = 2_000") == 1
    return firmfate.Study.parse(text.replace("2_000", str(replicates)), beside=examples / name)


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_study_finds(examples, name, tmp_path):
    longer, shorter, words = STUDIES[name]
    with firmfate.run(study(examples, name, 200), into=tmp_path, progress=False) as ds:
        gap = survival.contrast(ds, survival.rmst, between=(longer, shorter))
        assert float(gap.estimate) > 20 * float(gap.se) > 0
        assert words in finding(ds).sentence()
        assert int(ds.invalid.sum()) == 0


@pytest.mark.parametrize("name", STUDIES)
def test_firms_of_the_engine_are_those_of_plain_python(examples, name):
    _, shorter, _ = STUDIES[name]
    shorter = {"beta": 0.0, "goal": 8.84} if "cell" in shorter else shorter
    read = study(examples, name, 8)
    settings = {"parameters": {**read.parameters, **shorter}, "weeks": read.weeks, "seed": 5}
    firms = firmfate.simulate(read.model, replicates=8, **settings)
    assert (firms.cause > 0).any()
    for i in range(8):
        life = firmfate.simulate_path(read.model, replicate=i, **settings)
        assert float(firms.event_week[0, i]) == life.attrs["event_week"]


@pytest.mark.parametrize("name", STUDIES)
def test_an_example_is_short(examples, name):
    (file,) = (examples / name).glob("*.py")
    assert len(file.read_text().splitlines()) < 120
