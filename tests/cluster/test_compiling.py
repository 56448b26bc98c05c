"""A node compiles once, however many processes of it begin at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from firmfate.execute.compiling import compile_once
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
engine = Engine(load_model("car"), dt=1.0)
print("ready", flush=True)
sys.stdin.readline()
compile_once(engine)
print(sum(engine._module.run.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_of_processes_that_begin_together_one_compiles_and_the_others_load(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in started:
        assert process.stdout.readline() == "ready\n"  # type: ignore[union-attr]
    for process in started:
        print(file=process.stdin, flush=True)
    loaded = sorted(process.communicate()[0] for process in started)
    assert loaded == ["0\n", "1\n", "1\n"]
