"""A process that has firmfate at hand, engines compiled, and forks itself for every command that it is asked for.

It reads a line of JSON a command from standard input, and answers with the number of the process that runs it; and a
line with that number alone, which it answers with the exit code when that process has ended.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from firmfate import execute, reporting
from firmfate.cli import main
from firmfate.execute import running
from firmfate.kernel.engine import Engine
from firmfate.models import load_model

AT_HAND = execute.run, reporting.write_report


def command(words: list[str], said: str, printed: str, folder: str, checks_space: bool) -> int:
    """Run a command in a folder; standard error goes to the file `said`, output to `printed`; return its exit code."""
    os.chdir(folder)
    for stream, path in ((1, printed), (2, said)):
        with open(path, "ab") as file:
            os.dup2(file.fileno(), stream)
    if not checks_space:
        running._check_space = lambda *_: None  # so that the disk is full in mid-run
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def answer(asked: Any) -> int:
    """Begin a command, or wait for one."""
    if isinstance(asked, int):
        return os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1])
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = command(**asked)
        finally:
            os._exit(code)
    return child


if __name__ == "__main__":
    for name in ("car", "firm"):
        Engine(load_model(name), dt=1.0).warm_up()
    for line in sys.stdin:
        print(answer(json.loads(line)), flush=True)
