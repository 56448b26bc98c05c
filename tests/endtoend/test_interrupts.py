"""An interrupt in the callback of a weak reference, where Python forgets it, ends a command all the same."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from firmfate.execute.interrupts import delivered
from firmfate.execute.stopping import Stopped

PROGRAM = """
import os, signal, sys, weakref
import {module} as module
from firmfate.cli import main

class Referred:
    pass

def interrupted(_):
    if not sent:
        sent.append(os.kill(os.getpid(), signal.{name}))
    for _ in range(10_000):  # the handler runs here
        pass

def disturbed(*given, **named):
    one = Referred()
    reference = weakref.ref(one, interrupted)
    del one
    return undisturbed(*given, **named)

sent = []
undisturbed = module.{function}
module.{function} = disturbed
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


GATHERING, REPORTING = ("firmfate.dataset.gathering", "shards_by_cell"), ("firmfate.reporting.report", "render")
RUN = ("run", "STUDY", "--into", "DIR")


@pytest.mark.parametrize(
    ("words", "place", "name", "code", "said"),
    [
        (RUN, GATHERING, "SIGINT", 130, "interrupted"),
        (RUN, GATHERING, "SIGTERM", 3, "stopped by SIGTERM"),
        (("gather", "DIR"), GATHERING, "SIGINT", 130, "interrupted"),
        (("report", "DIR"), REPORTING, "SIGINT", 130, "interrupted"),
    ],
)
def test_an_interrupt_in_a_callback_ends_the_command(
    finished_run: Path, study_file: Path, tmp_path: Path,
    words: tuple[str, ...], place: tuple[str, str], name: str, code: int, said: str,
) -> None:  # fmt: skip
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "report.html").unlink(missing_ok=True)
    places = {"STUDY": study_file, "DIR": run}
    program = PROGRAM.format(module=place[0], function=place[1], name=name)
    command = [sys.executable, "-c", program, *(str(places.get(word, word)) for word in words)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == code, ended
    assert ended.stderr.splitlines()[-1].startswith(f"firmfate: {said}")
    assert "Traceback" not in ended.stderr
    assert not (run / "report.html").exists()
    assert not list(run.rglob("*.part"))


def test_what_else_python_cannot_raise_is_shown_as_ever(tmp_path: Path) -> None:
    program = (
        "import weakref\n"
        "from firmfate.execute.interrupts import delivered\n"
        "class Referred: pass\n"
        "with delivered():\n"
        "    one = Referred(); reference = weakref.ref(one, lambda _: 1 / 0); del one\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0
    assert "ZeroDivisionError" in ended.stderr


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(False, id="in the last moment"),
        pytest.param(True, marks=pytest.mark.slow, id="ignored where it is raised again"),
    ],
)
def test_an_interrupt_is_raised_at_the_end_of_a_block_at_the_latest(ignored: bool) -> None:
    class Thing:
        """What a weak reference can be of."""

    def interrupted(_: object) -> None:
        raise Stopped(signal.SIGTERM)

    held = signal.getsignal(signal.SIGTERM)
    try:
        things = [Thing()]
        reference = weakref.ref(things[0], interrupted)

        def work() -> None:
            things.clear()
            if ignored:
                with contextlib.suppress(Exception):
                    time.sleep(10)

        with pytest.raises(Stopped), delivered():
            work()
        assert reference() is None
        time.sleep(0.1)  # nothing comes a second time
        assert signal.getsignal(signal.SIGTERM) is held
    finally:
        signal.signal(signal.SIGTERM, held)
