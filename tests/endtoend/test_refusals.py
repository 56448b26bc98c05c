"""Bad studies and bad directories: one clear message, exit code 2, and nothing is written or overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOOD = """\
[study]
name = "good"
replicates = 50
years = 5

[grid]
execution = [0.2, 1.0]
misalignment = [0.0, 1.0]
"""

BAD = {
    "an unknown key": ("replicates = 50", "replicate = 50", "study.replicate: there is no such key in [study]"),
    "an unknown table": ("[grid]", "[gird]", "[gird]: a study has no such table; did you mean 'grid'?"),
    "an unknown parameter": ("misalignment =", "misalignement =", "did you mean 'misalignment'?"),
    "NaN": ("[0.2, 1.0]", "[0.2, nan]", "grid.execution[1] = nan"),
    "a value out of range": ("[0.2, 1.0]", "[0.2, 1.5]", "grid.execution[1] = 1.5"),
    "an empty axis": ("[0.2, 1.0]", "[]", "grid.execution = []: is empty"),
    "an empty grid": ("execution = [0.2, 1.0]\nmisalignment = [0.0, 1.0]\n", "", "grid"),
    "no replicates": ("replicates = 50", "replicates = 0", "study.replicates = 0"),
    "replicates that are no number": ("replicates = 50", 'replicates = "many"', 'study.replicates = "many"'),
    "the same value twice": ("[0.2, 1.0]", "[0.2, 0.2]", "grid.execution[1] = 0.2: is there already"),
    "a name that climbs": ('name = "good"', 'name = "../x"', 'study.name = "../x"'),
    "a model that is not there": ('name = "good"', 'name = "good"\nmodel = "frim"', "did you mean 'firm'?"),
    "no TOML": ("[grid]", "[grid", "is no TOML"),
}  # fmt: skip


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return (time of the last change, content) of every file below a folder."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    }


def refused(ended: object, said: str) -> None:
    """See that a command ended with exit code 2 and one message."""
    assert ended.code == 2, ended
    assert ended.out == ""
    assert ended.err.startswith("firmfate: ")
    assert ended.err.count("firmfate: ") == 1
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("name", ["run", "check", "plan"])
def test_bad_studies(command: Callable, tmp_path: Path, what: str, name: str) -> None:
    old, new, said = BAD[what]
    assert old in GOOD
    (tmp_path / "bad.toml").write_text(GOOD.replace(old, new))
    before = everything(tmp_path)
    refused(command(name, tmp_path / "bad.toml", *(("--into", tmp_path / "run") if name == "run" else ())), said)
    assert everything(tmp_path) == before


OVERLOADED = GOOD + "capacity = [0.7, 1.35]\n"


def test_a_cell_that_cannot_start_leaves_no_trace(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(OVERLOADED)
    before = everything(tmp_path)
    refused(command("run", tmp_path / "bad.toml", "--into", tmp_path / "run"), f"{tmp_path / 'bad.toml'}: capacity = ")
    assert everything(tmp_path) == before


def test_a_run_keeps_its_study_when_its_extension_cannot_start(command: Callable, tmp_path: Path) -> None:
    """More cells belong to the same run; a cell that cannot start must not enter its study.toml."""
    study = tmp_path / "study.toml"
    study.write_text(GOOD + "capacity = [1.35]\n")
    assert command("run", study, "--into", tmp_path / "run", "--no-report", "--quiet").code == 0
    study.write_text(OVERLOADED)
    before = everything(tmp_path)
    refused(command("run", study, "--into", tmp_path / "run"), "capacity = 0.7 leaves 0.665")
    assert everything(tmp_path) == before


def test_a_study_that_is_not_there(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(GOOD)
    refused(command("run", tmp_path / "stduy.toml", "--into", tmp_path / "run"), "did you mean 'study.toml'?")
    refused(command("run", tmp_path, "--into", tmp_path / "run"), "is a directory")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A study that can be run."""
    (tmp_path / "good.toml").write_text(GOOD)
    return tmp_path / "good.toml"


def test_a_directory_that_holds_another_study(
    command: Callable, good: Path, finished_run: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(finished_run, tmp_path / "run")
    before = everything(copy)
    ended = command("run", good, "--into", copy)
    refused(ended, "holds another study ('small')")
    assert "horizon in weeks: the run has 520, the study asks for 260" in ended.err
    assert "seed: the run has 20261123, the study asks for 0" in ended.err
    assert everything(copy) == before


def test_a_directory_that_holds_something_else(command: Callable, good: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    before = everything(tmp_path)
    refused(command("run", good, "--into", tmp_path / "home"), "is not empty and holds no run")
    refused(command("run", good, "--into", tmp_path / "home" / "thesis.tex"), "is a file; name a directory")
    assert everything(tmp_path) == before


def test_a_directory_that_cannot_be_made(command: Callable, good: Path) -> None:
    refused(command("run", good, "--into", "/proc/firmfate"), "/proc/firmfate cannot be written")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system takes root; what follows is tested without one too")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_without_space(command: Callable, good: Path, tiny_disk: Path) -> None:
    refused(command("run", good, "--into", tiny_disk / "run"), "of free space; this run may need")
    assert not list(tiny_disk.rglob("*.nc"))


def test_a_disk_that_looks_full(command: Callable, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 4096, 4096))
    refused(command("run", good, "--into", tmp_path / "run"), "has 4 KiB of free space")


def test_a_disk_that_fills_up_in_mid_run(
    command: Callable, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is finished stays, nothing half-written is left, and the same command goes on."""
    words = ("run", good, "--into", tmp_path / "run", "--shard-scale", "0.001", "--threads", "1", "--no-report")
    count = 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += ".shard." in os.readlink(f"/proc/self/fd/{descriptor}")
        if count > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    good.write_text(GOOD.replace("replicates = 50", "replicates = 5_000"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        ended = command(*words, "--quiet")
    refused(ended, "no space is left for")
    files = [path.name for path in (tmp_path / "run" / "shards").iterdir()]
    assert len(files) == 2
    assert not [name for name in files if name.endswith(".part")]
    assert command(*words, "--quiet").code == 0
    assert set(files) < {path.name for path in (tmp_path / "run" / "shards").iterdir()}


def test_refusals_as_a_shell_sees_them(start: Callable, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(GOOD.replace("[0.2, 1.0]", "[0.2, 1.5]"))
    process = start("run", tmp_path / "bad.toml", "--into", tmp_path / "run")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.count("\n") == 1
    assert "grid.execution[1] = 1.5: must lie in [0, 1]" in err
    assert not (tmp_path / "run").exists()
