"""Load: memory does not grow with the number of firms, and large designs are planned and gathered within two GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Record = Callable[[str, object], None]

MEASURED = """
import json, sys, time
import firmfate
begin = time.perf_counter()
printed = {}
%s
# Of this program alone: what `getrusage` reports of a child begins with the peak of the process that started it.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": round(time.perf_counter() - begin, 1), "MiB": round(peak / 1024), **printed}))
"""


def measured(body: str, cwd: Path) -> dict[str, float]:
    """Run a program in a process of its own; return its seconds and the most memory it held."""
    done = subprocess.run([sys.executable, "-c", MEASURED % body], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def study(replicates: int, points: int, model: str = "car") -> str:
    return (
        f"study = firmfate.Study(study=dict(name='load', model='{model}', replicates={replicates}), "
        f"grid=dict(execution=dict(zip(('from', 'to', 'points'), (0, 1, {points}))), "
        f"misalignment=dict(zip(('from', 'to', 'points'), (0, 1, {points})))))\n"
    )


@pytest.mark.evidence
def test_memory_does_not_grow_with_the_number_of_firms(tmp_path: Path, record_property: Record) -> None:
    run = "firmfate.run(study, into='run-{}', progress=False).close()"
    few = measured(study(100_000, 3) + run.format("few"), tmp_path)
    many = measured(study(10_000_000, 3) + run.format("many"), tmp_path)
    record_property("0.9 million cars", few)
    record_property("90 million cars", many)
    assert many["MiB"] < few["MiB"] + 100


@pytest.mark.evidence
@pytest.mark.parametrize(("model", "firms"), [("car", 10**9), ("firm", 10**8)])
def test_very_many_firms_need_no_more_memory(model: str, firms: int, tmp_path: Path, record_property: Record) -> None:
    body = study(firms // 100, 10, model) + (
        "ds = firmfate.run(study, into='run', progress=False)\n"
        "printed = dict(firms=int(ds.firms.sum()), shards=len(__import__('os').listdir('run/shards')))\n"
    )
    found = measured(body, tmp_path)
    record_property(f"firms of {model}", found)
    assert found["firms"] == firms
    assert found["MiB"] < 512


@pytest.mark.evidence
def test_a_billion_firms_are_planned_at_once(tmp_path: Path, record_property: Record) -> None:
    found = measured(
        study(2_500_000, 20, "firm") + "p = firmfate.plan(study); printed = dict(firms=p.firms, shards=len(p.shards))",
        tmp_path,
    )
    record_property("plan of a billion firms", found)
    assert found["firms"] == 10**9
    assert found["MiB"] < 1024


LARGE = {
    "4,096 cells of Sobol's sequence": (
        "study = firmfate.Study(study=dict(name='load', replicates=500), sobol={'points': 4096, 'execution': [0, 1], "
        "'misalignment': [0, 1], 'unit_cost': [0.56, 0.58], 'correct_time': [13, 104]})\n"
    ),
    "a grid of 200 x 200 cells": study(64, 200, "firm"),
}


@pytest.mark.evidence
@pytest.mark.parametrize("design", LARGE)
def test_large_designs_stay_within_two_gib(design: str, tmp_path: Path, record_property: Record) -> None:
    planned = measured(
        LARGE[design] + "p = firmfate.plan(study)\n"
        "printed = dict(cells=len(p.cells), shards=len(p.shards), core_seconds=p.nominal_seconds, "
        "result_bytes=p.result_bytes)",
        tmp_path,
    )
    ran = measured(
        LARGE[design] + "ds = firmfate.run(study, into='run', progress=False)\n"
        "printed = dict(result_bytes=sum(v.nbytes for v in ds.data_vars.values()))",
        tmp_path,
    )
    record_property(f"{design}: plan", planned)
    record_property("run and gathered", ran)
    assert planned["MiB"] < 1024
    assert planned["result_bytes"] == ran["result_bytes"]
    assert ran["MiB"] < 2048


@pytest.mark.evidence
def test_an_export_of_ten_million_firms_holds_few_of_them(tmp_path: Path, record_property: Record) -> None:
    body = study(100_000, 10) + (
        "firmfate.run(study, into='run', progress=False).close()\n"
        "from firmfate.exporting.firms import export_firms\n"
        "printed = dict(rows=export_firms('run', 'firms.csv').rows)\n"
    )
    found = measured(body, tmp_path)
    record_property("ten million cars as CSV", found)
    assert found["rows"] == 10**7
    assert found["MiB"] < 1024
