"""Dask: few, large tasks; receipts travel, results do not; workers prove themselves; a dead worker costs a shard."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest

import firmfate
from firmfate.errors import FirmfateError, IncompleteRunError, RunDirectoryError
from firmfate.execute.dask import AHEAD, _run_shard, connect, local_cluster, run_on_dask
from firmfate.shards import Worker, plan
from firmfate.shards.directory import RunDirectory
from firmfate.shards.plan import Shard
from firmfate.shards.work import Receipt

from .conftest import Case, shard_times, wait_until


@pytest.fixture(scope="module")
def two_processes() -> Iterator[object]:
    """Give a client of two worker processes of one thread."""
    with local_cluster(2, 1) as client:
        yield client


def test_two_processes_give_the_same_bits_as_threads(small: Case, two_processes: object, tmp_path: Path) -> None:
    firmfate.run(small.file, into=tmp_path / "run", client=two_processes, progress=False).close()
    small.assert_same(tmp_path / "run")
    assert not list((tmp_path / "run").glob(".seen-*"))


def test_only_receipts_travel_and_few_tasks_are_in_flight(
    small: Case, two_processes: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of a thousand shards is drawn from as workers free up; what comes back is small."""
    drawn, done, most = 0, 0, 0
    run = RunDirectory(tmp_path / "run")
    wanted = run.claim(small.study)
    (shard, *_) = plan(small.study).shards

    def many() -> Iterator[Shard]:
        nonlocal drawn, most
        for place in range(1_000):
            drawn += 1
            most = max(most, drawn - done)
            yield Shard(shard.cells, place, 1, shard.block, place)

    def count(receipt: Receipt) -> None:
        nonlocal done
        done += 1
        assert sys.getsizeof(receipt.name) + sys.getsizeof(receipt.file) < 400

    def receipt_only(directory: str, wanted: str, token: str, shard: Shard) -> Receipt:
        return Receipt(shard.name, shard.name, shard.firms, 0)

    monkeypatch.setattr("firmfate.execute.dask._run_shard", receipt_only)
    run_on_dask(two_processes, run.path, wanted, many(), done=count, say=lambda _: None)
    assert done == drawn == 1_000
    assert most <= AHEAD * 2 + 1


def test_a_finished_shard_whose_receipt_was_lost_is_not_run_again(small: Case, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(small.directory, run.path)
    wanted = run.claim(small.study)
    (run.path / "token").touch()
    (shard,) = plan(small.study).shards
    (file,) = run.files()
    kept = shard_times(run.path)
    again = _run_shard(str(run.path), wanted, "token", shard)
    assert shard_times(run.path) == kept
    whole = file.path.read_bytes()
    os.truncate(file.path, 1000)
    assert _run_shard(str(run.path), wanted, "token", shard) == again
    assert file.path.read_bytes() == whole


def test_a_worker_that_does_not_see_the_directory_stops_the_run(
    small: Case, two_processes: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    wanted = run.claim(small.study)

    def be_short_sighted() -> None:
        import firmfate.execute.dask as room

        room.SIGHT = 0.5

    two_processes.run(be_short_sighted)  # type: ignore[attr-defined]
    monkeypatch.setattr(Path, "touch", lambda *_: None)  # as on a disk that workers do not share
    with pytest.raises(RunDirectoryError, match="does not see the run directory"):
        run_on_dask(two_processes, run.path, wanted, [], done=lambda _: None, say=lambda _: None)


def test_a_worker_of_another_version_stops_the_run(small: Case, two_processes: object, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.claim(small.study)
    with pytest.raises(RunDirectoryError, match="another study, version or processor"):
        run_on_dask(two_processes, run.path, "0" * 16, [], done=lambda _: None, say=lambda _: None)


def test_batch_jobs_keep_dask_as_quiet_as_here() -> None:
    from firmfate.execute.dask import QUIET
    from firmfate.slurm.scripts import fill

    text = fill("dask.sh.in", {})
    for key, value in QUIET.items():
        assert f"DASK_{key.upper().replace('.', '__').replace('-', '_')}={value}" in text


def test_ways_to_run_exclude_each_other(small: Case, tmp_path: Path) -> None:
    with pytest.raises(FirmfateError, match="exclude each other"):
        firmfate.run(small.file, into=tmp_path / "run", workers=2, client=object())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9"])
def test_no_scheduler_is_told_with_its_address_and_changes_no_setting_of_dask(address: str) -> None:
    """A client that became Dask's default before it failed would stay there, and xarray would write no file."""
    dask.config.config.pop("scheduler", None)
    with pytest.raises(RunDirectoryError) as told, connect(address, timeout=2):
        pass
    assert address in str(told.value)
    assert dask.config.get("scheduler", None) is None


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_shard_costs_that_shard_only(
    chaos: Case, brake: Path, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    killed: list[int] = []
    kept: dict[str, int] = {}

    def kill(pid: int) -> None:
        wait_until(lambda: len(run.files()) >= 2)
        kept.update(shard_times(run.path))
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        brake.unlink()

    with local_cluster(2, 1) as client:
        victim = next(iter(client.run(os.getpid).values()))
        killer = threading.Thread(target=kill, args=(victim,))
        killer.start()
        firmfate.run(chaos.file, into=run.path, client=client, progress=False).close()
        killer.join()
        assert victim in killed
        assert victim not in client.run(os.getpid).values()
    assert kept.items() <= shard_times(run.path).items()
    assert not list(run.shards.glob(".*.part"))
    chaos.assert_same(run.path)


@pytest.mark.slow
def test_the_scheduler_killed_and_the_command_repeated(chaos: Case, brake: Path, tmp_path: Path) -> None:
    from .conftest import firmfate_command

    def cluster(meeting_point: Path) -> list[subprocess.Popen[bytes]]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        common = ["--scheduler-file", str(meeting_point), "--no-dashboard", "--host", "127.0.0.1"]
        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *common]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "2", "--no-nanny",
                  "--death-timeout", "5", "--local-directory", str(tmp_path), *common]  # fmt: skip
        started = [subprocess.Popen(scheduler, **quiet)]  # type: ignore[call-overload]
        wait_until(meeting_point.is_file)
        return [*started, subprocess.Popen(worker, **quiet)]  # type: ignore[call-overload]

    run = RunDirectory(tmp_path / "run")
    words = ("run", chaos.file, "--into", run.path, "--no-report", "--scheduler")
    processes = cluster(tmp_path / "first.json")
    try:
        first = firmfate_command(*words, tmp_path / "first.json")
        wait_until(lambda: len(run.files()) >= 2)
        kept = shard_times(run.path)
        processes[0].kill()
        brake.unlink()
        _, said = first.communicate(timeout=120)
        assert first.returncode == 3, said
        assert "the same command goes on from there" in said
        processes += cluster(tmp_path / "second.json")
        second = firmfate_command(*words, tmp_path / "second.json")
        _, said = second.communicate(timeout=180)
        assert second.returncode == 0, said
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert kept.items() <= shard_times(run.path).items()
    chaos.assert_same(run.path)


@pytest.mark.slow
def test_work_is_encrypted_where_tls_files_are_given(small: Case, tls: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """A scheduler that wants TLS is refused without the files, and runs the study with them."""
    from distributed import LocalCluster
    from distributed.security import Security

    authority, certificate, key = tls
    files = {f"tls_{role}_{kind}": str(path) for role in ("scheduler", "worker", "client")
             for kind, path in (("cert", certificate), ("key", key))}  # fmt: skip
    security = Security(tls_ca_file=str(authority), require_encryption=True, **files)
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        security=security,
        protocol="tls",
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        with pytest.raises(RunDirectoryError, match="no Dask scheduler answers"), connect(address, timeout=3):
            pass
        firmfate.run(small.file, into=tmp_path / "run", scheduler=address, tls=tls, progress=False).close()
    small.assert_same(tmp_path / "run")


def test_missing_tls_files_are_named(tmp_path: Path) -> None:
    files = (tmp_path / "ca.pem",) * 3
    with pytest.raises(RunDirectoryError, match=r"ca\.pem"), connect("tls://127.0.0.1:9", files):
        pass


def test_no_worker_is_told_after_some_patience(small: Case, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    run = RunDirectory(tmp_path / "run")
    wanted = run.claim(small.study)
    assert Worker(small.study, wanted).fingerprint == wanted
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(IncompleteRunError, match="no Dask worker came"),
    ):
        run_on_dask(client, run.path, wanted, [], done=lambda _: None, say=lambda _: None, patience=1)
