"""What the command line prints, and exit codes of errors: results on standard output, all else on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.errors import FirmfateError, escaped, printable
from firmfate.execute.interrupts import delivered

if TYPE_CHECKING:
    import xarray as xr

DONE, INTERNAL_ERROR, BAD_INPUT, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


def prepare() -> None:
    """Make standard streams such that no print ends a command.

    One that is closed goes nowhere, of child processes too, and no file that is opened later stands in its place, where
    libraries would print into it. Letters that the terminal's encoding lacks are shown as question marks.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # of a child process too
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def out(text: str) -> None:
    """Print a result; what would drive the terminal is shown instead. A reader that has gone (`| head`) is no error.

    Raises
    ------
    FirmfateError
        As `out_own`.
    """
    out_own(escaped(text))


def out_own(text: str) -> None:
    """Print a text of the program's own as it is, with its colours.

    Raises
    ------
    FirmfateError
        Where standard output cannot be written, as on a full disk.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _silence()
    except OSError as fault:
        _silence()
        raise FirmfateError(f"standard output cannot be written: {fault.strerror}") from None


def out_json(value: Any) -> None:
    """Print a result as JSON."""
    out(json.dumps(value, indent=1))


def say(text: str, *, quiet: bool = False) -> None:
    """Print a remark on standard error, where it takes it; what would drive the terminal is shown instead."""
    if not quiet:
        with contextlib.suppress(OSError):
            print(escaped(text), file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Print an error: one message."""
    say(f"firmfate: {printable(text)}")


def complain_of_invalid(ds: xr.Dataset, directory: Path) -> bool:
    """Print how many firms' arithmetic has failed, and how to see one; return whether there are such firms."""
    from firmfate.dataset import invalid_firms

    found = invalid_firms(ds)
    if found is not None:
        complain(f"{found.sentence()}:\n  {found.replay(directory)}")
    return found is not None


def _silence() -> None:
    """Let nothing more be written to a standard output that nobody reads, not even when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def guarded(execute: Callable[[Namespace], int], arguments: Namespace, *, debug: bool = False) -> int:
    """Run a command and return its exit code.

    Errors raised on purpose, and what the operating system refuses, become one message. Anything else is an internal
    error: its traceback goes to a file, which the message names, or to standard error where `debug` is set.
    """
    try:
        with delivered():
            return execute(arguments)
    except BrokenPipeError:
        _silence()
        return INCOMPLETE
    except FirmfateError as fault:
        complain(str(fault))
        code = fault.exit_code
        if debug:
            traceback.print_exc()
    except OSError as fault:
        complain(f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror or str(fault))
        code = BAD_INPUT
        if debug:
            traceback.print_exc()
    except Exception as fault:
        if debug:
            raise
        with tempfile.NamedTemporaryFile("w", prefix="firmfate-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        complain(
            f"internal error, not a fault of your study: {type(fault).__name__}: {fault}\n"
            f"  the traceback is in {log.name}; please report it"
        )
        code = INTERNAL_ERROR
    return code
