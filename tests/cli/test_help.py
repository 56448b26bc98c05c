"""Help: there at once, in the order of the flow, and one message where a command is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from firmfate.cli import COMMANDS, main

HEAVY = ("numpy", "numba", "xarray", "dask", "distributed", "matplotlib", "pandas", "netCDF4", "scipy")


def test_help_lists_the_commands_in_the_order_of_the_flow(command: Callable) -> None:
    ended = command("--help")
    assert ended.code == 0
    listed = [line.split()[0] for line in ended.out.splitlines() if line.startswith("    ") and line[4] != " "]
    assert tuple(word for word in listed if word in COMMANDS) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command: Callable, name: str) -> None:
    ended = command(name, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"usage: firmfate {name}")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from firmfate.cli import parser; parser().format_help(); print(*sys.modules, sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(printed.stdout.split())


def test_no_command_prints_help(command: Callable) -> None:
    ended = command()
    assert (ended.code, ended.err) == (0, "")
    assert "usage: firmfate" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "there is no command 'rum'; did you mean 'run'?"),
        (["simulate-everything"], "allowed: init, check"),
        (["run", "study.toml", "--thread", "2"], "unrecognized arguments: --thread 2"),
        (["run", "study.toml", "--threads", "0"], "'0'; allowed: an integer from 1"),
        (["run", "study.toml", "--threads", "two"], "'two'; allowed: an integer"),
        (["run", "study.toml", "--threads", "1", "--workers", "1"], "not allowed with"),
        (["run", "study.toml", "--shards", "3/3"], "i from 0 to n - 1"),
        (["run", "study.toml", "--shard-scale", "inf"], "'inf'; allowed: a number above 0"),
        (["run", "study.toml", "--shard-scale", "0"], "'0'; allowed: a number above 0"),
        (["status"], "required: DIR"),
        (["parameters", "frim"], "did you mean 'firm'?"),
        (["schema", "--model", "nothing.py:M"], "there is no file"),
    ],
)
def test_wrong_words_are_refused_in_one_message(command: Callable, words: list[str], said: str) -> None:
    ended = command(*words)
    assert ended.code == 2
    assert said in ended.err
    assert (ended.err.count("firmfate: "), ended.out) == (1, "")


def test_run_without_a_study_says_what_to_do(command: Callable) -> None:
    ended = command("run")
    assert ended.code == 2
    assert "firmfate init" in ended.err
    assert "firmfate run study.toml --into" in ended.err


def test_version(command: Callable) -> None:
    import firmfate

    assert command("--version").out == f"firmfate {firmfate.__version__}\n"


def test_main_takes_the_words_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["firmfate", "nonsense"])
    assert main() == 2
