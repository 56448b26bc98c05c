"""Status: from the files alone, without writing, while shards come and go."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from firmfate import Study, plan
from firmfate.errors import RunDirectoryError
from firmfate.shards import RunDirectory, Worker, status
from firmfate.shards.plan import Shard

CELLS, REPLICATES = 6, 60


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run of six cells, one shard each, in three steps of replicates."""
    study = Study(
        study={"name": "small", "model": "car", "replicates": REPLICATES, "years": 10},
        grid={"execution": [0.1, 0.5, 0.9], "misalignment": [0.0, 1.0]},
    )
    run = RunDirectory(tmp_path_factory.mktemp("status") / "run")
    worker = Worker(study, run.claim(study))
    for whole in plan(study).shards:
        for cell in whole.cells:
            for first in range(0, REPLICATES, 20):
                block = plan(study, covered=_others(study, cell)).shards[0].block
                worker.run(Shard((cell,), first, 20, block), run.shards)
    return run


def _others(study: Study, cell: int) -> dict[str, list[tuple[int, int]]]:
    """Return a cover of all cells but one."""
    keys = plan(study).cells.keys
    return {key: [(0, REPLICATES)] for position, key in enumerate(keys) if position != cell}


@pytest.fixture
def run(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    """Give a copy that may be damaged."""
    shutil.copytree(finished.path, tmp_path / "copy")
    return RunDirectory(tmp_path / "copy")


def test_a_finished_run_misses_nothing(run: RunDirectory) -> None:
    state = status(run.path)
    assert (state.firms, state.done, state.missing) == (CELLS * REPLICATES, CELLS * REPLICATES, 0)
    assert state.array() == ""
    assert state.seconds_left == 0
    assert state.pace() == "all firms are there"
    assert (state.done_by_cell == REPLICATES).all()


def test_lost_truncated_repeated_and_foreign_shards_are_distinguished_by_cell(run: RunDirectory) -> None:
    lost, cut, twice = run.files()[0], run.files()[5], run.files()[10]
    lost.path.unlink()
    os.truncate(cut.path, cut.path.stat().st_size // 2)
    other_digest = twice.path.with_name(twice.path.name.rpartition("-")[0] + f"-{'0' * 16}.shard")
    shutil.copy(twice.path, other_digest)  # a shard's name with another's bytes is broken, not a duplicate
    (run.shards / ".abc.shard.12-34.part").write_bytes(b"half a shard")
    (run.shards / "notes.txt").write_text("mine")
    state = status(run.path)
    assert {shard.path for shard in state.broken} == {cut.path, other_digest}
    assert state.missing == 40
    keys = {key: position for position, key in enumerate(state.cells.keys)}
    for shard in (lost, cut):
        (key,) = state.holdings.blocks[shard.block]
        assert state.done_by_cell[keys[key]] < REPLICATES
    assert state.broken_by_cell.sum() == 2
    assert {piece.first for piece in state.plan.shards} == {lost.first, cut.first}


def test_a_shard_that_repeats_firms_of_another_layout_is_a_duplicate(run: RunDirectory) -> None:
    study = run.study()
    worker = Worker(study, run.claim(study))
    (whole,) = plan(study).shards
    worker.run(whole, run.shards)
    state = status(run.path)
    assert len(state.holdings.used) == 1  # of two that cover the same, the longer
    assert len(state.holdings.duplicates) == 18
    assert (state.duplicates_by_cell == 3).all()
    assert state.missing == 0


def test_status_writes_nothing_and_works_on_a_copy_that_cannot_be_written(run: RunDirectory) -> None:
    run.files()[3].path.unlink()
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    for path in [run.path, *run.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert status(run.path).missing == 20
    finally:
        for path in [run.path, *run.path.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_rate_and_time_left_come_from_the_times_of_files(run: RunDirectory) -> None:
    now = time.time()
    for position, shard in enumerate(run.files()[6:]):
        os.utime(shard.path, (now - 240 + 20 * position,) * 2)
    for shard in run.files()[:6]:
        shard.path.unlink()
    state = status(run.path, now=now)
    # Twelve shards of 20 firms, 20 s apart; the first marks the start, 240 s ago.
    assert state.rate == pytest.approx(11 * 20 / 240)
    assert state.seconds_left == pytest.approx(120 / (11 * 20 / 240))
    assert state.idle_seconds == pytest.approx(20, abs=0.1)
    back = status(run.path, now=now - 3600)  # a clock that was set back: the last shard is of now at the earliest
    assert back.rate == pytest.approx(11 * 20 / 220)
    assert back.idle_seconds == 0
    later = status(run.path, now=now + 3600)
    assert later.rate is None
    assert later.seconds_left is None
    assert state.pace() == "1 firms/s, 2.18 min left"
    assert later.pace() == "the last shard was finished 60.3 min ago"
    for shard in run.files()[2:]:
        shard.path.unlink()
    assert status(run.path, now=now).rate == pytest.approx(20 / 240)  # of two, the second
    run.files()[1].path.unlink()
    assert status(run.path, now=now).rate is None
    run.files()[0].path.unlink()
    assert status(run.path).pace() == "no shard is finished yet"


def test_the_table_is_json_and_adds_up(run: RunDirectory) -> None:
    for shard in run.files()[::4]:
        shard.path.unlink()
    table = json.loads(json.dumps(status(run.path).table()))
    assert table["done"] + table["missing"] == table["firms"]
    assert sum(cell["done"] for cell in table["by_cell"]) == table["done"]
    assert {cell["execution"] for cell in table["by_cell"]} == {0.1, 0.5, 0.9}
    assert table["array"] == "0"  # the whole study is one shard
    assert table["array_parts"] == 1


def test_an_extended_study_is_reported_as_what_it_lacks(run: RunDirectory) -> None:
    text = run.study_file.read_text()
    run.study_file.write_text(text.replace("replicates = 60", "replicates = 100"))
    state = status(run.path)
    assert state.missing == CELLS * 40
    assert np.array_equal(state.done_by_cell, np.full(CELLS, 60))
    assert {(shard.first, shard.replicates) for shard in state.plan.shards} == {(60, 40)}


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"study\.toml"):
        status(tmp_path)
