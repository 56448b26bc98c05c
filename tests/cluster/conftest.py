"""A real one-node Slurm, a study to be disturbed, a brake so that it is in time, and what it comes to undisturbed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import xarray as xr

import firmfate
from firmfate import Study
from firmfate.slurm import Profile

ONE_NODE = Path(__file__).parents[2] / "slurm" / "one-node"
BRAKE = Path(__file__).parent / "brake"
DAEMONS = ("slurmctld", "slurmd", "munged")

STUDY = """\
[study]
name = "chaos"
years = 20
replicates = {replicates}
seed = 7

[grid]
execution = [0.1, 0.5, 0.9]
"""


def wait_until(reached: Callable[[], object], *, seconds: float = 240, every: float = 0.1) -> None:
    """Wait for a condition; fail where it does not come."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached within {seconds} s"
        time.sleep(every)


def shard_times(directory: Path) -> dict[str, int]:
    """Return the finished shards with the times of their writing, in nanoseconds."""
    times = {}
    for path in (directory / "shards").glob("[0-9a-f]*.shard"):
        times[path.name] = path.stat().st_mtime_ns
    return times


def firmfate_command(*words: object, **options: object) -> subprocess.Popen[str]:
    """Start the command line as a process of its own, which can be interrupted also where the tests cannot."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "firmfate", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options,  # type: ignore[call-overload]
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A study file, and its undisturbed result on threads."""

    file: Path
    directory: Path

    @property
    def study(self) -> Study:
        """The study."""
        return Study.read(self.file)

    def assert_same(self, directory: Path) -> None:
        """Fail unless another directory's result has the same variables, to the bit."""
        with xr.open_dataset(self.directory / "result.nc") as wanted, xr.open_dataset(directory / "result.nc") as found:
            assert set(found.variables) == set(wanted.variables)
            for name in wanted.variables:
                assert found[name].dtype == wanted[name].dtype, name
                assert found[name].identical(wanted[name]), name


def made_case(folder: Path, replicates: int) -> Case:
    """Write a study of so many replicates and run it on threads."""
    file = folder / "study.toml"
    file.write_text(STUDY.format(replicates=replicates))
    firmfate.run(file, into=folder / "threads", progress=False, on=firmfate.execute.Threads(2)).close()
    return Case(file, folder / "threads")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A study of a second."""
    return made_case(tmp_path_factory.mktemp("small"), 4_000)


@pytest.fixture(scope="session")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A study of 12 shards of two pieces; with the brake on, one CPU needs 72 seconds for it and two need 36."""
    return made_case(tmp_path_factory.mktemp("chaos"), 285_000)


@pytest.fixture
def brake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Brake every process that the test starts, on a machine of any speed, until it unlinks this file."""
    file = tmp_path / "brake"
    file.touch()
    monkeypatch.setenv("BRAKE", str(file))
    monkeypatch.setenv("PYTHONPATH", str(BRAKE), prepend=os.pathsep)
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def slurm() -> Iterator[None]:
    """Start a Slurm of one node with two CPUs, the project's own way; its jobs and daemons end with the tests."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in DAEMONS if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    folder = tempfile.mkdtemp(prefix="ff-", dir="/tmp")  # short: sockets have short names
    settings = {**os.environ, "SLURM_UP_DIR": folder, "SLURM_UP_CPUS": "2"}
    up = subprocess.run([ONE_NODE / "slurm-up"], env=settings, capture_output=True, text=True, timeout=90, check=False)
    before = os.environ.get("SLURM_CONF")
    try:
        assert up.returncode == 0, up.stderr
        os.environ["SLURM_CONF"] = f"{folder}/etc/slurm.conf"
        yield
    finally:
        subprocess.run([ONE_NODE / "slurm-down", "--wipe"], env=settings, capture_output=True, timeout=120, check=False)
        os.environ.pop("SLURM_CONF")
        if before is not None:
            os.environ["SLURM_CONF"] = before


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Two tasks of one CPU at a time, a few shards each, on the loopback interface."""
    return Profile(
        memory="1G", walltime="00:10:00", concurrent=2, task_minutes=0.05, grace_seconds=10, interface="lo",
        scratch="/tmp", patience_seconds=60,
    )  # fmt: skip


def certificate_of(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Make files of an authority, its certificate and its key, that are their own."""
    certificate, key = folder / f"{name}-certificate.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}",
         "-keyout", str(key), "-out", str(certificate)],
        capture_output=True, check=True,
    )  # fmt: skip
    return certificate, certificate, key


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Files of an authority, its certificate and its key, that are their own."""
    return certificate_of(tmp_path, "firmfate")


def states(job: str) -> dict[str, str]:
    """Return the state of every task of a job, by its number, as long as Slurm remembers it."""
    asked = ["squeue", "--states=all", "--array", "--noheader", "--format=%i %T", "--jobs", job]
    listed = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
    return dict(line.split() for line in listed.stdout.splitlines())


def wait_for_job(job: str, *, seconds: float = 240) -> str:
    """Wait until a job that is no array has ended; return its state."""
    going = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"}
    wait_until(lambda: states(job) and not going & set(states(job).values()), seconds=seconds, every=0.5)
    return ",".join(states(job).values())
