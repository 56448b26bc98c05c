"""netCDF files where disks are full and files are damaged: one message, the old file kept, the same command goes on."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import firmfate
from firmfate import files
from firmfate.dataset import netcdf, slabs
from firmfate.errors import RunDirectoryError
from firmfate.simulation.typical_firms import read_trajectories

RECORDED = """\
[study]
name = "recorded"
years = 2
replicates = 60_000

[grid]
execution = [0.2, 1.0]

[record]
firms = true
"""


@pytest.fixture(scope="module")
def recorded_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run whose firms are recorded; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "study.toml").write_text(RECORDED.replace("60_000", "500"))
    firmfate.run(folder / "study.toml", into=folder / "run", progress=False).close()
    return folder / "run"


def limited(
    size: int, *words: object, program: tuple[str, ...] | list[str] = ("-m", "firmfate")
) -> subprocess.CompletedProcess[str]:
    """Run ``firmfate WORDS`` as a process that may write no file larger than `size` bytes."""
    return subprocess.run(
        [sys.executable, *program, *map(str, words)],
        capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip


def names(folder: Path) -> set[str]:
    """Return the names of what lies in a folder, unfinished files among them."""
    return {path.name for path in folder.iterdir()}


ROOM = {"result.nc": 1_000_000, "trajectories.nc": 2_500_000}
"""File -> a limit under which there is no room for it, but for what is written before it."""

SIZES = {"result.nc": 30_000, "trajectories.nc": 300_000}
"""The same of the files themselves, compressed."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ROOM)
def test_a_file_that_does_not_fit_is_named_and_the_same_command_goes_on(
    finished_run: Path, study_file: Path, tmp_path: Path, name: str
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    held = (run / name).read_bytes()
    before = names(run)
    ended = limited(ROOM[name], "run", study_file, "--into", run, "--no-report")
    assert ended.returncode == 2, ended
    assert ended.stderr.splitlines()[-1] == f"firmfate: {run / name} cannot be written: File too large"
    assert (run / name).read_bytes() == held
    assert names(run) == before
    assert limited(2**30, "run", study_file, "--into", run, "--no-report", "--quiet").returncode == 0


def test_recorded_firms_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(RECORDED)
    run = tmp_path / "run"
    ended = limited(2_000_000, "run", tmp_path / "study.toml", "--into", run, "--shard-scale", "0.01")
    assert ended.returncode == 2, ended
    assert ended.stderr.splitlines()[-1] == f"firmfate: {run / 'firms.nc'} cannot be written: File too large"
    assert not (run / "firms.nc").exists()
    assert not list(run.rglob("*.part"))


def test_room_is_found_for_every_block_before_it_is_written(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = shutil.copytree(finished_run, tmp_path / "run"), []
    reserve = files.reserve
    monkeypatch.setattr(files, "reserve", lambda folder, size: (asked.append(size), reserve(folder, size))[1])
    with firmfate.gather(run) as ds:
        assert sum(ds[name].nbytes for name in ds.data_vars) + netcdf.HEADER_BYTES in asked


@pytest.mark.parametrize("allowed", [0, 1, 2, 3])
def test_where_there_is_no_room_the_library_does_not_begin_to_write(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """Before the file, its header, and every block of counts."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    held, asked = (run / "result.nc").read_bytes(), 0

    def full(folder: Path, size: int) -> None:
        nonlocal asked
        asked += 1
        if asked > allowed:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    monkeypatch.setattr(files, "reserve", full)
    with pytest.raises(RunDirectoryError, match=f"no space is left for {run / 'result.nc'}; make room"):
        firmfate.gather(run)
    assert asked == allowed + 1
    assert (run / "result.nc").read_bytes() == held
    assert not list(run.glob(".*.part"))


@pytest.mark.parametrize("name", SIZES)
def test_a_write_of_the_library_that_fails_all_the_same_is_no_internal_error(
    finished_run: Path, tmp_path: Path, name: str
) -> None:
    """As where another process took the room meanwhile, or the disk is defective."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    held, before = (run / name).read_bytes(), names(run)
    program = (
        "import sys, firmfate.files\n"
        "firmfate.files.reserve = lambda folder, size: None\n"
        "from firmfate.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    ended = limited(SIZES[name], "gather", run, program=["-c", program])
    assert ended.returncode == 2, ended
    assert ended.stderr == f"firmfate: {run / name} cannot be written: NetCDF: HDF error\n"
    assert (run / name).read_bytes() == held
    assert names(run) == before


def huge(path: Path, **sizes: int) -> Path:
    """Write a small netCDF file that declares large dimensions, of which nothing is stored."""
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in sizes.items():
            file.createDimension(dim, size)
            file.createVariable(dim, "i8", (dim,), chunksizes=(1024,), zlib=True)
        file.createVariable("events", "u4", tuple(sizes), zlib=True, chunksizes=(1024,) * len(sizes))
        file.createVariable("firms", "u8", ())
    return path


@pytest.mark.parametrize("name", ["result.nc", "trajectories.nc", "firms.nc"])
@pytest.mark.parametrize("size", [10**9, 10**12])
def test_files_that_declare_huge_dims_are_refused_before_room_is_made(
    command: Callable, finished_run: Path, tmp_path: Path, name: str, size: int
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    path = huge(run / name, replicate=size) if name == "firms.nc" else huge(run / name, week=size)
    assert path.stat().st_size < 100_000
    words = ("export", run, "--firms", "--into", tmp_path / "x.csv") if name == "firms.nc" else ("report", run)
    ended = command(*words)
    assert ended.code == 2
    assert f"{path} declares" in ended.err


def damaged(path: Path, kind: str) -> None:
    """Damage a file, each time in the same places."""
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(len(kind))
    if kind == "truncated":
        del data[len(data) // 2 :]
    elif kind == "foreign":
        data[:] = b"not netCDF at all"
    elif kind == "empty":
        data.clear()
    else:
        for place in random.integers(0, len(data), 400):
            data[place] ^= 0xFF
    path.write_bytes(data)


KINDS = [
    pytest.param(kind, marks=pytest.mark.slow if kind in ("flipped", "truncated") else pytest.mark.evidence)
    for kind in ("flipped", "truncated", "foreign", "empty")
]


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_trajectories_are_named_by_the_report_and_replaced_by_gather_and_run(
    command: Callable, finished_run: Path, study_file: Path, tmp_path: Path, kind: str
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    for words in (("gather", run, "--quiet"), ("run", study_file, "--into", run, "--quiet")):
        damaged(run / "trajectories.nc", kind)
        later = (run / "result.nc").stat().st_mtime + 3600
        os.utime(run / "trajectories.nc", (later, later))  # whatever the times of files say
        ended = command("report", run)
        assert ended.code == 2, ended
        assert str(run / "trajectories.nc") in ended.err
        assert f"firmfate gather {run}" in ended.err
        assert command(*words).code == 0
        assert command("report", run).code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_result_is_named_and_replaced(
    command: Callable, finished_run: Path, study_file: Path, tmp_path: Path, kind: str
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    damaged(run / "result.nc", kind)
    ended = command("report", run)
    assert ended.code == 2, ended
    assert str(run / "result.nc") in ended.err
    assert command("run", study_file, "--into", run, "--quiet").code == 0
    assert command("report", run).code == 0


def flipped(path: Path, place: int) -> None:
    """Flip a byte of a file."""
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 0xFF
    path.write_bytes(data)


def test_no_flipped_byte_of_firms_is_an_internal_error_of_their_export(
    command: Callable, recorded_run: Path, tmp_path: Path
) -> None:
    data, ended = (recorded_run / "firms.nc").read_bytes(), []
    for place in np.linspace(0, len(data) - 1, 60):
        flipped(recorded_run / "firms.nc", int(place))
        ended.append(command("export", recorded_run, "--firms", "--into", tmp_path / "x.csv", "--quiet"))
        (recorded_run / "firms.nc").write_bytes(data)
    assert {end.code for end in ended} == {0, 2}
    assert all(str(recorded_run / "firms.nc") in end.err for end in ended if end.code)
    assert any("is damaged (NetCDF" in end.err for end in ended)


def test_flipped_bytes_of_a_result_are_refused_by_its_name(recorded_run: Path) -> None:
    path = recorded_run / "result.nc"
    data, refused = path.read_bytes(), []
    for place in np.linspace(0, len(data) - 1, 120):
        flipped(path, int(place))
        try:
            with firmfate.open_run(path) as ds, netcdf.reading(path):
                ds.load()
        except RunDirectoryError as fault:
            refused.append(str(fault))
        path.write_bytes(data)
    assert all(str(path) in fault for fault in refused)
    assert any("is damaged (NetCDF" in fault and f"firmfate gather {recorded_run}" in fault for fault in refused)


@pytest.mark.parametrize("name", ["week", "execution"])
def test_a_flipped_byte_of_a_label_is_refused_by_the_name_of_the_file(
    recorded_run: Path, tmp_path: Path, name: str
) -> None:
    path = Path(shutil.copy(recorded_run / "result.nc", tmp_path / "result.nc"))
    with netCDF4.Dataset(path) as file:
        stored = np.ascontiguousarray(file[name][...]).tobytes()
    assert path.read_bytes().count(stored) == 1
    flipped(path, path.read_bytes().index(stored) + len(stored) // 2)
    with pytest.raises(RunDirectoryError, match=re.escape(f"{path} cannot be opened as netCDF")):
        firmfate.open_run(path)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("week", 7, "holds no counts: the coordinate `week` must"), ("firms", 2**64 - 2, "is damaged (parts of 'firms'")],
)
def test_weeks_and_counts_that_no_run_has_written_are_refused_by_the_name_of_the_file(
    command: Callable, recorded_run: Path, tmp_path: Path, name: str, value: int, says: str
) -> None:
    run = shutil.copytree(recorded_run, tmp_path / "run")
    with netCDF4.Dataset(run / "result.nc", "a") as file:
        file[name][0] = value
    for words in (("export", run, "--into", tmp_path / "x.csv"), ("report", run)):
        ended = command(*words)
        assert ended.code == 2, ended
        assert f"{run / 'result.nc'} {says}" in ended.err


def test_no_flipped_byte_of_trajectories_is_an_internal_error(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    data, refused = (run / "trajectories.nc").read_bytes(), 0
    held = read_trajectories(run)
    assert held is not None
    assert all(isinstance(variable.variable._data, np.ndarray) for variable in held.data_vars.values())  # in memory
    for place in np.random.default_rng(3).integers(0, len(data), 40):
        flipped(run / "trajectories.nc", int(place))
        try:
            read_trajectories(run)
        except RunDirectoryError as fault:
            refused += str(run / "trajectories.nc") in str(fault)
        (run / "trajectories.nc").write_bytes(data)
    assert refused > 20
