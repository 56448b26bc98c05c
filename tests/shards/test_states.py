"""How far a run is, from the names and times of its shards: empty files will do, where none is verified."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from firmfate import Study, plan
from firmfate.shards import RunDirectory, Shard, Status, Worker, status
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.plan import block_digest
from firmfate.shards.status import array_expression

states = importlib.import_module("firmfate.shards.status")  # `status` of the room is the function

NOW = 1_800_000_000.0
STUDY = Study(
    study={"name": "s", "model": "car", "years": 20, "steps_per_week": 1, "replicates": 100_000},
    grid={"execution": [0.25, 0.75], "misalignment": [0, 0.5, 1]},
)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory of twelve shards, two a cell, none of which is there."""
    found = RunDirectory(tmp_path / "run")
    found.claim(STUDY)
    return found


def put(run: RunDirectory, shard: Shard, ago: float, digest: str = "0" * 16) -> str:
    """Make a file of a shard's name, so many seconds old."""
    path = run.shards / f"{shard.name}-{digest}.shard"
    path.touch()
    os.utime(path, (NOW - ago, NOW - ago))
    return path.name


def state(run: RunDirectory, later: float = 0.0) -> Status:
    return status(run.path, verify=False, now=NOW + later)


def test_a_run_in_the_middle_is_a_table(run: RunDirectory) -> None:
    shards = plan(STUDY).shards
    key = STUDY.cells.keys[0]
    for place, ago in ((0, 700.0), (1, 500.0), (2, 300.0), (11, 100.0)):
        put(run, shards[place], ago)
    twice = put(run, replace(shards[2], first=10, replicates=100), 250.0)
    beyond = put(run, replace(shards[1], replicates=60_000), 50.0)
    broken = put(run, Shard((0,), 0, 10, "0" * 12), 40.0)
    assert shards[0].block == block_digest([key])
    found = state(run)
    table = found.table()
    by_cell = table.pop("by_cell")
    assert table == {
        "study": "s", "cells": 6, "replicates": 100_000, "firms": 600_000, "done": 200_000, "missing": 400_000,
        "shards": {"planned": 12, "to run": 8, "used": 4, "broken": [broken], "duplicate": [twice],
                   "of other cells or replicates": [beyond]},
        "verified": False, "invalid": 0, "array": "3-10", "array_parts": 12, "firms_per_second": 200.0,
        "seconds_left": 2_000.0, "idle_seconds": 100.0,
    }  # fmt: skip
    assert [(row["execution"], row["misalignment"]) for row in by_cell] == [
        (e, m) for e in (0.25, 0.75) for m in (0, 0.5, 1)
    ]
    assert [row["done"] for row in by_cell] == [100_000, 50_000, 0, 0, 0, 50_000]
    assert [row["missing"] for row in by_cell] == [0, 50_000, 100_000, 100_000, 100_000, 50_000]
    assert [row["duplicate"] for row in by_cell] == [0, 1, 0, 0, 0, 0]
    assert [row["broken"] for row in by_cell] == [0] * 6
    assert "by_cell" not in found.table(by_cell=False)
    assert found.pace() == "200 firms/s, 33.3 min left"
    assert repr(found) == "<Status of 's': 200,000 of 600,000 firms done, 200 firms/s, 33.3 min left>"
    assert found.labels(4) == {"execution": 0.75, "misalignment": 0.5}
    assert (found.array(4), found.array(1)) == ("0-3", "0")


def test_the_rate_is_that_of_ten_minutes(run: RunDirectory) -> None:
    shards = plan(STUDY).shards
    assert state(run).rate is None
    assert state(run).idle_seconds is None
    assert state(run).seconds_left is None
    assert state(run).pace() == "no shard is finished yet"
    put(run, shards[0], 599.0)
    assert (state(run).rate, state(run).idle_seconds) == (None, 599.0)
    put(run, shards[1], 0.0)
    assert state(run).rate == pytest.approx(50_000 / 599)
    assert state(run, 1.0).rate is None  # the first was finished ten minutes ago
    assert state(run, 1.0).idle_seconds == 1.0
    assert state(run, 1.0).pace() == "the last shard was finished 1 s ago"
    assert state(run, -10.0).idle_seconds == 0.0  # a clock that is behind
    assert state(run, -599.0).rate == pytest.approx(50_000 / 599)  # of shards, not to now


def test_files_of_one_time_that_lies_ahead_have_no_rate(run: RunDirectory) -> None:
    """It was 10**13 firms a second."""
    for shard in plan(STUDY).shards[:2]:
        put(run, shard, 0.0)
    assert (state(run, -10.0).rate, state(run, -10.0).idle_seconds) == (None, 0.0)


def test_an_array_names_what_has_work() -> None:
    assert array_expression([]) == ""
    assert array_expression([4]) == "4"
    assert array_expression([3, 1, 2, 1, 9, 7, 8, 5]) == "1-3,5,7-9"


def test_cells_by_number_have_their_label() -> None:
    cells = Study(
        study={"name": "s", "model": "car"}, cells=[{"name": "a", "execution": 0.5}, {"name": "b", "execution": 0.25}]
    ).cells
    assert Status.labels(type("Held", (), {"cells": cells})(), 1) == {"execution": 0.25}


def test_firms_draw_by_the_key_of_their_cell() -> None:
    for common in (True, False):
        one = Study(
            study={"name": "s", "model": "car", "replicates": 50, "seed": 9, "common_random_numbers": common},
            grid={"misalignment": [0, 0.5, 1]}, population={"execution": {"uniform": [0.2, 0.8]}},
        )  # fmt: skip
        worker = Worker(one, fingerprint_of(one))
        found = worker.varying(np.array([2, 1]), 7, 4)
        assert found is not None
        keys = [9] if common else [int(one.cells.random_keys[cell]) for cell in (2, 1)]
        wanted = [one.population.draw(key, np.arange(7, 11, dtype=np.uint64)) for key in keys]
        assert np.array_equal(found.values, wanted)
        assert found.fields.tolist() == list(one.population.fields)
        assert worker.stratum(found) is None
    plain = Worker(STUDY, fingerprint_of(STUDY))
    assert plain.population is None
    assert plain.varying(np.array([0]), 0, 3) is None
    assert plain.stratum(None) is None


def test_the_lowest_replicate_of_invalid_firms_is_that_of_any_stratum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells of three strata; where a stratum has no invalid firm, its replicate says nothing."""
    arrays = {"invalid": np.array([[0, 2, 1], [0, 0, 0]]), "first_invalid": np.array([[3, 9, 7], [1, 2, 3]])}
    monkeypatch.setattr(states, "read", lambda shard, schema: SimpleNamespace(arrays=arrays))
    found = states.invalid_in(None, None)  # type: ignore[arg-type]
    assert found is not None
    assert found.firms.tolist() == [3, 0]
    assert found.first.tolist() == [7, states.NONE]


@pytest.mark.parametrize(
    ("missing", "rate", "left"), [(0, None, 0.0), (0, 2.0, 0.0), (1, None, None), (1, 2.0, 0.5), (10, 2.0, 5.0)]
)
def test_nothing_is_left_of_a_run_that_is_done(missing: int, rate: float | None, left: float | None) -> None:
    """Even where nothing has moved for long."""
    assert Status.seconds_left.fget(SimpleNamespace(missing=missing, rate=rate)) == left
