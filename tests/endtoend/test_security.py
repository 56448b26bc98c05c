"""What SECURITY.md says of the code itself: firmfate unpickles nothing, and Dask listens on this machine alone."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import psutil
import pytest

import firmfate
from firmfate.execute import DaskProcesses

PICKLES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "copyreg"}


def unpickles(text: str) -> list[int]:
    """Return the lines of a module that could unpickle: those that import what does, or call NumPy's `load` with it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            numpys = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
            refused = any(
                word.arg == "allow_pickle" and isinstance(word.value, ast.Constant) and word.value.value is False
                for word in node.keywords
            )
            names = (
                PICKLES
                if node.func.attr == "read_pickle" or (numpys and node.func.attr == "load" and not refused)
                else set()
            )
        else:
            continue
        if names & PICKLES:
            found.append(node.lineno)
    return found


def test_nothing_of_ours_is_unpickled() -> None:
    modules = sorted(Path(firmfate.__file__).parent.rglob("*.py"))
    assert len(modules) > 200
    assert {str(path): lines for path in modules if (lines := unpickles(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from marshal import loads",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "pd.read_pickle(x)",
    ],
)
def test_what_unpickles_is_seen(line: str) -> None:
    assert unpickles(f"import numpy as np\n{line}\n") == [2]
    assert unpickles("np.load(file, allow_pickle=False)\njson.loads(x)\n") == []


@pytest.mark.slow
def test_processes_of_this_machine_listen_on_it_alone() -> None:
    with DaskProcesses(1, threads=1).cluster() as client:
        client.wait_for_workers(1)
        own = psutil.Process(os.getpid())
        listening = {
            each.laddr.ip
            for process in (own, *own.children(recursive=True))
            for each in process.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        }
    assert listening == {"127.0.0.1"}
