"""Files and folders that this user may not read or write: each is named, and nothing of them is moved or lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.conftest import SMALL_SHARDS, Undisturbed, shards
from tests.faults.names import model
from tests.faults.promises import gathered

pytestmark = pytest.mark.slow

OTHERS_RIGHTS = "-dac_override,-dac_read_search"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command() -> Command:
    """Run a command as a user to whom the rights of files apply, as they do not to root."""
    before: list[str] = []
    if os.geteuid() == 0:
        before = ["setpriv", f"--inh-caps={OTHERS_RIGHTS}", f"--bounding-set={OTHERS_RIGHTS}"]
        if shutil.which("setpriv") is None or subprocess.run([*before, "true"], capture_output=True).returncode:
            pytest.skip("root may read all files, unless setpriv takes that from a process")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-m", "firmfate", *map(str, words)], capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def run(undisturbed: Undisturbed, tmp_path: Path) -> Iterator[Path]:
    """A complete run; all of it may be read and written again at the end."""
    folder = tmp_path / "run"
    shutil.copytree(undisturbed.run, folder)
    yield folder
    for path in (folder, folder / "shards"):
        path.chmod(0o755)


def refused(ended: subprocess.CompletedProcess[str], path: Path) -> None:
    """See that a command was refused in one message that names the file."""
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("firmfate: ") == 1
    assert f"firmfate: {path}" in ended.stderr
    assert "Permission denied" in ended.stderr


def test_shards_that_may_not_be_read_are_not_taken_for_broken(
    command: Command, run: Path, undisturbed: Undisturbed
) -> None:
    """They were shown as broken, and whole ones were set aside by `run` and by `gather --allow-incomplete`."""
    shard = sorted((run / "shards").iterdir())[1]
    shard.chmod(0)
    goes_on = ("run", undisturbed.study, "--into", run, *SMALL_SHARDS)
    for words in (("status", run), ("gather", run), ("gather", run, "--allow-incomplete"), goes_on):
        refused(command(*words), shard)
        assert shards(run) == undisturbed.shards
    shard.chmod(0o644)
    assert command(*goes_on).returncode == 0
    assert gathered(run / "result.nc") == undisturbed.bits


@pytest.mark.parametrize("mode", [0, 0o400])
def test_folders_that_may_not_be_read_are_named(command: Command, run: Path, mode: int) -> None:
    """Of a folder that may be listed, and whose files may not be opened, all shards were shown as broken."""
    (run / "shards").chmod(mode)
    for words in (("status", run), ("gather", run)):
        refused(command(*words), run / "shards")
    run.chmod(mode)
    for words in (("status", run), ("gather", run), ("report", run), ("export", run, "--into", run.parent / "x.csv")):
        refused(command(*words), run)


def test_a_model_that_may_not_be_read_is_named(command: Command, tmp_path: Path) -> None:
    """It was no name of a file."""
    mine, study = tmp_path / "mine.py", tmp_path / "study.toml"
    mine.write_text(model())
    study.write_text('[study]\nname = "mine"\nmodel = "mine.py:WALK"\n')
    mine.chmod(0)
    for words in (("check", study), ("run", study, "--into", tmp_path / "run"), ("lab", f"{mine}:WALK")):
        ended = command(*words)
        assert ended.returncode == 2, ended
        assert f"{mine} cannot be read: Permission denied" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_a_calibration_sees_that_it_can_write_before_it_simulates(command: Command, tmp_path: Path) -> None:
    study, folder = tmp_path / "study.toml", tmp_path / "locked"
    study.write_text('[study]\nname = "cars"\nmodel = "car"\n')
    folder.mkdir(mode=0o500)
    fit = ("calibrate", study, "--series", "BLS_BED_manufacturing", "--cohort", "2013-03", "--free", "notice=0.05:5")
    hours = ("--firms", "10000000", "--starts", "1000")
    for into in (folder, folder / "new"):
        refused(command(*fit, *hours, "--into", into), into)
