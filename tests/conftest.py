"""What all tests share: the command line in this process, and a small finished run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from tests.bounded import ROUNDS, Bounded
from tests.browser import browser, page_of  # noqa: F401

import firmfate

# A machine that does other things at the time fails no test: deadlines are of wall time.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

STUDY = """\
[study]
name = "small"
question = "Does stronger execution shorten the life of misaligned firms?"
years = 10
replicates = 300
seed = 20261123

[grid]
execution = [0.1, 0.9]
misalignment = [0.0, 0.5, 1.0]
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run ``firmfate WORDS`` in this process."""
    from firmfate.cli import main

    def run(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether a test has passed, before its fixtures end."""
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture
def bounded(request: pytest.FixtureRequest) -> Iterator[Bounded]:
    """Compare with a bounded false-alarm rate; a test that passes must have done what its mark states."""
    given = request.node.get_closest_marker("bounded").kwargs
    made = Bounded(stated=given["power"], rounds=given.get("rounds", ROUNDS), claims=given.get("claims", 1))
    yield made
    if request.node.stash.get(PASSED, False):
        made.finish()


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A small study: 2 x 3 cells of 300 firms, ten years of weeks."""
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of that study, gathered; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.toml").write_text(STUDY, encoding="utf-8")
    firmfate.run(folder / "small.toml", into=folder / "run", progress=False).close()
    return folder / "run"
