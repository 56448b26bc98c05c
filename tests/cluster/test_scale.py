"""Plans for scale: ten billion firms on a hundred nodes, in seconds and with the numbers that one asks for."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from firmfate import Study, gather, plan
from firmfate.shards import RunDirectory, Worker
from firmfate.shards.schema import HELD_BYTES, counters_of
from firmfate.slurm import Profile, split

FIRMS = 10**10


@pytest.mark.parametrize("side", [10, 100, 300])
def test_ten_billion_firms_on_a_hundred_nodes_are_planned_in_seconds(side: int) -> None:
    begin = time.monotonic()
    axis = {"from": 0.0, "to": 1.0, "points": side}
    study = Study(
        study={"name": "huge", "replicates": FIRMS // side**2}, grid={"execution": axis, "misalignment": axis}
    )
    whole = plan(study)
    tasks = split(whole, Profile(cpus=64, memory="64G", concurrent=100))
    written = json.loads(json.dumps(tasks.table()))
    assert str(whole)
    assert str(tasks)
    assert time.monotonic() - begin < 10

    assert whole.missing == pytest.approx(FIRMS, rel=1e-4)
    assert 13_000 <= len(whole.shards) <= 40_000
    assert written["files"] == len(whole.shards)
    assert written["tasks"] == 100
    assert written["core_hours"] == pytest.approx(18.8, rel=0.01)  # 1e10 firms x 1040 weeks x 0.65 x 10 ns
    assert sum(shard.firms for part in range(100) for shard in whole.part(part, 100)) == whole.firms
    shares = [sum(shard.firms for shard in whole.part(part, 100)) for part in range(100)]
    assert max(shares) < 1.02 * min(shares)


@pytest.mark.parametrize("strata", [1, 8])
def test_many_cells_of_few_firms_make_more_shards_not_larger_ones(strata: int) -> None:
    axis = {"from": 0.0, "to": 1.0, "points": 100}
    population = {"unit_cost": {"normal": [0.57, 0.02]}, **({"strata": {"unit_cost": strata}} if strata > 1 else {})}
    study = Study(
        study={"name": "wide", "replicates": 2}, grid={"execution": axis, "misalignment": axis}, population=population
    )
    shards = plan(study).shards
    assert sum(len(shard.cells) for shard in shards) == 100**2
    held = max(len(shard.cells) for shard in shards) * sum(
        table.nbytes for table in counters_of(study).empty(1).values()
    )
    assert 0.9 * HELD_BYTES < held <= HELD_BYTES


POPULATION = {"unit_cost": {"normal": [0.57, 0.02]}, "capacity": {"uniform": [1.2, 1.5]}, "strata": {"unit_cost": 4}}


GRID = {"execution": [0.1, 0.5, 0.9], "misalignment": [0, 1]}
WIDE = {"execution": {"from": 0.05, "to": 1.0, "points": 25}, "misalignment": {"from": 0.0, "to": 1.0, "points": 25}}


@pytest.mark.parametrize(
    ("settings", "tables", "shard_scale"),
    [
        ({"replicates": 10_000}, {"grid": GRID}, 1.0),
        ({"replicates": 10_000}, {"grid": GRID}, 0.05),
        ({"replicates": 10_000}, {"grid": GRID, "record": {"firms": True}}, 1.0),
        ({"replicates": 10_000}, {"grid": GRID, "population": POPULATION, "record": {"firms": True}}, 1.0),
        ({"replicates": 2}, {"grid": WIDE}, 1.0),
        ({"replicates": 100_000, "model": "car"}, {"grid": GRID}, 1.0),
    ],
    ids=["counts", "in small shards", "and records", "and strata", "many cells of few firms", "cars"],
)
def test_bytes_are_predicted_within_half(
    tmp_path: Path, settings: dict[str, Any], tables: dict[str, Any], shard_scale: float
) -> None:
    study = Study(study={"name": "few", **settings}, **tables)
    foretold = plan(study, shard_scale=shard_scale)
    run = RunDirectory(tmp_path / "run")
    worker = Worker(study, run.claim(study))
    for shard in foretold.shards:
        worker.run(shard, run.shards)
    written = sum(file.path.stat().st_size for file in run.files())
    assert foretold.shard_bytes == pytest.approx(written, rel=0.5)
    gather(tmp_path / "run").close()
    firms = tmp_path / "run" / "firms.nc"
    assert foretold.firms_bytes == pytest.approx(firms.stat().st_size if firms.exists() else 0, rel=0.5)
