"""What attacks on real processes and real disks share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faults.children import Children, Ended
from tests.faults.promises import gathered

STUDY = """\
[study]
name = "attacked"
model = "car"
years = 10
replicates = 4_000
seed = 7

[grid]
execution = [0.1, 0.9]
misalignment = [0.0, 1.0]
"""
SMALL_SHARDS = ("--shard-scale", "0.0002", "--threads", "2", "--no-report", "--quiet")


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Begin commands as processes."""
    made = Children(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


@dataclass(frozen=True)
class Undisturbed:
    """A study, and its run that nothing disturbed."""

    study: Path
    run: Path
    bits: dict[str, bytes]
    shards: frozenset[str]


def shards(run: Path) -> frozenset[str]:
    """Return the names of the finished shards of a run."""
    return frozenset(path.name for path in (run / "shards").glob("[!.]*.shard"))


@pytest.fixture(scope="session")
def undisturbed(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the study with nothing in the way."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "study.toml").write_text(STUDY)
    found = children.run("run", folder / "study.toml", "--into", folder / "run", *SMALL_SHARDS)
    assert found == Ended(0, "")
    return Undisturbed(
        folder / "study.toml", folder / "run", gathered(folder / "run" / "result.nc"), shards(folder / "run")
    )
