"""Studies of cars with [precision], which take a pilot and one more round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import firmfate
from firmfate.execute import Threads

STUDY = """\
[study]
name = "cars"
model = "car"
replicates = 1024
seed = 7

[grid]
execution = [0.1, 1.0]
misalignment = [0.1, 0.7, 1.0]

[precision]
rmst = "0.3 years"
survival.5y = 0.02
"""
FINER = {"rmst": ("0.3 years", "0.012 years"), "pilot": ("replicates = 1024", "replicates = 100_352")}
"""What makes it last for seconds."""


def counts(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every variable of a result."""
    with netCDF4.Dataset(directory / "result.nc") as file:
        file.set_auto_maskandscale(False)
        return {name: np.ascontiguousarray(one[...]).tobytes() for name, one in file.variables.items()}


def decisions(directory: Path) -> str:
    """Return the record of rounds."""
    return (directory / "rounds.json").read_text(encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the study, with some text of it replaced."""

    def write(name: str = "cars", **replaced: tuple[str, str]) -> Path:
        text = STUDY
        for old, new in replaced.values():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of the study, finished on one thread; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("cars")
    (folder / "cars.toml").write_text(STUDY, encoding="utf-8")
    firmfate.run(folder / "cars.toml", into=folder / "run", on=Threads(1), progress=False).close()
    return folder / "run"
