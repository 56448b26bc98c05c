"""The same bits: for any number of threads and Dask processes, any size of shards, any order of growth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firmfate

REPLICATES = 10_000


@pytest.fixture(scope="module")
def reference(
    corners: Callable[[int], Path], bits: Callable, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The variables of the study of four cells, on one thread with shards of the usual size."""
    into = tmp_path_factory.mktemp("reference") / "run"
    firmfate.run(corners(REPLICATES), into=into, on=firmfate.execute.Threads(1), progress=False).close()
    return bits(into / "result.nc")


def test_two_studies_do_not_have_the_same_bits(
    corners: Callable[[int], Path], bits: Callable, reference: dict[str, Any], tmp_path: Path
) -> None:
    """The comparison can fail: one firm less shows."""
    firmfate.run(corners(REPLICATES - 1), into=tmp_path / "run", progress=False).close()
    other = bits(tmp_path / "run" / "result.nc")
    assert other.keys() == reference.keys()
    assert {name for name in other if other[name] != reference[name]} >= {"events", "firms", "batch_lifetime"}


@pytest.mark.parametrize("shard_scale", [0.01, 0.3, 10.0])
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_shards(
    corners: Callable[[int], Path], bits: Callable, reference: dict[str, Any], tmp_path: Path,
    threads: int, shard_scale: float,
) -> None:  # fmt: skip
    into = tmp_path / "run"
    firmfate.run(
        corners(REPLICATES), into=into, on=firmfate.execute.Threads(threads), shard_scale=shard_scale, progress=False
    ).close()  # fmt: skip
    assert bits(into / "result.nc") == reference


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_dask_processes(
    corners: Callable[[int], Path],
    bits: Callable,
    reference: dict[str, Any],
    tmp_path: Path,
    start: Callable,
    processes: int,
) -> None:
    """Real processes of a local cluster, by the command line."""
    into = tmp_path / "run"
    process = start(
        "run", corners(REPLICATES), "--into", into, "--workers", processes, "--shard-scale", "0.1", "--no-report"
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f"running on Dask: {processes} worker process(es)" in err
    assert bits(into / "result.nc") == reference


def test_array_tasks_in_any_order(
    command: Callable, corners: Callable[[int], Path], bits: Callable, reference: dict[str, Any], tmp_path: Path
) -> None:
    into = tmp_path / "run"
    for part in (2, 0, 1, 1):
        assert command("run", corners(REPLICATES), "--into", into, "--shards", f"{part}/3", "--quiet").code == 0
    assert command("gather", into, "--quiet").code == 0
    assert bits(into / "result.nc") == reference


@pytest.mark.parametrize("shard_scale", [0.05, 1.0])
def test_more_replicates_afterwards(
    corners: Callable[[int], Path], bits: Callable, reference: dict[str, Any], tmp_path: Path, shard_scale: float
) -> None:
    into = tmp_path / "run"
    firmfate.run(corners(2_000), into=into, shard_scale=shard_scale, progress=False).close()
    before = {path: path.stat().st_mtime_ns for path in (into / "shards").glob("*.shard")}
    assert bits(into / "result.nc") != reference
    firmfate.run(corners(REPLICATES), into=into, progress=False).close()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert bits(into / "result.nc") == reference


def test_more_cells_afterwards(
    corners: Callable[[int], Path], bits: Callable, reference: dict[str, Any], tmp_path: Path
) -> None:
    """A run of half of the grid grows to the whole of it; the old cells stay as they were."""
    whole = corners(REPLICATES)
    half = tmp_path / "half.toml"
    half.write_text(whole.read_text().replace("execution = [0.2, 1.0]", "execution = [1.0]"))
    into = tmp_path / "run"
    firmfate.run(half, into=into, progress=False).close()
    before = {path: path.stat().st_mtime_ns for path in (into / "shards").glob("*.shard")}
    firmfate.run(whole, into=into, progress=False).close()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert bits(into / "result.nc") == reference
