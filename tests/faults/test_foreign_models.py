"""Models that end the process, raise what nobody expects, or print: one message each; and every command names the file
of a model before its code runs.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.names import model

pytestmark = pytest.mark.slow

STUDY = '[study]\nname = "s"\nmodel = "walk.py:WALK"\nyears = 1\nreplicates = 40\n[grid]\nskill = [1, 2]\n'
NAMED = "the model is code, which runs now: "

ENDS = {
    "exits": ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
    "raises GeneratorExit": ("raise GeneratorExit\n", "GeneratorExit"),
    "raises an exception of its own": ("class Odd(BaseException):\n    pass\nraise Odd('x')\n", "Odd: x"),
    "never ends its calls": ("def f():\n    f()\nf()\n", "RecursionError"),
    "imports what is not there": ("import nothing_of_this_name\n", "ModuleNotFoundError"),
    "is nested too deeply": (f"x = {'(' * 300}1{')' * 300}\n", "the file cannot be run"),
    "holds a null": ("x = 1\0\n", "the file cannot be run"),
    "is no UTF-8": ("x = '\udcff'\n", "the file cannot be run"),
}


def forget() -> None:
    """Let models be read anew, as a new process reads them."""
    for name in [name for name in sys.modules if name.startswith("firmfate_user_model_")]:
        del sys.modules[name]


@pytest.mark.parametrize("what", ENDS)
def test_a_model_that_ends_while_it_is_read_is_refused(command: Callable, tmp_path: Path, what: str) -> None:
    """An exception that is neither an Exception nor an exit ended in a traceback."""
    begins, says = ENDS[what]
    (tmp_path / "walk.py").write_text(begins + model(), encoding="utf-8", errors="surrogateescape")
    (tmp_path / "study.toml").write_text(STUDY)
    ended = command("check", tmp_path / "study.toml")
    assert ended.code == 2, ended
    assert ended.out == ""
    assert f"{tmp_path}/walk.py" in ended.err
    assert says in ended.err
    assert "FF122" in ended.err


@pytest.mark.parametrize("body", ["raise SystemExit(0)", "import sys; sys.exit(3)", "raise RecursionError"])
def test_a_check_that_ends_the_process_is_refused(command: Callable, tmp_path: Path, body: str) -> None:
    """`check` ended with what the model asked for, 0 among it, and without a word."""
    text = model().replace("WALK = Model(", f"def check(values, dt):\n    {body}\n\nWALK = Model(check=check, ")
    (tmp_path / "walk.py").write_text(text)
    (tmp_path / "study.toml").write_text(STUDY)
    ended = command("check", tmp_path / "study.toml")
    assert ended.code == 2, ended
    assert "FF123" in ended.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a user's model."""
    from firmfate.cli import main

    folder = tmp_path_factory.mktemp("own")
    (folder / "walk.py").write_text(model())
    (folder / "study.toml").write_text(STUDY)
    assert main(["run", str(folder / "study.toml"), "--into", str(folder / "run"), "--quiet", "--no-report"]) == 0
    return folder


COMMANDS: dict[str, Callable[[Path], list[object]]] = {
    "check": lambda folder: ["check", folder / "study.toml"],
    "plan": lambda folder: ["plan", folder / "study.toml"],
    "run": lambda folder: ["run", folder / "study.toml", "--into", folder / "run", "--no-report"],
    "status": lambda folder: ["status", folder / "run"],
    "gather": lambda folder: ["gather", folder / "run"],
    "report": lambda folder: ["report", folder / "run"],
    "replay": lambda folder: ["replay", folder / "run"],
    "export": lambda folder: ["export", folder / "run", "--firms", "--into", folder / "x.csv"],
    "laboratory of a run": lambda folder: ["lab", folder / "run"],
    "laboratory": lambda folder: ["lab", f"{folder}/walk.py:WALK", "--into", folder / "lab.html"],
    "parameters": lambda folder: ["parameters", f"{folder}/walk.py:WALK"],
    "schema": lambda folder: ["schema", "--model", f"{folder}/walk.py:WALK"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_a_model_before_its_code_runs(
    command: Callable, finished: Path, tmp_path: Path, name: str
) -> None:
    """`status`, `gather`, `report`, `replay`, `export` and `lab` of a run did not: a stranger's ran without a word."""
    folder = shutil.copytree(finished, tmp_path / "copy")
    marked = f"import sys\nprint('it runs', file=sys.stderr)\n{model()}"
    for path in (folder / "walk.py", folder / "run" / "walk.py"):
        if path.exists() or path.parent == folder:
            path.write_text(marked)
    forget()
    ended = command(*COMMANDS[name](folder))
    assert ended.code == 0, ended
    assert "it runs" in ended.err
    assert 0 <= ended.err.index(NAMED) < ended.err.index("it runs")
    assert ended.err.count(NAMED) == 1
    forget()
