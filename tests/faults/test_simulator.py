"""Whatever fails, wherever it crashes: the bits of an undisturbed run, or a refusal that names a file; nothing lost."""

from __future__ import annotations

import contextlib
import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.counted import record
from tests.faults.once import computed_once
from tests.faults.promises import InTurn, Violation, prepared, studies
from tests.faults.schedules import Schedule, go, go_in_processes
from tests.faults.simulated_disk import Faults, SimulatedDisk

from firmfate import files
from firmfate.dataset import gather, summing
from firmfate.errors import RunDirectoryError
from firmfate.execute import ArrayPart, run, running
from firmfate.shards import RunDirectory, status
from firmfate.shards import file as shard_file

SCHEDULES = int(os.environ.get("FIRMFATE_FAULT_SCHEDULES", 100_000))
SECONDS = float(os.environ.get("FIRMFATE_FAULT_SECONDS", "inf"))
FIRST = int(os.environ.get("FIRMFATE_FAULT_FIRST", 2_000_000))


def test_nothing_is_lost_in_a_few_schedules() -> None:
    assert sum(go(25).values()) > 80


def stories(seeds: Iterable[int]) -> list[tuple[list[str], object]]:
    """Return what happened in schedules, without the numbers of unfinished files, and their outcomes."""
    found = []
    with prepared():
        for seed in seeds:
            one = Schedule(seed, gathered=0.0)
            outcomes = one.go()
            found.append(([re.sub(r"-\d+\.part", ".part", words) for words in one.disk.happened], outcomes))
    return found


def test_schedules_go_the_same_way_where_nothing_is_computed_once() -> None:
    seeds = [*range(700, 715), 4_003_108]  # in the last, one of very many shards cannot be read while they are added up
    every = stories(seeds)
    with computed_once():
        assert stories(seeds) == every


def test_a_file_that_differs_by_a_bit_is_unpacked_by_itself(tmp_path: Path) -> None:
    study = studies()[0]
    with computed_once():
        run(study, into=tmp_path / "run", on=InTurn(set()), progress=False)
        (held,) = RunDirectory(tmp_path / "run").files()
        assert status(tmp_path / "run").missing == 0
        data = bytearray(held.path.read_bytes())
        data[len(data) // 2] ^= 1
        held.path.write_bytes(data)
        assert [shard.path for shard in status(tmp_path / "run").broken] == [held.path]


def test_what_another_run_has_extended_is_not_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smallest, _, largest = studies()

    def gather_late(path: Path) -> Any:
        run(largest, into=path, on=ArrayPart(0, 1, InTurn(set())), progress=False)
        return gather(path)

    monkeypatch.setattr(running, "gather", gather_late)
    with pytest.raises(RunDirectoryError, match="was extended by another run meanwhile"):
        run(smallest, into=tmp_path / "run", on=InTurn(set()), progress=False)


@pytest.mark.slow
def test_nothing_is_lost_in_thousands_of_schedules() -> None:
    outcomes = go(7_000, first=1_000_000) + go(60, first=1_500_000, gathered=0.5)
    calls = {what.partition(" at ")[2] for what, _ in outcomes}
    assert calls >= {"read", "names", "create", "write", "flush", "rename", "remove", "make_folder", "lock", "reserve"}
    assert sum(count for (what, _), count in outcomes.items() if what != "nothing") > 12_000


@pytest.mark.evidence
def test_nothing_is_lost_in_as_many_schedules_as_time_allows(record_property: Callable[[str, object], None]) -> None:
    done, outcomes = go_in_processes(SCHEDULES, first=FIRST, seconds=SECONDS)
    record(record_property, outcomes)
    record_property("schedules", done)
    record_property("first seed", FIRST)


def _nothing(*_: Any) -> None:
    return


@contextlib.contextmanager
def _in_place(path: Path) -> Iterator[Path]:
    try:
        files.disk.create(path)
        yield path
        files.disk.flush(path)
        files.flush_folder(path.parent)
    except OSError as fault:
        raise files.refusal(path, fault) from fault


def _removed(self: RunDirectory, shard: shard_file.ShardFile) -> Path:
    files.disk.remove(shard.path)
    return shard.path


def _flush_folders_alone(self: SimulatedDisk, path: Path) -> None:
    if path.is_dir():
        self._call("flush", path)


def _record_first(self: RunDirectory, study: Any, wanted: Any, table: Any) -> None:
    files.remove(self.provenance_file)
    _record(self, study, wanted, table)


_record = RunDirectory._record
MISTAKES: dict[str, tuple[Any, str, Any, str]] = {
    "files are not flushed": (SimulatedDisk, "flush", _flush_folders_alone, "lost|cannot be read"),
    "folders are not flushed": (files, "flush_folder", _nothing, "lost: "),
    "what was found is not flushed": (files, "settle", _nothing, "lost: "),
    "files are written in place": (files, "replacing", _in_place, "cannot be read|damaged|not empty and holds no run"),
    "runs do not wait for each other": (files, "locked", contextlib.nullcontext, "lost: the record of extent"),
    "missing firms are not noticed": (summing, "refuse_incomplete", _nothing, "have other bits"),
    "what dead processes left stays": (files, "remove_leftovers", _nothing, "left behind: "),
    "broken shards are removed": (RunDirectory, "set_aside", _removed, "lost: "),
    "the record is removed before it is replaced": (RunDirectory, "_record", _record_first, "without its provenance"),
}
"""What the store could do wrong, and how it shows: each is found in some hundred schedules."""


LATE = {"broken shards are removed"}


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=pytest.mark.slow) if what in LATE else what for what in MISTAKES]
)
def test_a_mistake_of_the_store_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    *mistake, shows = MISTAKES[what]
    monkeypatch.setattr(*mistake)
    with pytest.raises(Violation, match=shows):
        go(1_000)


def disk(tmp_path: Path, seed: int) -> SimulatedDisk:
    """Return a disk on which process 1 is at work."""
    made = SimulatedDisk(tmp_path, random.Random(seed), alive={1})
    made.begin(1)
    return made


def after_crashes(tmp_path: Path, do: Callable[[SimulatedDisk, Path], None]) -> set[bytes | None]:
    """Return what a file holds after crashes that follow something, None where it is not there."""
    found = set()
    for seed in range(200):
        root = tmp_path / str(seed)
        root.mkdir()
        made, path = disk(root, seed), root / "a"
        do(made, path)
        made.crash()
        found.add(path.read_bytes() if path.exists() else None)
    return found


def test_what_is_not_flushed_may_be_lost_torn_or_there(tmp_path: Path) -> None:
    def written(made: SimulatedDisk, path: Path) -> None:
        made.create(path)
        made.write(path, b"abcd")

    found = after_crashes(tmp_path, written)
    assert found >= {None, b"", b"ab", b"ab\0\0", b"abcd"}
    assert all(content is None or b"abcd".startswith(content.rstrip(b"\0")) for content in found)


def test_what_is_flushed_stays(tmp_path: Path) -> None:
    def replaced(made: SimulatedDisk, path: Path) -> None:
        for content in (b"old", b"new"):
            made.create(path.with_name("b"))
            made.write(path.with_name("b"), content)
            made.flush(path.with_name("b"))
            made.rename(path.with_name("b"), path)
            if content == b"old":
                made.flush(path.parent)

    assert after_crashes(tmp_path, replaced) == {b"old", b"new"}


@pytest.mark.parametrize("kind", ["fail", "kill", "crash"])
def test_a_call_takes_place_or_not_where_it_is_disturbed(tmp_path: Path, kind: str) -> None:
    found = set()
    for seed in range(20):
        made = disk(tmp_path, seed)
        made.create(tmp_path / "a")
        made.faults, made.calls = Faults(kind), 0
        with contextlib.suppress(BaseException):
            made.rename(tmp_path / "a", tmp_path / "b")
        found.add((tmp_path / "b").exists())
        assert made.runs(1) == (kind == "fail")
        for path in tmp_path.iterdir():
            path.unlink()
    assert found == {True, False}
