"""One directory, worked on by nodes with other Pythons and other processors, as clusters have them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest
from tests.endtoend.pythons import ROOT, others

import firmfate

OTHERS = others()
WAYS = [
    pytest.param(version, path, id=version, marks=pytest.mark.skipif(path is None, reason="no other Python with numba"))
    for version, path in (OTHERS or {"other": None}).items()
]
DIGESTS = """
import json
from tests.kernel.my_model import SHOP
from tests.program.random_functions import Writer, as_written, made
from firmfate.models import load_model

found = {model.name: model.program.digest for model in (load_model("firm"), load_model("car"), SHOP)}
for seed in range(60):
    function = made(Writer(seed, 2 + seed % 6, exact=False).function(), f"digest {seed}")
    written = as_written(function)
    found |= {f"{seed} written": written.digest, f"{seed} ruled": written.by_rules().digest}
print(json.dumps(found))
"""


def digests(python: str, script: str = DIGESTS) -> dict[str, str]:
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def environment(**more: str) -> dict[str, str]:
    """Return this environment, with the package that is being tested first on the path."""
    path = os.pathsep.join(filter(None, [str(Path(firmfate.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **more}


@pytest.mark.slow
@pytest.mark.parametrize(("version", "python"), WAYS)
def test_programs_have_the_same_digests(version: str, python: str) -> None:
    own = digests(sys.executable)
    assert len(set(own.values())) > 100
    assert digests(python) == own
    other = digests(python, DIGESTS.replace("range(60)", "range(1, 61)").replace('f"{seed} ', 'f"{seed - 1} '))
    assert other != own, "the control: functions of other seeds"


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="a processor that cannot act as an older one")
@pytest.mark.parametrize(("version", "python"), [pytest.param("own", sys.executable, id="own"), *WAYS])
def test_a_directory_begun_here_is_continued_on_an_older_processor_under_another_python(
    version: str, python: str, corners: Callable[[int], Path], bits: Callable, tmp_path: Path
) -> None:
    firmfate.run(corners(300), into=tmp_path / "mixed", progress=False).close()
    begun = set((tmp_path / "mixed" / "shards").iterdir())
    older = environment(NUMBA_CPU_NAME="haswell")
    probe = [python, "-c", "from firmfate.kernel.compiler import vectors; print(vectors()[0])"]
    assert subprocess.run(probe, capture_output=True, text=True, env=older).stdout == "4\n", "numbers in a register"
    done = subprocess.run(
        [python, "-m", "firmfate", "run", str(corners(700)), "--into", str(tmp_path / "mixed")],
        capture_output=True, text=True, env=older,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert begun < set((tmp_path / "mixed" / "shards").iterdir()), "what was begun was thrown away"
    firmfate.run(corners(700), into=tmp_path / "alone", progress=False).close()
    assert bits(tmp_path / "mixed" / "result.nc") == bits(tmp_path / "alone" / "result.nc")
    with netCDF4.Dataset(tmp_path / "mixed" / "result.nc") as file:
        assert version in ("own", ".".join(json.loads(file.provenance)["versions"]["python"].split(".")[:2]))
