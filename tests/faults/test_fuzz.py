"""Mutated studies, lists, profiles, models and command lines end as they must; those that did not are kept."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults import fuzz
from tests.faults.children import Children
from tests.faults.counted import record
from tests.faults.fuzz import CELLS, PROFILE, STUDIES, WALK, Case, Wrong, as_process, attack, case, tried

CASES = int(os.environ.get("FIRMFATE_FUZZ_CASES", 20_000))
FIRST = int(os.environ.get("FIRMFATE_FUZZ_FIRST", 1_000_000))
CORPUS = [Case(**kept) for kept in json.loads((Path(__file__).parent / "corpus.json").read_text(encoding="utf-8"))]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files of a case lie."""
    made = tmp_path / "case"
    made.mkdir()
    return made


@pytest.mark.parametrize("place", range(len(CORPUS)))
def test_what_once_ended_otherwise_ends_as_it_must(place: int, folder: Path, run: Path) -> None:
    tried(CORPUS[place], folder, run)


@pytest.mark.parametrize("place", range(len(STUDIES)))
def test_what_is_mutated_is_right_before(place: int, folder: Path, run: Path) -> None:
    files = {"study.toml": STUDIES[place], "cells.csv": CELLS, "profile.toml": PROFILE, "walk.py": WALK}
    assert tried(Case("profile", files, ["plan", "STUDY", "--profile", "PROFILE"]), folder, run) == "done"


def test_a_few_cases_end_as_they_must(run: Path) -> None:
    outcomes, wrong = attack([case(seed) for seed in range(50)], run)
    assert not wrong, wrong
    assert len(outcomes) > 6


@pytest.mark.slow
def test_hundreds_of_cases_end_as_they_must(run: Path) -> None:
    _, wrong = attack([case(seed) for seed in range(1_000, 1_400)], run)
    assert not wrong, wrong


@pytest.mark.evidence
def test_twenty_thousand_cases_end_as_they_must(run: Path, record_property: Callable[[str, object], None]) -> None:
    outcomes, wrong = attack([case(seed) for seed in range(FIRST, FIRST + CASES)], run)
    assert not wrong, wrong
    record(record_property, outcomes)
    record_property("cases", CASES)


@pytest.mark.slow
def test_cases_end_as_they_must_as_processes(run: Path, children: Children) -> None:
    _, wrong = attack([case(seed) for seed in range(2_000, 2_025)], run, as_process(children))
    assert not wrong, wrong


@pytest.mark.evidence
def test_five_hundred_cases_end_as_they_must_as_processes(
    run: Path, children: Children, record_property: Callable[[str, object], None]
) -> None:
    outcomes, wrong = attack([case(seed) for seed in range(FIRST, FIRST + 500)], run, as_process(children))
    assert not wrong, wrong
    record(record_property, outcomes)
    record_property("cases", 500)


ENDINGS = {
    "an exception": ("raise KeyError('x')", "it raises KeyError"),
    "an internal error": ("print('firmfate: internal error', file=sys.stderr); return 1", "exit code 1"),
    "no message": ("return 2", "not one message"),
    "two messages": ("print('firmfate: a\\nfirmfate: b', file=sys.stderr); return 2", "not one message"),
    "a control character": ("print('firmfate: \\x1b[2J', file=sys.stderr); return 2", "it prints"),
    "a long message": ("print('firmfate: ' + 'x' * 5000, file=sys.stderr); return 2", "a message of 50"),
    "output beside a refusal": ("print('1'); print('firmfate: a', file=sys.stderr); return 2", "output beside"),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_wrong_endings_are_seen(what: str, folder: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, says = ENDINGS[what]
    place: dict[str, Callable[[list[str]], int]] = {}
    exec(f"import sys\ndef main(words):\n    {body}\n".replace("\n" + "firm", "\\nfirm"), place)
    monkeypatch.setattr(fuzz, "main", place["main"])
    with pytest.raises(Wrong, match=says):
        tried(case(1), folder, run)
