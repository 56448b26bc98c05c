"""The main job on a small study: a study file goes in, a finding with its standard error and a report come out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate import survival

STUDY = Path(__file__).parents[2] / "studies" / "small" / "study.toml"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, run."""
    into = tmp_path_factory.mktemp("small") / "run"
    firmfate.run(STUDY, into=into, progress=False).close()
    return into


def test_run_ends_with_the_finding_and_the_report(command: Callable, ran: Path) -> None:
    ended = command("run", STUDY, "--into", ran)
    assert ended.code == 0
    assert "all 18,000 firms are there already" in ended.err
    finding, counts, report = ended.out.splitlines()
    assert "standard error" in finding
    assert counts == f"counts: {ran / 'result.nc'}"
    assert report == f"report: {ran / 'report.html'}"
    assert (ran / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    assert command("run", STUDY, "--into", ran, "--quiet", "--no-report").out == ""
    printed = json.loads(command("run", STUDY, "--into", ran, "--json", "--quiet", "--no-report").out)
    assert printed == {
        "directory": str(ran), "result": str(ran / "result.nc"), "report": None,
        "firms": 18_000, "invalid": 0, "finding": finding,
    }  # fmt: skip
    assert command("report", ran).out == f"report: {ran / 'report.html'}\n"


@pytest.mark.parametrize(("misalignment", "sign"), [(0.0, 1), (1.0, -1)])
def test_the_paradox_is_there_by_more_than_ten_standard_errors(ran: Path, misalignment: float, sign: int) -> None:
    """Strong execution lengthens the lifetimes of aligned firms and shortens those of misaligned ones."""
    strong, weak = ({"execution": value, "misalignment": misalignment} for value in (1.0, 0.05))
    with firmfate.open_run(ran) as ds:
        gap = survival.contrast(ds, survival.rmst, between=(strong, weak))
    assert sign * gap.estimate.item() > 10 * gap.se.item()


def test_without_execution_misalignment_does_nothing(tmp_path: Path) -> None:
    """The negative control: with E = 0 practices do not drift, and the same firms have the same trajectories."""
    firms = firmfate.simulate("firm", execution=0.0, misalignment=[0.0, 0.5, 1.0], replicates=300, weeks=520)
    for name in ("event_week", "cause", "alarm_week"):
        assert (firms[name] == firms[name][0]).all()
