"""Dask: few, large tasks; receipts travel, results do not; workers prove themselves; a dead worker costs a shard."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import dask
import pytest

import firmfate
from firmfate.errors import ExecutorError, IncompleteRunError, RunDirectoryError
from firmfate.execute import ArrayPart, DaskClient, DaskProcesses, DaskScheduler, Work
from firmfate.execute.dask_work import AHEAD, _is_lost, _run_shard, run_on_dask
from firmfate.shards import Worker, plan
from firmfate.shards.directory import RunDirectory
from firmfate.shards.plan import Shard
from firmfate.shards.work import Receipt

from .conftest import Case, certificate_of, firmfate_command, shard_times, wait_until


def work(case: Case, run: RunDirectory, fingerprint: str, shards: Iterable[Shard] = (), **more: Any) -> Work:
    """Return what there is to do."""
    quiet = {"done": lambda _: None, "say": lambda _: None}
    return Work(Worker(case.study, fingerprint), shards, run, **{**quiet, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def two_processes() -> Iterator[object]:
    """Give a client of two worker processes of one thread."""
    with DaskProcesses(2, threads=1).cluster() as client:
        yield client


def test_two_processes_give_the_same_bits_as_threads(small: Case, two_processes: object, tmp_path: Path) -> None:
    firmfate.run(small.file, into=tmp_path / "run", on=DaskClient(two_processes), progress=False).close()
    small.assert_same(tmp_path / "run")
    assert not list((tmp_path / "run").glob(".seen-*"))


@pytest.mark.slow
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

    def receipt_only(directory: str, wanted: str, token: str, device: str, shard: Shard) -> Receipt:
        return Receipt(shard.name, shard.name, shard.firms, 0)

    monkeypatch.setattr("firmfate.execute.dask_work._run_shard", receipt_only)
    run_on_dask(two_processes, work(small, run, wanted, many(), done=count))
    assert done == drawn == 1_000
    assert most <= AHEAD * 2 + 1


def test_workers_may_leave_while_more_is_in_flight_than_the_others_have_room_for(
    small: Case, two_processes: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is submitted until there is room again; then the rest is."""
    run, done = RunDirectory(tmp_path / "run"), 0
    wanted = run.claim(small.study)
    (shard, *_) = plan(small.study).shards

    def count(receipt: Receipt) -> None:
        nonlocal done
        done += 1

    def receipt_only(directory: str, wanted: str, token: str, device: str, shard: Shard) -> Receipt:
        return Receipt(shard.name, shard.name, shard.firms, 0)

    monkeypatch.setattr("firmfate.execute.dask_work._run_shard", receipt_only)
    monkeypatch.setattr("firmfate.execute.dask_work.RECOUNT", -1.0)
    monkeypatch.setattr(two_processes, "nthreads", lambda: {"stayed": 1} if done else {"stayed": 1, "left": 31})
    many = [Shard(shard.cells, place, 1, shard.block, place) for place in range(80)]
    run_on_dask(two_processes, work(small, run, wanted, many, done=count))
    assert done == 80


def test_a_finished_shard_whose_receipt_was_lost_is_not_run_again(small: Case, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(small.directory, run.path)
    wanted = run.claim(small.study)
    (run.path / "token").touch()
    (shard,) = plan(small.study).shards
    (file,) = run.files()
    kept = shard_times(run.path)
    again = _run_shard(str(run.path), wanted, "token", "cpu", shard)
    assert shard_times(run.path) == kept
    whole = file.path.read_bytes()
    os.truncate(file.path, 1000)
    assert _run_shard(str(run.path), wanted, "token", "cpu", shard) == again
    assert file.path.read_bytes() == whole


def test_a_worker_that_does_not_see_the_directory_stops_the_run(
    small: Case, two_processes: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    wanted = run.claim(small.study)

    def be_short_sighted() -> None:
        import firmfate.execute.dask_work as room

        room.SIGHT = 0.5

    two_processes.run(be_short_sighted)  # type: ignore[attr-defined]
    monkeypatch.setattr(Path, "touch", lambda *_: None)  # as on a disk that workers do not share
    with pytest.raises(RunDirectoryError, match="does not see the run directory"):
        run_on_dask(two_processes, work(small, run, wanted))


def test_a_worker_of_another_version_stops_the_run(small: Case, two_processes: object, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.claim(small.study)
    with pytest.raises(RunDirectoryError, match="another study or version"):
        run_on_dask(two_processes, work(small, run, "0" * 16))


def test_batch_jobs_keep_dask_as_quiet_as_here() -> None:
    from firmfate.execute.dask_work import QUIET
    from firmfate.slurm.scripts import fill

    text = fill("dask.sh.in", {})
    for key, value in QUIET.items():
        assert f"DASK_{key.upper().replace('.', '__').replace('-', '_')}={value}" in text


@pytest.mark.slow
def test_parts_of_an_array_may_run_on_processes(small: Case, tmp_path: Path) -> None:
    for index in range(2):
        part = ArrayPart(index, 2, on=DaskProcesses(2, threads=1))
        assert firmfate.run(small.file, into=tmp_path / "run", on=part, progress=False, shard_scale=0.1) is None
        assert not (tmp_path / "run" / "result.nc").exists()
    firmfate.gather(tmp_path / "run").close()
    small.assert_same(tmp_path / "run")


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A port where something listens that is no Dask."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("protocol", "says"), [("tcp", "within 0.5 s"), ("tls", "it wants TLS files")])
def test_what_is_no_scheduler_is_refused_by_its_address(
    protocol: str, says: str, elsewhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's client would wait there for ever."""
    monkeypatch.setattr("firmfate.execute.dask_scheduler.ANSWERS", 0.5)
    address = f"{protocol}://127.0.0.1:{elsewhere}"
    with pytest.raises(ExecutorError) as refused, DaskScheduler(address).connected():
        pass
    assert str(refused.value).startswith(f"no Dask scheduler answers at {address}")
    assert says in str(refused.value)


def test_a_client_that_gets_no_answer_changes_no_setting_of_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that became Dask's default before it failed would stay there, and xarray would write no file."""
    dask.config.config.pop("scheduler", None)
    monkeypatch.setattr(DaskScheduler, "check", lambda _: None)
    with pytest.raises(ExecutorError, match="no Dask scheduler answers at tcp") as refused:
        DaskScheduler("tcp://127.0.0.1:9", timeout=1).connected().__enter__()
    assert refused.value.exit_code == 2
    assert dask.config.get("scheduler", None) is None


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1", "'127.0.0.1' is no address of a Dask scheduler; allowed: an address with a port"),
        ("", "'' is no address"),
        ("http://127.0.0.1:8786", "'http://127.0.0.1:8786' is no address"),
        ("127.0.0.1:99999", "'127.0.0.1:99999' is no address"),
        ("127.0.0.1:1", "no Dask scheduler answers at 127.0.0.1:1: Connection refused"),
        ("nowhere.invalid:8786", "no Dask scheduler answers at nowhere.invalid:8786: "),
        ("nowhere.json", "nowhere.json: there is no such scheduler file"),
        ("broken.json", "broken.json is no scheduler file"),
        ("stale.json", "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_what_dask_would_wait_for_in_vain_is_refused_before_dask_is_asked(
    command: Callable, small: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, says: str
) -> None:
    """Dask waits twenty seconds, forty, or for ever, and may end with a traceback of its own."""
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{")
    Path("stale.json").write_text('{"address": "tcp://127.0.0.1:1"}')
    monkeypatch.setattr("distributed.Client", None)
    ended = command("run", small.file, "--into", "run", "--scheduler", address)
    assert (ended.code, says in ended.err) == (2, True), ended.err
    assert "Traceback" not in ended.err
    assert not Path("run").exists()


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

    with DaskProcesses(2, threads=1).cluster() as client:
        victim = next(iter(client.run(os.getpid).values()))
        killer = threading.Thread(target=kill, args=(victim,))
        killer.start()
        firmfate.run(chaos.file, into=run.path, on=DaskClient(client), progress=False).close()
        killer.join()
        assert victim in killed
        assert victim not in client.run(os.getpid).values()
    assert kept.items() <= shard_times(run.path).items()
    assert not list(run.shards.glob(".*.part"))
    chaos.assert_same(run.path)


def scheduler_killed(case: Case, brake: Path, folder: Path, shards: int) -> None:
    """Kill a scheduler with -9 when so many shards are finished; the same command goes on with another."""

    def cluster(meeting_point: Path) -> list[subprocess.Popen[bytes]]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        common = ["--scheduler-file", str(meeting_point), "--no-dashboard", "--host", "127.0.0.1"]
        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *common]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "2", "--no-nanny",
                  "--death-timeout", "5", "--local-directory", str(folder), *common]  # fmt: skip
        started = [subprocess.Popen(scheduler, **quiet)]  # type: ignore[call-overload]
        wait_until(meeting_point.is_file)
        return [*started, subprocess.Popen(worker, **quiet)]  # type: ignore[call-overload]

    run = RunDirectory(folder / "run")
    words = ("run", case.file, "--into", run.path, "--no-report", "--scheduler")
    brake.touch()
    processes = cluster(folder / "first.json")
    try:
        first = firmfate_command(*words, folder / "first.json")
        wait_until(lambda: len(run.files()) >= shards and run.provenance_file.exists())
        kept = shard_times(run.path)
        processes[0].kill()
        brake.unlink()
        _, said = first.communicate(timeout=120)
        assert "Traceback" not in said
        assert sum("firmfate: " in line for line in said.splitlines()) == 1, said
        if shards or first.returncode == 3:
            assert first.returncode == 3, said
            assert "the same command goes on from there" in said
        else:  # it had not connected yet
            assert first.returncode == 2, said
            assert f"no Dask scheduler answers at {folder / 'first.json'}" in said
        assert processes[1].wait(timeout=120) is not None  # its worker ends by itself
        processes += cluster(folder / "second.json")
        second = firmfate_command(*words, folder / "second.json")
        _, said = second.communicate(timeout=180)
        assert second.returncode == 0, said
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert kept.items() <= shard_times(run.path).items()
    case.assert_same(run.path)


@pytest.mark.slow
def test_the_scheduler_killed_and_the_command_repeated(chaos: Case, brake: Path, tmp_path: Path) -> None:
    scheduler_killed(chaos, brake, tmp_path, 2)


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
        with pytest.raises(ExecutorError, match="it wants TLS files"):
            DaskScheduler(address).connected().__enter__()
        firmfate.run(small.file, into=tmp_path / "run", on=DaskScheduler(address, tls), progress=False).close()
        strangers = certificate_of(tmp_path, "stranger")
        with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at tls://.*certificate"):
            DaskScheduler(address, strangers).connected().__enter__()
        settings = {
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(authority),
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": str(certificate),
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": str(key),
        }
        words = ("run", small.file, "--into", tmp_path / "settings", "--no-report", "--scheduler", address)
        running = firmfate_command(*words, env=os.environ | settings)
        _, said = running.communicate(timeout=120)
        assert running.returncode == 0, said
    small.assert_same(tmp_path / "run")
    small.assert_same(tmp_path / "settings")


def test_tls_files_that_are_none_are_named(tls: tuple[Path, Path, Path], tmp_path: Path, elsewhere: int) -> None:
    authority, certificate, _ = tls
    (tmp_path / "none.pem").write_text("no key")
    files = (authority, certificate, tmp_path / "none.pem")
    with pytest.raises(ExecutorError, match=r"TLS files that cannot be used: .*none\.pem: "):
        DaskScheduler(f"tls://127.0.0.1:{elsewhere}", files).check()


def test_missing_tls_files_are_named(tmp_path: Path) -> None:
    files = (tmp_path / "ca.pem",) * 3
    with pytest.raises(ExecutorError, match=r"ca\.pem"), DaskScheduler("tls://127.0.0.1:9", files).connected():
        pass


def test_tls_files_go_with_a_scheduler(command: Callable, small: Case) -> None:
    ended = command("run", small.file, "--tls", "a", "b", "c")
    assert (ended.code, "--tls goes with --scheduler" in ended.err) == (2, True)


def test_waiting_for_workers_is_printed_at_once_and_given_up_after_some_patience(small: Case, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    run = RunDirectory(tmp_path / "run")
    wanted = run.claim(small.study)
    said: list[str] = []
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(IncompleteRunError, match="no Dask worker came within 1 s"),
    ):
        run_on_dask(client, work(small, run, wanted, say=said.append), patience=1)
    assert said == ["waiting for a Dask worker, for at most 1 s ..."]


def test_a_scheduler_that_cannot_be_connected_to_is_lost_and_a_full_disk_is_not() -> None:
    """A request for receipts ends in such an OSError where the scheduler died since; the command exited with 2."""
    assert _is_lost(OSError("Timed out trying to connect to tcp://127.0.0.1:39797 after 20 s"))
    assert not _is_lost(OSError(errno.ENOSPC, "No space left on device"))
