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
from typing import NoReturn

from firmfate import __version__
from firmfate.cli import replay, terminal
from firmfate.errors import did_you_mean

COMMANDS = (
    "init", "check", "plan", "run", "submit", "status", "gather", "replay", "report", "export", "calibrate",
    "schema", "parameters",
)  # fmt: skip
"""In the order in which a study flows through them."""

EPILOG = """\
a study flows through these in order:
  study.toml -> check -> plan -> run (simulates, gathers, reports) -> result.nc, report.html
  `run` on the same directory goes on where it stopped, and extends a study that asks for more.

exit codes: 0 done; 1 a bug of ours; 2 bad input, or a run that cannot start; 3 stopped or incomplete (what is
finished is kept); 130 interrupted. FIRMFATE_DEBUG=1 shows tracebacks.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses with one message instead of its whole usage."""

    def error(self, message: str) -> NoReturn:
        """Print one message, and where to read on; exit code 2."""
        terminal.complain(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(2)


class _Version(argparse.Action):
    def __call__(self, *_: object, **__: object) -> None:
        terminal.out(f"firmfate {__version__}")
        raise SystemExit(0)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
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
    terminal.replace_what_cannot_be_shown()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        words = ["--help"]
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        terminal.complain(
            f"there is no command '{words[0]}'{did_you_mean(words[0], COMMANDS) or '; allowed: ' + ', '.join(COMMANDS)}"
        )
        return 2
    if words[0] == "replay":
        words[1:] = replay.rewrite(words[1:])
    try:
        arguments = parser().parse_args(words)
    except SystemExit as end:
        terminal.flush()
        return int(end.code or 0)
    return terminal.guarded(arguments.execute, arguments, debug=bool(os.environ.get("FIRMFATE_DEBUG")))
