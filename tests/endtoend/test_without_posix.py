"""`run` and `simulate` need nothing that POSIX systems alone have, and no Dask: the same bits where these are missing.

It stands in for Windows and macOS, which no test runs on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmfate.kernel.compose import cache_directory

ABSENT = """
import os, signal, sys
for name in ("fcntl", "grp", "pwd", "termios", "dask", "distributed"):
    sys.modules[name] = None
for name in ("getuid", "geteuid", "posix_fallocate", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP"):
    if hasattr(signal, name):
        delattr(signal, name)
"""
RUN = """
from firmfate.cli import main
raise SystemExit(main(["run", {study!r}, "--into", {into!r}, "--no-report", "--quiet", "--threads", "2"]))
"""
SIMULATE = """
import firmfate
print(firmfate.simulate("car", execution=[0.5], replicates=64, weeks=52).event_week.values.sum())
"""
STUDY = """
[study]
name = "elsewhere"
model = "car"
years = 2
replicates = 256
[grid]
execution = [0.1, 0.9]
"""


def python(code: str) -> str:
    """Run a program in a process of its own; return what it printed."""
    settings = os.environ | {"FIRMFATE_CACHE_DIR": str(cache_directory().parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_has_the_same_bits(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY, encoding="utf-8")
    for name, before in (("here", ""), ("elsewhere", ABSENT)):
        python(before + RUN.format(study=str(study), into=str(tmp_path / name)))
    here, elsewhere = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.shard")} for name in ("here", "elsewhere")
    )
    assert here
    assert here == elsewhere


@pytest.mark.slow
def test_simulate_has_the_same_bits() -> None:
    assert python(SIMULATE) == python(ABSENT + SIMULATE)
