"""A run directory belongs to one study by its name; it may grow, and never shrinks or changes its axes.

What is refused is refused by every command, with what to do, and nothing in the directory is touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import RunDirectoryError

STUDY = """\
[study]
name = "small"
model = "car"
years = 10
replicates = 40
seed = 3

[grid]
execution = [0.1, 0.9]
misalignment = [0.0, 0.5, 1.0]
"""

OTHERS = {
    "another name": ('name = "small"', 'name = "paradox"', "name: the run has 'small', the study asks for 'paradox'"),
    "fewer replicates": ("replicates = 40", "replicates = 39", "40 replicates a cell, the study asks for 39"),
    "a cell less": ("[0.0, 0.5, 1.0]", "[0.0, 1.0]", "2 of 6 cells are not in the study"),
    "as many cells, others": ("[0.0, 0.5, 1.0]", "[0.0, 0.4, 1.0]", "2 of 6 cells are not in the study"),
    "more cells, but one of the old": (
        "[0.0, 0.5, 1.0]", "[0.0, 0.25, 0.75, 1.0]", "2 of 6 cells are not in the study",
    ),
    "the axes in another order": (
        "execution = [0.1, 0.9]\nmisalignment = [0.0, 0.5, 1.0]\n",
        "misalignment = [0.0, 0.5, 1.0]\nexecution = [0.1, 0.9]\n",
        "execution, misalignment; those of the study are misalignment, execution",
    ),
    "the same cells as a list": (
        "[grid]\nexecution = [0.1, 0.9]\nmisalignment = [0.0, 0.5, 1.0]\n",
        "".join(f"[[cells]]\nexecution = {e}\nmisalignment = {m}\n" for e in (0.1, 0.9) for m in (0.0, 0.5, 1.0)),
        "dimensions are execution, misalignment; those of the study are cell",
    ),
}  # fmt: skip
"""What is changed -> from, to, and what the refusal says."""


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return (time of the last change, content) of every file below a folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the study, with its report; copies of it are used."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "study.toml").write_text(STUDY)
    firmfate.run(folder / "study.toml", into=folder / "run", progress=False).close()
    firmfate.write_report(folder / "run")
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(finished, tmp_path / "run")


def changed(tmp_path: Path, what: str) -> Path:
    """Write the study, changed."""
    old, new, _ = OTHERS[what]
    assert old in STUDY
    path = tmp_path / "changed.toml"
    path.write_text(STUDY.replace(old, new))
    return path


def refused(ended: object, said: str) -> None:
    """See that a command ended with exit code 2 and one message that says so, and what to do."""
    assert ended.code == 2, ended
    assert ended.out == ""
    assert said in ended.err
    assert "choose a new directory" in ended.err
    assert ended.err.count("firmfate: ") == 1


@pytest.mark.parametrize("what", OTHERS)
def test_run_refuses_a_study_that_is_another_or_less(command: Callable, run: Path, tmp_path: Path, what: str) -> None:
    before = everything(run)
    refused(command("run", changed(tmp_path, what), "--into", run), OTHERS[what][2])
    assert everything(run) == before


@pytest.mark.parametrize("words", [
    ("run", "STUDY", "--into", "DIR", "--workers", "1"),
    ("run", "STUDY", "--into", "DIR", "--shards", "0/2"),
    ("plan", "STUDY", "--into", "DIR"),
    ("submit", "STUDY", "--into", "DIR", "--profile", "PROFILE"),
    ("submit", "STUDY", "--into", "DIR", "--profile", "PROFILE", "--pretend"),
])  # fmt: skip
@pytest.mark.parametrize("what", ["another name", "fewer replicates", "a cell less"])
def test_every_command_refuses(command: Callable, run: Path, tmp_path: Path, words: tuple[str, ...], what: str) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text('memory = "1G"\nconcurrent = 2\n')
    places = {"STUDY": changed(tmp_path, what), "DIR": run, "PROFILE": profile}
    before = everything(run)
    refused(command(*(places.get(word, word) for word in words)), OTHERS[what][2])
    assert everything(run) == before


@pytest.mark.parametrize("command_name", ["gather", "replay"])
@pytest.mark.parametrize("what", OTHERS)
def test_a_study_file_that_was_edited_in_the_directory_is_refused(
    command: Callable, run: Path, command_name: str, what: str
) -> None:
    """`status` prints ``firmfate run DIR/study.toml``: so that is the file that somebody edits."""
    old, new, said = OTHERS[what]
    (run / "study.toml").write_text(STUDY.replace(old, new))
    before = everything(run)
    refused(command(command_name, run), said)
    refused(command("run", run / "study.toml", "--into", run), said)
    assert everything(run) == before


def test_a_table_of_cells_that_was_edited_in_the_directory_is_refused(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("execution\n0.1\n0.5\n0.9\n")
    study = tmp_path / "study.toml"
    study.write_text(STUDY.partition("[grid]")[0].replace("[study]", 'cells = "cells.csv"\n\n[study]'))
    run = tmp_path / "run"
    assert command("run", study, "--into", run, "--quiet").code == 0
    (run / "cells.csv").write_text("execution\n0.1\n0.9\n")
    before = everything(run)
    refused(command("gather", run), "1 of 3 cells are not in the study")
    assert everything(run) == before


GROWN = {
    "replicates": (("replicates = 40", "replicates = 50"), 300),
    "cells": (("[0.0, 0.5, 1.0]", "[0.0, 0.25, 0.5, 1.0]"), 320),
    "cells, in another order of values": (("[0.0, 0.5, 1.0]", "[1.0, 0.5, 0.25, 0.0]"), 320),
    "another question": (("seed = 3", 'seed = 3\nquestion = "Why?"'), 240),
}


@pytest.mark.parametrize(
    "what", ["cells", *(pytest.param(one, marks=pytest.mark.slow) for one in GROWN if one != "cells")]
)
def test_a_run_grows(command: Callable, run: Path, tmp_path: Path, what: str) -> None:
    (old, new), firms = GROWN[what]
    study = tmp_path / "grown.toml"
    study.write_text(STUDY.replace(old, new))
    before = {path.name for path in (run / "shards").iterdir()}
    assert command("run", study, "--into", run, "--quiet").code == 0
    with firmfate.open_run(run) as ds:
        assert int(ds.firms.sum()) == firms
    assert before <= {path.name for path in (run / "shards").iterdir()}
    assert (run / "study.toml").read_text() == study.read_text()
    # What it has grown to is what it must not fall behind again.
    (tmp_path / "study.toml").write_text(STUDY)
    ended = command("run", tmp_path / "study.toml", "--into", run, "--quiet")
    assert ended.code == (0 if what == "another question" else 2), ended


def test_a_claim_without_a_single_shard_is_held_to_too(command: Callable, tmp_path: Path) -> None:
    """What belongs to a study is said when it is claimed, not when something is finished."""
    study = firmfate.Study.parse(STUDY)
    from firmfate.shards import RunDirectory

    RunDirectory(tmp_path / "run").claim(study)
    with pytest.raises(RunDirectoryError, match="40 replicates a cell, the study asks for 39"):
        firmfate.run(firmfate.Study.parse(STUDY.replace("40", "39")), into=tmp_path / "run", progress=False)


def test_growth_that_was_cut_short_goes_on(command: Callable, run: Path, tmp_path: Path) -> None:
    """Killed when study.toml was written, and the record of what the directory belongs to was not yet."""
    study = tmp_path / "grown.toml"
    study.write_text(STUDY.replace("replicates = 40", "replicates = 50"))
    shutil.copy(study, run / "study.toml")
    assert command("run", study, "--into", run, "--quiet").code == 0
    assert json.loads((run / "provenance.json").read_text())["replicates"] == 50


def test_two_runs_of_one_name_in_directories_of_their_own(command: Callable, run: Path, tmp_path: Path) -> None:
    """The way out that the refusal names."""
    study = changed(tmp_path, "fewer replicates")
    assert command("run", study, "--into", tmp_path / "other", "--quiet").code == 0
    with firmfate.open_run(tmp_path / "other") as ds, firmfate.open_run(run) as large:
        assert (int(ds.firms.sum()), int(large.firms.sum())) == (234, 240)
