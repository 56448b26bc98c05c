"""The driver's memory while the number of firms grows a hundredfold, on Dask: a process a size, its peak told.

python -m benchmarks.cluster.memory [--firms 300000]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from firmfate import Study, run
from firmfate.shards import RunDirectory, status


def drive(firms: int) -> dict[str, float]:
    """Run so many cars on two processes in small shards, and return the peak of this process in MiB."""
    wanted = Study(
        study={"name": "memory", "model": "car", "replicates": firms // 3, "seed": 1},
        grid={"execution": [0.1, 0.5, 0.9]},
    )
    with tempfile.TemporaryDirectory() as folder:
        run(wanted, into=Path(folder) / "run", workers=2, threads=1, progress=False, shard_scale=0.02).close()
        shards = len(RunDirectory(Path(folder) / "run").files())
        assert status(Path(folder) / "run").missing == 0
    return {"firms": firms, "shards": shards, "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Drive two sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=300_000)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(drive(arguments.firms)))
        return
    rows = []
    for firms in (arguments.firms, 100 * arguments.firms):
        words = [sys.executable, "-m", "benchmarks.cluster.memory", "--one", "--firms", str(firms)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
        print(rows[-1], flush=True)
    print(f"grows by {rows[1]['peak MiB'] - rows[0]['peak MiB']:.1f} MiB")


if __name__ == "__main__":
    main()
