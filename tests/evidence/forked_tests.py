"""``python forked_tests.py MODULE ...``: tests in forks of a process that has imported libraries, which takes seconds.

A line of JSON on standard input is a request, ``{"words": [...], "seconds": ...}``: pytest's arguments and how long it
may take; the answer is a line with its exit code, or -1 where it took longer. Nothing of firmfate is imported before a
fork, so that each takes its source as it is then.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time

LIBRARIES = (
    "numpy", "pandas", "xarray", "netCDF4", "scipy.stats", "scipy.optimize", "scipy.interpolate", "scipy.integrate",
    "numba", "llvmlite.binding", "llvmlite.ir", "formulaic", "jsonschema", "dask.array", "mpmath", "pytest",
)  # fmt: skip


def main() -> None:
    """Answer requests until there are no more."""
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(_ended(request["words"], request["seconds"]), flush=True)


def _ended(words: list[str], seconds: float) -> int:
    child = os.fork()
    if not child:
        _test(words)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _test(words: list[str]) -> None:
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    code = 1
    try:
        import pytest

        code = int(pytest.main(words))
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
