"""What a pilot in memory predicts is what then happens: bytes and errors, to a quarter; time is the benchmark's."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.plan.compared import compared
from benchmarks.plan.studies import studies

from firmfate import Study, plan
from firmfate.precision import pilot
from firmfate.precision.allocation import Allowed, at_the_end
from firmfate.precision.around_firms import GATHER_SECONDS
from firmfate.shards import Worker
from firmfate.shards.directory import fingerprint_of

from .test_rules import measured

QUARTER = pytest.approx(1, abs=0.25)


def ticks(step: float) -> Callable[[], float]:
    """A clock that goes on by as much whenever it is read."""
    return map(float, itertools.count(0, step)).__next__


@pytest.mark.slow
@pytest.mark.parametrize("name", studies())
def test_bytes_and_errors_come_within_a_quarter(name: str, tmp_path: Path) -> None:
    found = compared(studies()[name], tmp_path / "run", seconds=0.1)
    assert found.pilot.firms < 0.5 * found.pilot.plan.firms
    assert (found.bytes_, found.errors, found.firms) == (QUARTER, QUARTER, QUARTER)


def cars(**given: object) -> Study:
    return Study(
        name="cars", model="car", years=5,
        **{"replicates": 2_000, "grid": {"execution": [0.1, 0.9], "misalignment": [0, 1]}, **given},
    )  # fmt: skip


def test_work_follows_from_the_steps_of_missing_firms() -> None:
    """Every round takes a tick; each step then takes the ticks of all rounds over their steps."""
    found = pilot(plan(cars()), seconds=0.0005, clock=ticks(1.0))
    simulated = found.counts["firms"].values
    assert (found.firms, found.by_round.shape) == (simulated.sum(), (5,))
    assert found.missing_steps == pytest.approx((found.steps * 2_000).sum())
    entries = sum(len(shard.cells) for shard in found.plan.shards)
    packing = found.packing.seconds * entries
    assert found.core_seconds - packing - found.beside == pytest.approx(5 * 8_000 / found.firms, rel=0.05)
    assert found.beside == pytest.approx(1 + GATHER_SECONDS + found.plan.gather_seconds)  # start and trajectories
    assert 0 < found.spread < found.core_seconds


def test_cells_are_sampled_where_there_are_many() -> None:
    axis = {"from": 0.0, "to": 1.0, "points": 30}
    found = pilot(plan(cars(grid={"execution": axis, "misalignment": axis})), seconds=0.003)
    assert 10 < len(found.cells) < 900
    assert (np.bincount(found.cells // 30, minlength=30) > 0).mean() > 0.5  # of all rows
    assert np.isfinite(found.steps).all()


def test_a_shard_of_a_cell_without_events_is_little_more_than_its_header(tmp_path: Path) -> None:
    study = cars(grid={"buffer_mean": [6.0, 7.0]}, parameters={"buffer_sd": 0.5, "notice": 0.0})
    found = pilot(plan(study, shard_scale=6e-4), seconds=0.001)
    worker = Worker(study, fingerprint_of(study))
    assert [len(shard.cells) for shard in found.plan.shards] == [1, 1]
    for shard in found.plan.shards:
        worker.run(shard, tmp_path)
    assert found.shard_bytes / sum(path.stat().st_size for path in tmp_path.iterdir()) == QUARTER


def test_cells_without_events_are_warned_of(command: Callable, tmp_path: Path) -> None:
    study = tmp_path / "safe.toml"
    study.write_text(
        '[study]\nname = "safe"\nmodel = "car"\nyears = 1\nreplicates = 1000\n\n[grid]\nbuffer_mean = [0.0, 6.0]\n\n'
        "[parameters]\nbuffer_sd = 0.5\n"
    )
    ended = command("plan", study, "--pilot")
    assert "warning   no firm of the pilot had an event in 1 cell(s); expect at most 3.7 in each" in ended.out
    found = json.loads(command("plan", study, "--pilot", "--json").out)["pilot"]
    assert (found["firms"], found["cells_without_events"]) == (2_000, 1)
    assert "measured" not in command("plan", study).out


def test_rounds_are_predicted_with_both_cells_of_a_pair() -> None:
    alone = measured("rmst", [[0], [1], [2], [3]], [np.nan, 40_000, np.nan, 1_025])
    pair = measured("difference.execution", [[0, 1]], [np.nan])
    firms = at_the_end([alone, pair], np.full(4, 1024), Allowed(10**6, None), batches=128, alike=False)
    assert firms.tolist() == [44_032, 44_032, 1024, 1280]
