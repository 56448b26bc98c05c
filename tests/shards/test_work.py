"""Plans in words, and the work of a shard: cut into pieces that bound memory, which changes no count."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmfate import Study, plan
from firmfate.kernel.engine import Records
from firmfate.shards import Worker, work
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import ShardFile, read
from firmfate.shards.invalid_firms import InvalidFirms
from firmfate.shards.plan import human_seconds, week_ratio

GRID = {"execution": [0.1, 0.5, 0.9], "misalignment": [0.0, 1.0]}
POPULATION = {"unit_cost": {"normal": [0.57, 0.02]}, "strata": {"unit_cost": 2}}


def study(model: str = "car", *, population: bool = False, **settings: Any) -> Study:
    tables = {"study": {"name": "s", "model": model, "years": 4, "replicates": 50} | settings, "grid": GRID}
    return Study(**tables, **({"population": POPULATION} if population else {}))


@pytest.mark.parametrize(
    ("steps_per_week", "ratio", "words"),
    [(1, (1, 1), "steps of one week"), (4, (1, 4), "steps of 0.25 weeks"), (7, (1, 7), "steps of 0.142857 weeks"),
     (1 / 2, (2, 1), "steps of 2 weeks"), (1 / 13, (13, 1), "steps of 13 weeks"),
     (1 / 104, (104, 1), "steps of 104 weeks")],
)  # fmt: skip
def test_steps_and_weeks_are_integer_multiples_of_each_other(
    steps_per_week: float, ratio: tuple[int, int], words: str
) -> None:
    found = study(steps_per_week=steps_per_week, years=4)
    assert week_ratio(found) == ratio
    assert float(Fraction(*ratio)) == pytest.approx(found.dt)
    assert f"study     s: model car, 4 years, {words}" in str(plan(found))


def test_a_plan_says_what_it_takes() -> None:
    found = plan(study("firm", replicates=1000))
    said = str(found)
    assert "cells     6 (3 x 2 execution, misalignment)" in said
    assert "firms     6,000 (1,000 a cell), of which 6,000 are to be run" in said
    assert f"shards    1 to run, a file each; about {found.shard_bytes / 1024:.3g} KiB in all" in said
    assert "records" not in said


@pytest.mark.parametrize("piece", [1, 7, 50, 51, 120, 299])
@pytest.mark.parametrize("model", ["car", "firm with strata"])
def test_pieces_bound_what_is_simulated_at_a_time_and_change_no_count(
    model: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = study(model.partition(" ")[0], population="strata" in model)
    worker = Worker(one, fingerprint_of(one))
    (shard,) = plan(one).shards
    wanted, sizes = worker.counts(shard), []
    simulate = Worker.records

    def noted(self: Worker, cells: np.ndarray, first: int, replicates: int, *more: Any) -> Records:
        sizes.append((len(cells), replicates))
        return simulate(self, cells, first, replicates, *more)

    monkeypatch.setattr(Worker, "records", noted)
    monkeypatch.setattr(work, "PIECE", piece)
    found = worker.counts(shard)
    assert all(np.array_equal(found[name], values) for name, values in wanted.items())
    assert sum(cells * replicates for cells, replicates in sizes) == 300
    assert max(cells * replicates for cells, replicates in sizes) <= piece
    assert max(cells for cells, _ in sizes) == max(1, min(6, piece // 50))  # and no smaller than that


def test_a_shard_that_is_to_stop_is_dropped_before_its_next_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    one = study()
    worker, asked = Worker(one, fingerprint_of(one)), []
    monkeypatch.setattr(work, "PIECE", 50)

    def third() -> bool:
        asked.append(None)
        return len(asked) == 3

    with pytest.raises(work.DroppedShard, match=f"shard {plan(one).shards[0].name} was dropped"):
        worker.counts(plan(one).shards[0], third)
    assert len(asked) == 3


@pytest.mark.parametrize("piece", [7, 65_536])
def test_records_of_a_shard_are_those_of_its_firms_wherever_it_begins(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Study(study={"name": "s", "model": "car", "years": 4, "replicates": 50}, grid=GRID, record={"firms": True})
    worker = Worker(one, fingerprint_of(one))
    wanted = worker.records(np.arange(6), 20, 25)
    monkeypatch.setattr(work, "PIECE", piece)
    shard = replace(plan(one).shards[0], first=20, replicates=25)
    receipt = worker.run(shard, tmp_path)
    found = worker.finished(shard, tmp_path)
    assert found == receipt
    assert receipt.firms == 150
    assert receipt.firm_steps == wanted.event_step.sum()
    file = ShardFile.parse(tmp_path / receipt.file)
    assert file is not None
    content = read(file, worker.schema)
    for name in ("event_step", "cause", "alarm_step"):
        assert np.array_equal(content.arrays[f"recorded_{name}"], getattr(wanted, name)), name
    file.path.write_bytes(b"")
    assert worker.finished(shard, tmp_path) is None


def test_the_error_of_a_plan_is_that_of_the_widest_spread() -> None:
    """No lifetime within a horizon of T weeks has a standard deviation above T / 2."""
    assert plan(study("car", replicates=400)).expected_se_weeks == pytest.approx(study("car").weeks / 2 / 20)


@pytest.mark.parametrize(
    ("seconds", "words"), [(90.0, "1.5 min"), (89.0, "89 s"), (1.5 * 86400, "1.5 d"), (1.4 * 86400, "33.6 h")]
)
def test_durations_read_as_a_person_says_them(seconds: float, words: str) -> None:
    assert human_seconds(seconds) == words


@pytest.mark.parametrize(
    ("cells", "words"),
    [(1, "in 1 cell that therefore has no estimate"), (2, "in 2 cells that therefore have no estimate")],
)
def test_cells_without_estimates_are_counted(cells: int, words: str) -> None:
    invalid = InvalidFirms(count=3, total=800, cells=cells, cell={"execution": 0.5}, replicate=7)
    assert invalid.sentence() == (
        f"the arithmetic of 3 of 800 firms has failed, {words}; the first is replicate 7 of execution 0.5"
    )
