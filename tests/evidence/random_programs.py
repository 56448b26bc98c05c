"""``python -m tests.evidence.random_programs``: random functions, examined one after the other, as many as one likes.

Every one is read by Python, by the tracer (to the last bit where Python rounds once, within 1e-12 elsewhere), by the
rules, and as machine code (to the interpreter's last bit). A line a chunk says how far it is; ``--first`` goes on from
there.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from typing import NamedTuple

from tests.program.examination import examine

from firmfate.kernel.compiler import collection_paused
from firmfate.program.sources import read

CHUNK = 64


class Examined(NamedTuple):
    """What some functions came to: their number, the points compared, and what failed."""

    functions: int
    points: int
    failures: tuple[str, ...]

    def and_then(self, other: Examined) -> Examined:
        """Return both together."""
        return Examined(*(one + two for one, two in zip(self, other, strict=True)))


def chunk(first: int) -> Examined:
    """Examine the functions of a chunk of seeds."""
    compared, failures = 0, []
    with collection_paused():
        for seed, found in examine(range(first, first + CHUNK)).items():
            if isinstance(found, Exception):
                failures.append(f"seed {seed}: {type(found).__name__}: {found}")
            else:
                compared += found
    read.cache_clear()
    return Examined(CHUNK, compared, tuple(failures))


def examine_many(
    count: int, *, first: int = 0, processes: int | None = None, seconds: float = float("inf")
) -> Examined:
    """Examine the functions of seeds from `first` on, until they are `count` or the time is over."""
    begin, found = time.monotonic(), Examined(0, 0, ())
    seeds = range(first, first + count, CHUNK)
    with multiprocessing.Pool(processes or os.cpu_count(), maxtasksperchild=16) as pool:
        for part in pool.imap(chunk, seeds):
            found = Examined(
                found.functions + part.functions, found.points + part.points, found.failures + part.failures
            )
            for failure in part.failures:
                print(failure, flush=True)
            print(
                f"{found.functions} of {count} functions, {found.points} points, {len(found.failures)} failures, "
                f"{time.monotonic() - begin:.0f} s; next: --first {first + found.functions}", flush=True,
            )  # fmt: skip
            if time.monotonic() - begin > seconds or len(found.failures) > 10:
                pool.terminate()
                break
    return found


def main(words: list[str]) -> int:
    """Read the command line; return 1 where a function failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.random_programs")
    parser.add_argument("--count", type=int, default=2**20, help="functions, a multiple of 64 (default: 2**20)")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--processes", type=int, help="default: one a processor")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these")
    return bool(examine_many(**vars(parser.parse_args(words))).failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
