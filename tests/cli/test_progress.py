"""Progress: a bar with rate and time left on a terminal of any width, plain lines in a log."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import struct
import sys
import termios
import types
from collections.abc import Callable
from functools import partial

import pytest

import firmfate
from firmfate import progress
from firmfate.progress import Progress


def three_shards_finish() -> None:
    with Progress(4_000_000, 1_000_000) as shown:
        for _ in range(3):
            shown.advance(1_000_000, 1_040_000_000)
        shown.say("a remark")


def shown_on_a_terminal(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> str:
    """Return what a terminal of (rows, columns) is sent on standard error by some work."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    with open(theirs, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        work()
    seen = b""
    with contextlib.suppress(OSError):  # a terminal ends with an error, once all is read
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    return seen.decode()


@pytest.mark.parametrize("size", [(24, 100), (0, 0)], ids=["usual", "says that it has no size"])
def test_a_terminal_sees_a_bar(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown_on_a_terminal(size, monkeypatch, three_shards_finish)
    assert "simulating:  25%|" in text
    assert "4.00M/4.00M" in text
    assert "firms/s" in text
    assert "a remark" in text


def test_a_log_sees_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    log = io.StringIO()
    with Progress(4_000, 1_000, stream=log) as shown:
        shown.advance(1_000, 1_040_000)
    lines = log.getvalue().splitlines()
    assert len(lines) == 2  # one on the way, one at the end
    assert all(line.startswith("2,000 of 4,000 firms (50.0%), ") for line in lines)
    assert all("firms/s" in line and line.endswith(" left") for line in lines)
    assert "\r" not in log.getvalue()


def test_the_rate_does_not_count_what_came_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes longer than a small study: the rate would be that of the compiler."""
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    log = io.StringIO()
    with Progress(4_000, 0, stream=log) as shown:
        now = 120.0
        shown.begin()
        now = 122.0
        shown.advance(4_000, 4_160_000)
    assert ", 2,000 firms/s, " in log.getvalue()


def test_quiet_says_nothing() -> None:
    log = io.StringIO()
    with Progress(4, 0, shown=False, stream=log) as shown:
        shown.advance(4, 4)
        shown.say("a remark")
    assert log.getvalue() == ""


def test_a_notebook_sees_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    for shell, bar in ((notebook, True), (types.ModuleType("IPython"), False)):
        monkeypatch.setitem(sys.modules, "IPython", shell)
        seen = io.StringIO()
        with Progress(4_000_000, 1_000_000, stream=seen) as shown:
            shown.advance(3_000_000, 1)
        assert ("4.00M/4.00M" in seen.getvalue()) == bar


SOME = partial(firmfate.simulate, "car", replicates=4_000, weeks=52, threads=2)


def test_simulate_shows_a_bar_on_a_terminal_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(asked: bool | None) -> str:
        return shown_on_a_terminal((24, 100), monkeypatch, partial(SOME, progress=asked))

    monkeypatch.setattr(progress, "DELAY", 3_600.0)
    assert seen(None) == seen(True) == ""  # done long before
    monkeypatch.setattr(progress, "DELAY", 0.0)
    for asked in (None, True):
        text = seen(asked)
        assert "simulating:   0%|" in text
        assert "/4.00k" in text
        assert text.endswith("\r")  # and it is gone
    assert seen(False) == ""


def test_simulate_prints_lines_in_a_log_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = SOME()
    assert capsys.readouterr().err == ""
    asked = SOME(progress=True)
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 1
    assert printed[0].startswith("4,000 of 4,000 firms (100.0%), ")
    assert asked.identical(quiet)
