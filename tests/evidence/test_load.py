"""Load: memory does not grow with the number of firms, and large designs are planned and gathered within two GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def measured(body: str, cwd: Path) -> dict[str, Any]:
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


MILLION = (
    "axis = {'from': 0, 'to': 1, 'points': 1000}\n"
    "study = firmfate.Study(study=dict(name='load', model='car', replicates=8, years=1), "
    "grid=dict(execution=axis, misalignment=axis), record=dict(batches=8))\n"
)


@pytest.mark.evidence
def test_a_million_cells_are_planned_run_thinly_gathered_and_reported(tmp_path: Path, record_property: Record) -> None:
    size = "printed = dict(bytes=__import__('os').path.getsize('run/{}'))"
    steps = {
        "plan": "p = firmfate.plan(study); printed = dict(cells=len(p.cells), shards=len(p.shards))",
        "run and gathered": (
            "ds = firmfate.run(study, into='run', progress=False)\n"
            "printed = dict(firms=int(ds.firms.sum()), bytes=__import__('os').path.getsize('run/result.nc'))"
        ),
        "state": "printed = dict(missing=firmfate.status('run').missing)",
        "finding": "printed = dict(words=firmfate.analysis.finding(firmfate.open_run('run')).sentence())",
        "report": f"firmfate.write_report('run'); {size.format('report.html')}",
    }
    found = {name: measured(MILLION + body, tmp_path) for name, body in steps.items()}
    words = found["finding"].pop("words")
    for name, values in found.items():
        record_property(f"1,000 x 1,000 cells: {name}", values)
    assert found["plan"]["cells"] == 10**6
    assert found["run and gathered"]["firms"] == 8 * 10**6
    assert found["state"]["missing"] == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert str(words).split(". ", 1)[0] in page
    assert page.count("<image") == 4  # two maps and their bars
    assert found["report"]["bytes"] < 4 * 10**6
    assert max(one["MiB"] for one in found.values()) < 4096


@pytest.mark.evidence
def test_twenty_thousand_shards_are_run_and_gathered(tmp_path: Path, record_property: Record) -> None:
    body = (
        "study = firmfate.Study(study=dict(name='load', model='car', replicates=10_000, years=2), "
        "grid=dict(execution=[0, 1], misalignment={'from': 0, 'to': 1, 'points': 10}))\n"
    )
    run = "ds = firmfate.run(study, into='{}', progress=False, shard_scale={})\n"
    found = measured(
        body + run.format("many", 1e-6) + "shards = len(__import__('os').listdir('many/shards'))\n"
        "printed = dict(firms=int(ds.firms.sum()), shards=shards)",
        tmp_path,
    )
    again = measured(
        body
        + run.format("many", 1.0)
        + run.format("few", 1.0).replace("ds", "few")
        + "printed = dict(same=few.equals(ds))",
        tmp_path,
    )
    record_property("twenty thousand shards", found)
    record_property("gathered again, beside few", again)
    assert found["shards"] == 20_000
    assert again["same"]
    assert max(found["MiB"], again["MiB"]) < 1024


FULL = {"car/full/survival.toml": 90_000_000, "facts/full/study.toml": 13_000_000}
STUDIES = Path(__file__).resolve().parents[2] / "studies"


@pytest.mark.evidence
@pytest.mark.parametrize("study", FULL)
def test_full_studies_are_run_and_reported_at_their_size(study: str, tmp_path: Path, record_property: Record) -> None:
    body = (
        "from pathlib import Path\nfrom firmfate.cli import main\n"
        f"code = main(['run', {str(STUDIES / study)!r}, '--into', 'run', '--quiet'])\n"
        "firms = int(firmfate.open_run('run').firms.sum())\n"
        "printed = dict(code=code, firms=firms, report=Path('run/report.html').stat().st_size)"
    )
    found = measured(body, tmp_path)
    record_property(study, found)
    assert found["code"] == 0
    assert found["firms"] == FULL[study]
    assert found["MiB"] < 1024


KEPT = "kept, submit = [], client.map; client.map = lambda *a, **more: kept.append(submit(*a, **more)) or kept[-1]"
TASKS = """
import sys
from firmfate.execute import ArrayPart, DaskClient, DaskProcesses
from firmfate.progress import Progress

sys.modules["firmfate.shards.plan"].MOST_SHARDS = {tasks}  # each is a file, and no folder should hold as many
study = firmfate.Study(name="tasks", model="car", years=1, replicates={tasks} // 10,
                       grid=dict(misalignment=dict(zip(("from", "to", "points"), (0, 1, 10)))))

def write_no_file():
    from firmfate.shards import Worker
    from firmfate.shards.work import Receipt

    Worker.finished = lambda self, shard, folder: None
    Worker.run = lambda self, shard, folder: Receipt(shard.name, f"{{shard.name}}-0123456789abcdef.shard", 1, 4)

def resident():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

held, done, advance = [], [], Progress.advance

def noted(self, *receipt):
    advance(self, *receipt)
    done.append(self.done) if self.done == {tasks} else None
    if self.done % ({tasks} // 10) == 0:
        held.append((resident(), *client.run(resident).values(), round(time.perf_counter() - begin, 1)))

Progress.advance = noted
with DaskProcesses(2, threads=16).cluster() as client:
    client.run(write_no_file)
    {kept}
    begin = time.perf_counter()
    firmfate.run(study, into="run", on=ArrayPart(0, 1, on=DaskClient(client)), shard_scale=1e-8)
(first, *_, last) = held
printed = dict(tasks=done[0], first=first, last=last, most=max(driver for driver, *_ in held))
"""


@pytest.mark.evidence
def test_a_million_dask_tasks_take_no_more_memory_than_the_first(tmp_path: Path, record_property: Record) -> None:
    """Plan, submission, receipts and progress are the program's; workers answer each shard without writing its file.

    The driver's process holds the scheduler too. A task that left 100 bytes would be seen: 86 MiB of 900,000.
    """
    tasks = 1_000_000
    found = measured(TASKS.format(tasks=tasks, kept=""), tmp_path)
    (driver_before, *workers_before, _), (driver, *workers, seconds) = found["first"], found["last"]
    record_property("tasks", found["tasks"])
    record_property("driver and scheduler, MiB after a tenth and at the end", f"{driver_before}, {driver}")
    record_property("workers, MiB after a tenth and at the end", f"{workers_before}, {workers}")
    record_property("microseconds a task", round(1e6 * seconds / tasks))
    assert found["tasks"] == tasks
    assert found["most"] < driver_before + 64
    assert sum(workers) < sum(workers_before) + 64


@pytest.mark.evidence
def test_dask_tasks_that_are_kept_are_seen(tmp_path: Path, record_property: Record) -> None:
    found = measured(TASKS.format(tasks=100_000, kept=KEPT), tmp_path)
    before, after = found["first"][0], found["last"][0]
    record_property("driver and scheduler, MiB after a tenth and at the end", f"{before}, {after}")
    assert after > before + 64
