"""The command line: one thin command a stage, in the order in which a study flows; imported by nothing.

Every command is a file with ``HELP``, ``options(parser)`` and ``execute(arguments) -> exit code``; what a command needs
is imported when it runs, so that help is there at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from firmfate import __version__
from firmfate.announcing import model_runs
from firmfate.cli import terminal
from firmfate.errors import FirmfateError, did_you_mean

COMMANDS = (
    "init", "check", "plan", "run", "submit", "status", "gather", "replay", "report", "lab", "compare", "export",
    "calibrate", "schema", "parameters", "explain",
)  # fmt: skip
"""In the order in which a study flows through them."""

EPILOG = """\
a study flows through these in order:
  study.toml -> check -> plan -> run (simulates, gathers, reports) -> result.nc, report.html
  `run` on the same directory goes on where it stopped, and extends a study that asks for more.

exit codes: 0 done; 1 internal error; 2 bad input, or a run that cannot start; 3 stopped or incomplete (what is
finished is kept), or the arithmetic of some firms has failed; 130 interrupted. FIRMFATE_DEBUG=1 shows tracebacks.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses with one message instead of all of its usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; where a command names an option for them, ``--NAME VALUE`` of names that it lacks goes there."""
        words = list(sys.argv[1:] if args is None else args)
        if others := self.get_default("others"):
            words = self._gathered(words, others)
        return super().parse_known_args(words, namespace)

    def _gathered(self, words: list[str], others: str) -> list[str]:
        """Return words with ``--NAME VALUE`` of unknown names written ``OTHERS=NAME=VALUE``."""
        written: list[str] = []
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            name, equals, value = word.partition("=")
            if word == "--":
                return [*written, word, *waiting]
            if not name.startswith("--") or name in self._option_string_actions:
                written.append(word)
                continue
            if not equals and waiting and not waiting[0].startswith("--"):
                value = waiting.pop(0)
            written.append(f"{others}={name[2:]}={value}")
        return written

    def print_help(self, file: Any = None) -> None:
        """Print help on standard output; argparse says nothing of one that is full."""
        terminal.out_own(self.format_help().rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        """Print one message, and where to read on; exit code 2."""
        terminal.complain(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(2)


class _Version(argparse.Action):
    def __call__(self, *_: object, **__: object) -> None:
        terminal.out(f"firmfate {__version__}")
        raise SystemExit(0)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the complete command line."""
    top = Parser(
        prog="firmfate",
        description="Monte Carlo studies of what happens to firms over time.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    for name in COMMANDS:
        module = importlib.import_module(f"firmfate.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.options(command)
        command.set_defaults(execute=module.execute)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors raised on purpose become one message on standard error."""
    terminal.prepare()
    try:
        return _run(argv)
    except KeyboardInterrupt:
        terminal.complain("interrupted; what is finished is kept, the same command goes on from there")
        return terminal.INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        words = ["--help"]
    if null := next((word for word in words if "\0" in word), None):
        terminal.complain(f"{null!r} holds a null character, which no file name may")
        return 2
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        terminal.complain(
            f"there is no command '{words[0]}'{did_you_mean(words[0], COMMANDS) or '; allowed: ' + ', '.join(COMMANDS)}"
        )
        return 2
    try:
        arguments = parser().parse_args(words)
    except SystemExit as end:
        return int(end.code or 0)
    except FirmfateError as fault:  # of what `--version` and `--help` print
        terminal.complain(str(fault))
        return 2
    quiet = getattr(arguments, "quiet", False)
    before = model_runs.set(lambda file: terminal.say(f"the model is code, which runs now: {_near(file)}", quiet=quiet))
    try:
        return terminal.guarded(arguments.execute, arguments, debug=bool(os.environ.get("FIRMFATE_DEBUG")))
    finally:
        model_runs.reset(before)


def _near(file: Path) -> Path:
    """Return the path of a file from the working directory, where it is in it."""
    try:
        here = Path.cwd().resolve()
    except OSError:  # it was removed
        return file
    return file.relative_to(here) if file.is_relative_to(here) else file
