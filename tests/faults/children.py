"""Commands as processes of their own that begin at once: see `forking.py`.

A command that ends in a crash of a library, or is killed, takes nothing else with it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HANGS = 120.0
"""Seconds after which a command is taken to hang."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, below 0 for the signal that ended it; and what it printed.

    Output stands by itself in `out` where that was asked for.
    """

    code: int
    said: str
    out: str = ""


class Children:
    """Begins commands, and waits for them.

    Parameters
    ----------
    folder : Path
        For what they print.
    environment
        Variables of theirs.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._said, self._out = folder / "said.txt", folder / "out.txt"
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT, env=os.environ | environment,
        )  # fmt: skip

    def close(self) -> None:
        """End the process that forks."""
        self._forking.communicate()

    def _ask(self, what: Any) -> int:
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        self._forking.stdin.write(json.dumps(what) + "\n")
        self._forking.stdin.flush()
        waited, _, _ = select.select([self._forking.stdout], [], [], HANGS)
        assert waited, f"it hangs: {what}"
        return int(self._forking.stdout.readline())

    def begin(self, *words: object, checks_space: bool = True, folder: Path | None = None, apart: bool = False) -> int:
        """Begin a command in a folder, the project's where none is given; return the number of its process."""
        for path in (self._said, self._out):
            path.unlink(missing_ok=True)
        return self._ask(
            {
                "words": list(map(str, words)),
                "said": str(self._said),
                "printed": str(self._out if apart else self._said),
                "folder": str(folder or ROOT),
                "checks_space": checks_space,
            }
        )

    def wait(self, process: int) -> Ended:
        """Wait for its end."""
        code = self._ask(process)
        said, out = (path.read_text(errors="replace") if path.exists() else "" for path in (self._said, self._out))
        return Ended(code, said, out)

    def run(self, *words: object, checks_space: bool = True, folder: Path | None = None, apart: bool = False) -> Ended:
        """Run a command to its end."""
        return self.wait(self.begin(*words, checks_space=checks_space, folder=folder, apart=apart))

    def killed(self, seconds: float, *words: object) -> Ended:
        """Run a command, and kill it after so many seconds where it has not ended by then."""
        process = self.begin(*words)
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)  # one that has ended is still there, until it is waited for
        return self.wait(process)
