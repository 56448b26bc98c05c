"""``python -m tests.evidence.random_programs``: random functions, examined one after the other, as many as one likes.

Every one is read by Python and by the tracer: to the last bit where Python rounds once, within 1e-12 elsewhere, by the
rules too. Those of every ninth chunk of seeds, and all of the first 68,544, are machine code as well, to the
interpreter's last bit. A line a chunk says how far it is. ``--keep`` notes in ``random_programs.json``, after each
chunk, what was seen, and the next run goes on from there.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.program.examination import EVENLY, examine, examine_reading

from firmfate import provenance
from firmfate.kernel.compiler import collection_paused
from firmfate.program.sources import read

CHUNK = 64
COMPILED = 9
"""One chunk of so many is compiled, too; odd, as sizes recur with powers of two."""
ALL = 2**20
SEEN = Path(__file__).with_name("random_programs.json")


class Examined(NamedTuple):
    """What some functions came to: their number, the points compared, the time of one core, and what failed."""

    functions: int = 0
    points: int = 0
    core_seconds: float = 0.0
    failures: tuple[str, ...] = ()

    def and_then(self, other: Examined) -> Examined:
        """Return both together."""
        return Examined(*(one + two for one, two in zip(self, other, strict=True)))


def compiles(first: int) -> bool:
    """Return whether functions of a chunk are compiled, too."""
    return first < EVENLY or first // CHUNK % COMPILED == 0


def chunk(first: int) -> Examined:
    """Examine the functions of a chunk of seeds."""
    begin, compared, failures = time.process_time(), 0, []
    with collection_paused():
        for seed, found in (examine if compiles(first) else examine_reading)(range(first, first + CHUNK)).items():
            if isinstance(found, Exception):
                failures.append(f"seed {seed}: {type(found).__name__}: {found}")
            else:
                compared += found
    read.cache_clear()
    return Examined(CHUNK, compared, time.process_time() - begin, tuple(failures))


def examine_many(
    count: int, *, first: int = 0, processes: int | None = None, seconds: float = float("inf"), keep: bool = False
) -> Examined:
    """Examine the functions of seeds from `first` on, until they are `count` or the time is over.

    What is kept is what was seen before the first failure.
    """
    begin, found = time.monotonic(), Examined()
    before, run = seen(), f"{provenance.now()[:10]}, {provenance.commit() or 'no commit'}"
    seeds = range(first, first + count, CHUNK)
    with multiprocessing.Pool(processes or os.cpu_count(), gc.freeze, maxtasksperchild=128) as pool:
        for part in pool.imap(chunk, seeds):
            found = found.and_then(part)
            for failure in part.failures:
                print(failure, flush=True)
            print(
                f"{found.functions} of {count} functions, {found.points} points, {len(found.failures)} failures, "
                f"{time.monotonic() - begin:.0f} s, of a core {found.core_seconds:.0f} s; "
                f"next: --first {first + found.functions}", flush=True,
            )  # fmt: skip
            if keep and not found.failures:
                note([*before, described(first, found, run)])
            if time.monotonic() - begin > seconds or len(found.failures) > 10:
                pool.terminate()
                break
    return found


def seen() -> list[dict[str, Any]]:
    """Return what runs without failures have seen, each of the seeds from ``first`` on."""
    found: list[dict[str, Any]] = json.loads(SEEN.read_text(encoding="utf-8"))
    return found


def next_seed(runs: Sequence[dict[str, Any]]) -> int:
    """Return the first seed that was not seen."""
    found = 0
    for run in sorted(runs, key=lambda run: run["first"]):
        if run["first"] <= found:
            found = max(found, run["first"] + run["functions"])
    return found


def described(first: int, found: Examined, run: str) -> dict[str, Any]:
    """Return a run as it is noted, with its date and commit."""
    return {
        "first": first, "functions": found.functions, "points": found.points, "core_seconds": round(found.core_seconds),
        "run": run,
    }  # fmt: skip


def note(runs: Sequence[dict[str, Any]]) -> None:
    """Write what runs have seen."""
    aside = SEEN.with_suffix(".new")
    aside.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    aside.replace(SEEN)


def main(words: list[str]) -> int:
    """Read the command line; return 1 where a function failed."""
    begin = next_seed(seen())
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.random_programs")
    parser.add_argument("--first", type=int, default=begin, help=f"first seed (default: the first not seen, {begin})")
    parser.add_argument("--count", type=int, default=ALL - begin, help="a multiple of 64 (default: the rest)")
    parser.add_argument("--processes", type=int, help="default: one a processor")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these")
    parser.add_argument("--keep", action="store_true", help=f"note what was seen in {SEEN.name}")
    return bool(examine_many(**vars(parser.parse_args(words))).failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
