"""What end-to-end tests share: a study of some seconds, processes that run it, and results compared bit by bit."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

TABLE = """\
[study]
name = "corners"
years = 20
replicates = {replicates}
seed = 20261123

[grid]
execution = [0.2, 1.0]
misalignment = [0.0, 1.0]
"""


@pytest.fixture(scope="session")
def corners(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Write the study of four cells with so many replicates, and return its file."""
    folder = tmp_path_factory.mktemp("corners")

    def write(replicates: int) -> Path:
        path = folder / f"corners-{replicates}.toml"
        path.write_text(TABLE.format(replicates=replicates), encoding="utf-8")
        return path

    return write


def start(*words: object) -> subprocess.Popen[str]:
    """Start ``firmfate WORDS`` as a process of its own, ended by an interrupt even where tests run behind."""
    return subprocess.Popen(
        [sys.executable, "-m", "firmfate", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.fixture(scope="session", name="start")
def _start() -> Callable[..., subprocess.Popen[str]]:
    return start


def bits(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return type, shape and bytes of every variable of a netCDF file."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return {
            name: (str(variable.dtype), variable.shape, np.ascontiguousarray(variable[...]).tobytes())
            for name, variable in file.variables.items()
        }


@pytest.fixture(scope="session", name="bits")
def _bits() -> Callable[[Path], dict[str, tuple[str, tuple[int, ...], bytes]]]:
    return bits
