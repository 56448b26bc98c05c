"""Executors: one is added by a class and a line, the command line offers it, and its bits are those of threads."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

import firmfate
from firmfate.errors import FirmfateError
from firmfate.execute import ArrayPart, DaskProcesses, Executor, SlurmWorkers, Threads, Work
from firmfate.execute.register import EXECUTORS
from firmfate.shards import plan

from .conftest import Case


@dataclass(frozen=True)
class Backwards(Executor):
    """Run shards in this thread, the last one first."""

    loudly: bool = False

    def run(self, work: Work) -> None:
        """Run shards until all are finished."""
        for shard in reversed(work.shards):
            if self.loudly:
                work.say(f"now {shard.name}")
            work.done(work.worker.run(shard, work.directory.shards))

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare ``--backwards``."""
        choice.add_argument("--backwards", action="store_true", help="the last shard first")

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return it where it is asked for."""
        return cls(loudly=not options.quiet) if options.backwards else None


@pytest.fixture
def registered() -> Iterator[None]:
    """The register with one line more."""
    EXECUTORS.append(Backwards)
    yield
    EXECUTORS.remove(Backwards)


def test_an_executor_is_given_to_run(small: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    firmfate.run(small.file, into=tmp_path / "run", on=Backwards(loudly=True), shard_scale=0.01).close()
    small.assert_same(tmp_path / "run")
    said = [line.removeprefix("now ") for line in capfd.readouterr().err.splitlines() if line.startswith("now ")]
    shards = plan(small.study, shard_scale=0.01).shards
    assert len(shards) > 3
    assert said == [shard.name for shard in reversed(shards)]


def test_a_line_in_the_register_gives_it_an_option(
    command: Callable, small: Case, tmp_path: Path, registered: None
) -> None:
    assert "--backwards" in command("run", "--help").out
    words = ("run", small.file, "--into", tmp_path / "run", "--no-report")
    ended = command(*words, "--backwards", "--threads", 1)
    assert (ended.code, "not allowed with argument --backwards" in ended.err) == (2, True)
    ended = command(*words, "--backwards", "--shards", "0/1", "--shard-scale", "0.1")
    assert (ended.code, "now " in ended.err) == (0, True)
    assert command(*words, "--backwards").code == 0
    small.assert_same(tmp_path / "run")


def test_parts_are_run_and_not_gathered(small: Case, tmp_path: Path) -> None:
    for index in (1, 0, 2):
        part = ArrayPart(index, 3, on=Threads(1))
        assert firmfate.run(small.file, into=tmp_path / "run", on=part, progress=False, shard_scale=0.1) is None
        assert not (tmp_path / "run" / "result.nc").exists()
    firmfate.gather(tmp_path / "run").close()
    small.assert_same(tmp_path / "run")


def test_a_run_without_a_directory_goes_where_that_of_the_command_goes(
    small: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    firmfate.run(small.file, progress=False).close()
    small.assert_same(tmp_path / "runs" / "chaos")


@pytest.mark.parametrize(
    "made",
    [
        lambda: Threads(0),
        lambda: Threads(-1),
        lambda: Threads(5_000),
        lambda: DaskProcesses(1.5),  # type: ignore[arg-type]
        lambda: DaskProcesses(2, threads=0),
        lambda: ArrayPart(3, 3),
        lambda: ArrayPart(-1, 3),
        lambda: SlurmWorkers("nowhere.toml"),
    ],
)
def test_what_cannot_be_run_on_is_refused_when_it_is_made(made: Callable[[], Executor]) -> None:
    with pytest.raises(FirmfateError, match=r"allowed: |cannot be read"):
        made()


@pytest.mark.parametrize("words", [("--workers", "2"), ("--scheduler", "tcp://127.0.0.1:9")])
def test_without_dask_nothing_is_begun(
    command: Callable, small: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for more in ((), ("--shards", "0/2")):
        ended = command("run", small.file, "--into", tmp_path / "run", *words, *more)
        assert (ended.code, "pip install 'firmfate[dask]'" in ended.err) == (2, True)
    assert not (tmp_path / "run").exists()


def test_without_dask_jobqueue_nothing_is_begun(
    command: Callable, small: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site.toml").write_text("cpus = 1\n")
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    words = ("run", small.file, "--into", tmp_path / "run", "--slurm", tmp_path / "site.toml")
    for more in ((), ("--shards", "0/2")):
        ended = command(*words, *more)
        assert (ended.code, "pip install 'firmfate[slurm]'" in ended.err) == (2, True)
    assert not (tmp_path / "run").exists()
