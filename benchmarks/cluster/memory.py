"""The driver's memory while the number of firms grows a hundredfold, on Dask: the peak of a process a size."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from firmfate import Study, run
from firmfate.execute import DaskProcesses
from firmfate.shards import RunDirectory, status

GROWTH = 100


def drive(firms: int) -> dict[str, float]:
    """Run so many cars on two processes in small shards, and return the peak of this process in MiB."""
    wanted = Study(
        study={"name": "memory", "model": "car", "replicates": firms // 3, "seed": 1},
        grid={"execution": [0.1, 0.5, 0.9]},
    )
    with tempfile.TemporaryDirectory() as folder:
        run(wanted, into=Path(folder) / "run", on=DaskProcesses(2, threads=1), progress=False, shard_scale=0.02).close()
        shards = len(RunDirectory(Path(folder) / "run").files())
        assert status(Path(folder) / "run").missing == 0
    # What `getrusage` reports of a child begins with the peak of the process that started it.
    reported = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"firms": firms, "shards": shards, "MiB": int(reported["VmHWM"].split()[0]) / 1024}


def lines(firms: int, rounds: int) -> list[str]:
    """Drive both sizes alternately, each in a process of its own, and return what to write of it."""
    sizes = (firms, GROWTH * firms)
    peaks: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            words = [sys.executable, "-m", "benchmarks.cluster.memory", str(size)]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            peaks[size].append(json.loads(done.stdout))
            print(f"  {peaks[size][-1]}", file=sys.stderr, flush=True)
    page = [
        f"Peak memory of the process that drives 2 Dask workers and holds their scheduler, in MiB, medians of {rounds} "
        "alternating rounds;",
        "`car` in shards a fiftieth of the usual size, gathering and replayed firms included.",
        "",
        "| firms | shards | MiB | least to most |",
        "|---|---|---|---|",
    ]
    median = {}
    for size, rows in peaks.items():
        held = [row["MiB"] for row in rows]
        median[size] = statistics.median(held)
        shards = f"{rows[0]['shards']:,}"
        page.append(f"| {size:,} | {shards} | {median[size]:.0f} | {min(held):.0f} to {max(held):.0f} |")
    grown = median[sizes[1]] - median[sizes[0]]
    return [*page, "", f"- {GROWTH} times the firms: {grown:+.0f} MiB"]


if __name__ == "__main__":
    print(json.dumps(drive(int(sys.argv[1]))))
