"""Shards of the study of `promises.py`, simulated by a process on another processor or under another Python.

Such a process reads a line of JSON a shard from standard input, and answers with its receipt and the bytes of its file.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.promises import studies

from firmfate import files
from firmfate.execute.base import Executor, Work
from firmfate.kernel.compiler import vectors
from firmfate.shards import Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.work import Receipt

ROOT = Path(__file__).resolve().parents[2]
OLDER = {"NUMBA_CPU_NAME": "haswell"}
"""Has this processor act as one with AVX2 alone, where it is of that family."""


@dataclass(frozen=True)
class Elsewhere(Executor):
    """Have shards simulated by another process, write them here one after another, and note those that are finished."""

    process: Process
    finished: set[str]

    def run(self, work: Work) -> None:
        """Run shards until all are finished."""
        texts = [study.text for study in studies()]
        place = texts.index(work.worker.study.text)
        for shard in work.shards:
            receipt, content = self.process.shard(place, shard)
            files.write(work.directory.shards / receipt.file, content)
            self.finished.add(receipt.file)
            work.done(receipt)


class Process:
    """A process that simulates shards.

    Parameters
    ----------
    python : str
        What runs it.
    environment
        Variables of its own.

    Attributes
    ----------
    lanes : int
        Firms that it steps in one register.
    version : str
        Of its Python.
    """

    def __init__(self, python: str = sys.executable, **environment: str) -> None:
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [python, "-m", "tests.faults.elsewhere"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT, env=os.environ | {"PYTHONPATH": path} | environment,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.lanes, self.version = json.loads(self._process.stdout.readline())

    def shard(self, place: int, shard: Shard) -> tuple[Receipt, bytes]:
        """Return the receipt of a shard of the study in one of its extents, and the bytes of its file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([place, dataclasses.asdict(shard)]) + "\n")
        self._process.stdin.flush()
        receipt, content = json.loads(self._process.stdout.readline())
        return Receipt(**receipt), bytes.fromhex(content)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@functools.cache
def worker(place: int) -> Worker:
    """Return what simulates shards of an extent."""
    study = studies()[place]
    return Worker(study, fingerprint_of(study))


def simulated(place: int, fields: dict[str, object]) -> tuple[dict[str, object], str]:
    """Simulate a shard; return the fields of its receipt, and its file in hexadecimal digits."""
    shard = Shard(**fields | {"cells": tuple(fields["cells"])})  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        receipt = worker(place).run(shard, Path(folder))
        return dataclasses.asdict(receipt), (Path(folder) / receipt.file).read_bytes().hex()


if __name__ == "__main__":
    print(json.dumps([vectors()[0], "{}.{}".format(*sys.version_info)]), flush=True)
    for line in sys.stdin:
        print(json.dumps(simulated(*json.loads(line))), flush=True)
