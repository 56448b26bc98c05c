"""Firms whose arithmetic fails: counted, printed with a command that shows one, and never taken for survivors."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import InvalidFirmsWarning

MODEL = '''\
"""The logarithm of a stock that may fall below 0."""

from math import log

from firmfate import SHARE, Cause, Model, Normal, Parameter, Stock


def start(p, draw):
    return {"savings": 3.0, "mood": 0.0}


def step(s, p, draw, shock, week):
    savings = s.savings + p.size * shock.sales
    return {"savings": savings, "mood": log(savings + 2.0), "closed": savings > 6.0}


MODEL = Model(
    name="fails", summary="A firm whose arithmetic may fail.", start=start, step=step,
    parameters=(Parameter("size", 0.1, "1", SHARE, "size of shocks", "invented"),),
    stocks=(Stock("savings", "1", "savings"), Stock("mood", "1", "logarithm of savings")),
    causes=(Cause("closed", "rich"),), shocks=(Normal("sales"),),
)
'''
STUDY = '[study]\nname = "fails"\nmodel = "fails.py:MODEL"\nyears = 2\nreplicates = 200\n[grid]\nsize = [0.01, 0.5]\n'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with such firms in its second cell."""
    folder = tmp_path_factory.mktemp("invalid")
    (folder / "fails.py").write_text(MODEL)
    (folder / "study.toml").write_text(STUDY)
    with pytest.warns(
        InvalidFirmsWarning, match=r"of 400 firms has failed, in 1 cell .* firmfate replay .* --size 0\.5"
    ):
        firmfate.run(folder / "study.toml", into=folder / "run", progress=False).close()
    return folder / "run"


def first_of(run: Path) -> tuple[int, int]:
    """Return how many firms are invalid, and the first: by simulation, without counts."""
    with pytest.warns(InvalidFirmsWarning):
        firms = firmfate.simulate(f"{run.parent}/fails.py:MODEL", parameters={"size": 0.5}, weeks=104, replicates=200)
    invalid = firms.event_week.isnull().values[0]
    return int(invalid.sum()), int(invalid.argmax())


def test_run_exits_with_3_and_prints_a_command_that_shows_one(command: Callable, run: Path, tmp_path: Path) -> None:
    count, first = first_of(run)
    ended = command("run", run.parent / "study.toml", "--into", run)
    assert ended.code == 3
    assert f"the arithmetic of {count} of 400 firms has failed" in ended.err
    assert f"the first is replicate {first} of size 0.5" in ended.err
    assert "report: " in ended.out, "the report is written all the same"
    (words,) = re.findall(r"^  firmfate (replay .*)$", ended.err, re.MULTILINE)
    shown = command(*shlex.split(words), "--csv", tmp_path / "firm.csv")
    assert shown.code == 0
    assert "its arithmetic has failed" in shown.out
    assert ",\n" in (tmp_path / "firm.csv").read_text(), "the logarithm is NaN, an empty column of CSV"


def test_a_run_without_them_exits_with_0(command: Callable, run: Path, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace("fails.py", f"{run.parent}/fails.py").replace(", 0.5", ", 0.02"))
    ended = command("run", tmp_path / "study.toml", "--into", tmp_path / "run", "--no-report")
    assert ended.code == 0
    assert "arithmetic" not in ended.err
    assert "invalid" not in command("status", tmp_path / "run").out


def test_status_gather_and_report_state_them(command: Callable, run: Path) -> None:
    count, first = first_of(run)
    state = command("status", run)
    assert state.code == 3
    assert f"invalid   the arithmetic of {count} of 400 firms has failed" in state.out
    assert f"--size 0.5 --replicate {first}" in state.out
    assert json.loads(command("status", run, "--json").out)["invalid"] == count
    gathered = command("gather", run)
    assert gathered.code == 0, "a job that reports may follow"
    assert f"--size 0.5 --replicate {first}" in gathered.err
    assert json.loads(command("gather", run, "--json").out)["invalid"] == count
    assert command("report", run).code == 0
    assert f"the arithmetic of {count} of 400 firms has failed" in (run / "report.html").read_text()


def test_status_counts_the_cells_that_hold_some(run: Path, tmp_path: Path) -> None:
    """Two of three do."""
    text = STUDY.replace("fails.py", f"{run.parent}/fails.py").replace("0.5]", "0.5, 0.9]")
    (tmp_path / "study.toml").write_text(text)
    with pytest.warns(InvalidFirmsWarning, match="of 600 firms has failed, in 2 cells"):
        firmfate.run(tmp_path / "study.toml", into=tmp_path / "run", progress=False).close()
    found = firmfate.status(tmp_path / "run").invalid
    assert found is not None
    assert (found.cells, found.cell) == (2, {"size": 0.5})


def test_of_strata_the_lowest_replicate_is_named(run: Path, tmp_path: Path) -> None:
    text = STUDY.replace("fails.py", f"{run.parent}/fails.py").replace("[grid]\nsize = [0.01, 0.5]\n", "")
    text += "[population]\nsize = { uniform = [0.3, 0.9] }\nstrata = { size = 2 }\n"
    (tmp_path / "study.toml").write_text(text)
    with pytest.warns(InvalidFirmsWarning, match=r"in 1 cell .* the only cell: ") as warned:
        ds = firmfate.run(tmp_path / "study.toml", into=tmp_path / "run", progress=False)
    first, invalid = ds.first_invalid.values, ds.invalid.values
    assert invalid.shape == (1, 2)
    assert (invalid > 0).all(), "both strata hold some, or the test is of nothing"
    assert f"the first is replicate {first.min()} of" in str(warned[0].message)
    state = firmfate.status(tmp_path / "run").invalid
    assert (state.count, state.replicate) == (invalid.sum(), first.min())
    ds.close()
