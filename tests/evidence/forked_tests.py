"""A pytest plugin, ``-p tests.evidence.forked_tests``: tests are collected once, and run in a fork for every mutant.

A line of JSON on file descriptor 3 is a request: the changed file ("" for none), the first line of the function that is
changed, and how many seconds of a processor its tests may take. The answer is a line on descriptor 4, pytest's exit
code. In a fork, the function's code is replaced by that of the file as it is then.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import warnings
from pathlib import Path
from types import CodeType, FunctionType

import pytest

LIBRARIES = (
    "scipy.stats", "scipy.special", "scipy.spatial", "scipy.optimize", "numba.np.arraymath", "llvmlite.binding",
    "netCDF4", "xarray", "formulaic", "jsonschema",
)  # fmt: skip
"""What firmfate imports where it needs it, so that not every fork takes the seconds."""

_forked = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Answer requests until there are no more; in a fork, go on with the tests."""
    global _forked
    with warnings.catch_warnings(action="ignore"):
        for library in LIBRARIES:
            importlib.import_module(library)
    with os.fdopen(3, "r") as requests, os.fdopen(4, "w") as answers:
        for line in requests:
            file, function, seconds = json.loads(line)
            child = os.fork()
            if not child:
                _forked = True
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
                if file and not _replaced(Path(file).resolve(), function):
                    os._exit(99)
                return None
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End a fork without what the process would do at its end."""
    if _forked:
        os._exit(int(exitstatus))


def _replaced(path: Path, function: int) -> bool:
    """Give all functions that are defined in a line of a file the code that stands there now."""
    whole = compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True)
    (code,) = (one for one in _codes(whole) if one.co_firstlineno == function and one.co_name != "<lambda>")
    found = False
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == str(path):
            before = one.__code__
            if before.co_firstlineno == function and before.co_freevars == code.co_freevars:
                one.__code__ = code
                found = True
    return found


def _codes(code: CodeType) -> list[CodeType]:
    """Return the functions of a module and of its classes, without those within functions."""
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    classes = [one for one in inner if not one.co_flags & 0x1]  # CO_OPTIMIZED: of functions alone
    return [one for one in inner if one not in classes] + [each for one in classes for each in _codes(one)]
