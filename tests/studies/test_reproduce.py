"""Studies: files that can be run, READMEs that show the kept numbers, main numbers found again by plain pandas."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import firmfate
from common.number_table import NumberTable
from firmfate.errors import FirmfateError

STUDIES = Path(__file__).parents[2] / "studies"
SHORT = "selection"
"""A study that takes seconds with few firms."""

SIMULATED = (
    SHORT, "dose-or-speed", "crossing", "paradox", "baseline", "divisions", "robustness", "structures", "dashboards",
    "driver", "way-out", "car", "facts", "posterior",
)  # fmt: skip


FILES = sorted(file for places in ("*/study", "*/small/*", "*/full/*") for file in STUDIES.glob(f"{places}.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(STUDIES)))
def test_every_study_file_can_be_run(file):
    assert firmfate.Study.read(file).question


def test_full_versions_ask_what_the_small_ones_ask(reproduce):
    for name in reproduce.names():
        small, full = reproduce.study_files(name), reproduce.study_files(name, full=True)
        assert set(full) == set(small), name
        for key in small:
            ours, theirs = firmfate.Study.read(small[key]), firmfate.Study.read(full[key])
            assert (theirs.name, theirs.question, theirs.years) == (ours.name, ours.question, ours.years), full[key]
            assert theirs.replicates > ours.replicates, full[key]


def test_readmes_show_the_kept_numbers(reproduce):
    assert set(SIMULATED) == set(reproduce.names())
    for name in reproduce.names():
        text = (STUDIES / name / "README.md").read_text("utf-8")
        assert reproduce.rendered(text, reproduce.kept, name) == text, name
    text = (STUDIES / "README.md").read_text("utf-8")
    assert reproduce.rendered(text, reproduce.kept) == text


def test_a_spoiled_number_is_seen_in_a_readme(reproduce):
    text = (STUDIES / "paradox" / "README.md").read_text("utf-8")
    shown = reproduce.kept("paradox").shown("effect_misaligned")
    spoiled = text.replace(shown, shown.replace("1", "2", 1))
    assert spoiled != text
    assert reproduce.rendered(spoiled, reproduce.kept, "paradox") == text


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ("<!--=effect_misaligned|gain-->?<!--/-->", "11.65"),
        ("<!--=paradox:effect_misaligned@bare-->?<!--/-->", "-11.65<"),
        ("<!--=interior_worst_20_from@percent-->?<!--/-->", "-->30<"),
        ("`<!--=effect_misaligned-->?<!--/-->`", "?"),
        ("<!--=no-such-study:effect-->?<!--/-->", "?"),
    ],
)
def test_markers(reproduce, marker, text):
    assert text in reproduce.rendered(marker, reproduce.kept, "paradox")


def test_unknown_names_and_ways_are_refused(reproduce):
    for marker, message in (
        ("<!--=efect-->1<!--/-->", "no number is called 'efect'"),
        ("<!--=effect_aligned|loud-->1<!--/-->", "'loud' is no way to show a number; allowed: , gain"),
    ):
        with pytest.raises(FirmfateError, match=message):
            reproduce.rendered(marker, reproduce.kept, "paradox")


FOUND = ("baseline", "robustness")
"""Studies whose rows depend on what is found: how many fits are equally good, which assumptions matter most."""

REPLICATES = {"crossing": 4_000, "paradox": 500}
"""Of studies whose main number needs more than 96 firms a cell to exist."""


LONGEST = ("divisions", "car", "robustness", "facts")


def mark_of(name):
    """Return where the numbers of a study are computed again: always, in CI, or for the evidence."""
    return () if name == SHORT else pytest.mark.evidence if name in LONGEST else pytest.mark.slow


def in_turn():
    return [pytest.param(name, marks=mark_of(name)) for name in SIMULATED]


@pytest.mark.parametrize("name", in_turn())
def test_main_numbers_are_found_again_by_plain_pandas(reproduce, tmp_path, name):
    runs = reproduce.run(name, tmp_path, replicates=REPLICATES.get(name, 96), threads=1)
    table = reproduce.estimands(name, runs)
    again = reproduce.rederive(name, tmp_path)
    assert len(again) >= 3
    assert list(reproduce.unequal(name, table, again)) == []
    if name not in FOUND:
        assert set(table.names) == set(reproduce.kept(name).names)
    # A number off by a millionth, or another's, is reported.
    key = next(iter(again))
    spoiled = {**again, key: again[key] * (1 + 1e-6)}
    assert [line.split(" is ")[0] for line in reproduce.unequal(name, table, spoiled)] == [f"{name}: {key}"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name == SHORT else pytest.mark.evidence) for name in SIMULATED],
)
def test_numbers_of_a_full_version_can_be_computed(reproduce, tmp_path, name):
    runs = reproduce.run(name, tmp_path, full=True, replicates=64, threads=1)
    table = reproduce.estimands(name, runs)
    # Of so few firms some turning points and crossings are not there to be found.
    known = [row for row in table if row.value.estimate == row.value.estimate]
    assert len(known) > len(table) / 3


@pytest.fixture
def elsewhere(reproduce, tmp_path, monkeypatch):
    """Let ``reproduce.py`` write into a copy of the studies."""
    copy = shutil.copytree(STUDIES, tmp_path / "studies", ignore=shutil.ignore_patterns("*.png"))
    monkeypatch.setattr(reproduce, "HERE", copy)
    monkeypatch.setattr(reproduce, "TIMES", copy / "times.json")
    return copy


def test_the_seconds_of_a_study_are_kept_where_a_reader_sees_them(reproduce, elsewhere):
    table = reproduce.kept("crossing")
    reproduce.write("crossing", table, {}, {"seconds": 1234, "cores": 7})
    line = next(line for line in (elsewhere / "README.md").read_text("utf-8").splitlines() if "| 1234 (7) |" in line)
    assert line.startswith("| [crossing]")
    # A run that found finished shards says nothing about the time, and what was kept stays.
    reproduce.write("crossing", table, {})
    assert reproduce.times()["crossing"] == {"seconds": 1234, "cores": 7}
    assert line in (elsewhere / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_the_seconds_are_those_of_a_run_from_nothing(reproduce, elsewhere, tmp_path, capsys):
    for file in (elsewhere / "crossing" / "small").glob("*.toml"):
        file.write_text(re.sub("replicates = .*", "replicates = 200", file.read_text("utf-8")), "utf-8")
    arguments = ["crossing", "--into", str(tmp_path / "runs"), "--threads", "1"]
    assert reproduce.main(arguments) == 0
    first = reproduce.times()["crossing"]
    assert first["cores"] == 1
    assert "s from nothing" in capsys.readouterr().out
    reproduce.TIMES.write_text("{}", "utf-8")
    assert reproduce.main(arguments) == 0
    assert reproduce.times() == {}
    assert "s with what was simulated before" in capsys.readouterr().out


def test_differences_name_numbers_that_changed_came_and_went(reproduce):
    rows = list(reproduce.kept("crossing"))
    number = rows[0].value
    rows[0] = dataclasses.replace(rows[0], value=number._replace(estimate=number.estimate + 10 * (number.se or 1)))
    rows[1] = dataclasses.replace(rows[1], name="new_one")
    rows[2] = dataclasses.replace(rows[2], text="in other words")
    lines = list(reproduce.differences("crossing", NumberTable(rows)))
    assert len(lines) == (4 if number.estimate == number.estimate else 3)
    assert any("'new_one' is new" in line for line in lines)
    assert any("is no longer computed" in line for line in lines)
    assert any("'in other words', " in line for line in lines)
