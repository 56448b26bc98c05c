"""How commands end when something outside goes wrong: an interrupt, a reader that has gone, an internal error."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from firmfate.cli import main, terminal


@pytest.mark.parametrize("moment", ["firmfate.cli.parser", "firmfate.cli.check.execute"])
def test_an_interrupt_says_what_is_kept(
    moment: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While commands are imported, too: that ended in a traceback."""

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(moment, interrupted)
    assert main(["check", "study.toml"]) == 130
    assert capsys.readouterr().err.startswith("firmfate: interrupted; what is finished is kept")


def test_an_internal_error_leaves_its_traceback_in_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(_: Namespace) -> int:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(terminal.tempfile, "tempdir", str(tmp_path))
    assert terminal.guarded(faulty, Namespace()) == 1
    said = capsys.readouterr().err
    (log,) = tmp_path.glob("firmfate-*.log")
    assert "internal error, not a fault of your study: ZeroDivisionError" in said
    assert str(log) in said
    assert "Traceback" not in said
    assert "ZeroDivisionError: a mistake" in log.read_text()
    with pytest.raises(ZeroDivisionError):
        terminal.guarded(faulty, Namespace(), debug=True)


def test_what_the_system_refuses_is_printed_in_one_message(command: Callable) -> None:
    ended = command("init", "/proc/version/study.toml")
    assert ended.code == 2
    assert ended.err.startswith("firmfate: /proc/version")
    assert ended.err.count("\n") == 1


def test_debugging_shows_tracebacks_of_refusals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRMFATE_DEBUG", "1")
    assert main(["status", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "firmfate: " in said
    assert "RunDirectoryError" in said


@pytest.mark.parametrize("words", [["parameters"], ["--help"], ["schema"]])
def test_a_reader_that_has_gone_is_no_error(words: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "firmfate", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_letters_that_a_terminal_lacks_are_no_error(settings: dict[str, str]) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHONIO"))}
    done = subprocess.run(
        [sys.executable, "-m", "firmfate", "parameters"], capture_output=True, env=plain | settings, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"| `execution` |" in done.stdout
    assert b"?" in done.stdout
