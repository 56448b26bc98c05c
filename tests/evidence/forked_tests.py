"""A pytest plugin, ``-p tests.evidence.forked_tests``: tests are collected once, and run in a fork for every mutant.

A line of JSON on file descriptor 3 is a `Request`. The answer is a line on descriptor 4, pytest's exit code. In a fork,
the code of the function that is changed is replaced by that of its file as it is then.

``python -m tests.evidence.forked_tests`` forks before anything of firmfate is imported, for changes outside of
functions. A line of its input is a `Start`, a line of its output an exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
import warnings
from collections import defaultdict
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType
from typing import TypedDict

import pytest

LIBRARIES = (
    "scipy.stats", "scipy.special", "scipy.spatial", "scipy.optimize", "numba.np.arraymath", "llvmlite.binding",
    "netCDF4", "xarray", "formulaic", "jsonschema",
)  # fmt: skip
"""What firmfate imports where it needs it, so that not every fork takes the seconds."""


class Request(TypedDict, total=False):
    """What a fork is asked to do; all tests are run where `tests` is missing.

    Attributes
    ----------
    file : str
        Which is changed; missing where the source is not.
    function : int
        First line of the function that is changed.
    seconds : int
        Of a processor, that the tests may take.
    tests : list of str
        Which tests, in this order.
    record : str
        File for what `Recorder` has seen.
    """

    file: str
    function: int
    seconds: int
    tests: list[str]
    record: str


class Start(TypedDict):
    """What is run in a fork: pytest's words, and how many seconds of a processor they may take."""

    words: list[str]
    seconds: int


class Recorder:
    """Which lines of firmfate each test runs, and how many seconds of a processor it takes.

    Lines that fixtures run are held to be run by all tests of a file. Nothing is kept from a test for the next, as in
    forks.
    """

    def __init__(self, path: Path) -> None:
        import coverage

        self.path = path
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, messages=False, include=[str(Path("src/firmfate/*").resolve())]
        )
        self.seconds: dict[str, float] = {}
        self.begin = 0.0
        self.kept = [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]
        self.coverage.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note what fixtures run."""
        self.begin = time.process_time()
        for function in self.kept:
            if str(getattr(function, "__module__", "")).startswith("firmfate"):
                function.cache_clear()
        self.coverage.switch_context(item.nodeid.partition("::")[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Note what a test runs."""
        self.coverage.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long a test takes."""
        self.seconds[report.nodeid] = time.process_time() - self.begin

    def write(self) -> None:
        """Write test -> its seconds and, by file, its lines."""
        self.coverage.stop()
        ran: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        data = self.coverage.get_data()
        for file in data.measured_files():
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in contexts:
                    ran[context][file].append(line)
        found = {}
        for test, seconds in self.seconds.items():
            files = ran[test.partition("::")[0]]
            lines = {file: [*ran[test][file], *files[file]] for file in {*ran[test], *files}}
            found[test] = {"seconds": seconds, "lines": lines}
        self.path.write_text(json.dumps(found), encoding="utf-8")


_forked = False
_recorder: Recorder | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Answer requests until there are no more; in a fork, go on with the tests."""
    _import_libraries()
    with os.fdopen(3, "r") as requests, os.fdopen(4, "w") as answers:
        for line in requests:
            child = os.fork()
            if not child:
                _begin(session, json.loads(line))
                return None
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return True


def _import_libraries() -> None:
    with warnings.catch_warnings(action="ignore"):
        for library in LIBRARIES:
            importlib.import_module(library)


def _begin(session: pytest.Session, request: Request) -> None:
    """Prepare a fork for its tests."""
    global _forked, _recorder
    _forked = True
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"],) * 2)
    if "tests" in request:
        found = {item.nodeid: item for item in session.items}
        session.items[:] = [found[name] for name in request["tests"]]
    if "record" in request:
        _recorder = Recorder(Path(request["record"]))
        session.config.pluginmanager.register(_recorder)
    if "file" in request and not _replaced(Path(request["file"]).resolve(), request["function"]):
        os._exit(99)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End a fork without what the process would do at its end."""
    if _forked:
        if _recorder is not None:
            _recorder.write()
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


def serve() -> None:
    """Run pytest in a fork for every line of the input."""
    _import_libraries()
    assert not any(name.partition(".")[0] == "firmfate" for name in sys.modules)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            start: Start = json.loads(line)
            resource.setrlimit(resource.RLIMIT_CPU, (start["seconds"],) * 2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os._exit(int(pytest.main(start["words"])))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
