"""Every exception that firmfate raises on purpose: each states what is wrong, where, and what to do; and helpers that
format their messages."""

from __future__ import annotations

import difflib
import math
import operator
import re
import shlex
from collections.abc import Iterable
from typing import Any

UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that a terminal obeys instead of showing: control characters, and marks that reverse the direction of
writing."""

LONGEST_LINE = 1000
LONGEST_FAULT = 400
MOST_FAULTS = 10


def escaped(text: str) -> str:
    """Return text whose control characters, which would drive a terminal, are written as ``\\x1b``.

    Examples
    --------
    >>> escaped("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def shortened(text: str, most: int) -> str:
    """Return text of at most so many characters: what is left out is left out of its middle.

    Examples
    --------
    >>> shortened("from the beginning to the end", 20)
    'from the beg ... end'
    """
    if len(text) <= most:
        return text
    end = (most - 5) // 5
    return f"{text[: most - 5 - end]} ... {text[-end:]}"


def printable(text: str) -> str:
    """Return a message as it can be shown: control characters escaped, lines of more than 1,000 characters cut."""
    return "\n".join(shortened(line, LONGEST_LINE) for line in escaped(text).split("\n"))


class FirmfateError(Exception):
    """What all errors of this package have in common; the command line prints it as one message, without a
    traceback."""

    exit_code = 2

    def __str__(self) -> str:
        return printable(super().__str__())


class StudyError(FirmfateError):
    """A study file or table that cannot be run as it is written.

    Parameters
    ----------
    *faults : str
        What is wrong, a sentence each.
    where : str
        The file; it begins the message.
    """

    def __init__(self, *faults: str, where: str = "") -> None:
        super().__init__(*faults)
        self.faults, self.where = faults, where

    def __str__(self) -> str:
        begin = f"{self.where}: " if self.where else ""
        if len(self.faults) < 2:
            return printable(begin + "".join(self.faults))
        shown = [shortened(fault, LONGEST_FAULT) for fault in self.faults[:MOST_FAULTS]]
        more = len(self.faults) - len(shown)
        lines = [f"{begin}{len(self.faults)} faults", *shown, *([f"... and {more} more"] if more else [])]
        return printable("\n  ".join(lines))


class ModelError(FirmfateError):
    """A model that cannot be run as it is written.

    Attributes
    ----------
    code : str
        Number of the error in the catalogue, such as ``FF103``; empty where it has none.
    """

    code = ""

    @classmethod
    def numbered(cls, code: str, text: str, *, model: str, file: str = "", line: int = 0) -> ModelError:
        """Return an error with its number and the place in the model's file."""
        where = f"{file}, line {line}: " if file else ""
        made = cls(f"{code} model '{model}': {where}{text}")
        made.code = code
        return made


class RunDirectoryError(FirmfateError):
    """A run directory that holds another study, cannot be written, or is not a run directory."""


class IncompleteRunError(FirmfateError):
    """A run that has stopped before all its firms were simulated; what is finished is kept."""

    exit_code = 3


class BrokenShardError(FirmfateError):
    """A shard file whose content does not match its name."""


class ExecutorError(FirmfateError):
    """A way to run shards that cannot be used here: no such scheduler, address or file."""


class DeviceError(FirmfateError):
    """A device that cannot be used here: it, its driver or the package that calls it is missing, too old, too small or
    has failed."""


class SlurmError(FirmfateError):
    """A Slurm profile that cannot be used, or a Slurm command that failed."""


class EstimateError(FirmfateError, ValueError):
    """An estimate that the counts at hand cannot give."""


class InvalidFirmsWarning(UserWarning):
    """The arithmetic of some firms has failed: they have no event week, and no estimate counts them."""


class UnreliableErrorWarning(UserWarning):
    """An estimate whose standard error is itself not known well: few of the runs make most of it."""


def did_you_mean(word: object, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest allowed word, or an empty string where none is near."""
    near = difflib.get_close_matches(str(word), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def command(*words: Any) -> str:
    """Return a command of firmfate as it can be pasted into a shell."""
    return shlex.join(["firmfate", *map(str, words)])


def check_int(name: str, value: Any, *, least: int = 0, most: int | None = None) -> int:
    """Return an argument as an int, NumPy's integers among them.

    Raises
    ------
    FirmfateError
        Where it is no integer from `least` to `most`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        powers = {2**64 - 1: "2**64 - 1", 2**63 - 1: "2**63 - 1"}
        end = "" if most is None else f" to {powers.get(most, f'{most:,}')}"
        raise FirmfateError(f"{name} = {value!r}; allowed: an integer from {least}{end}")
    return number


def is_finite(value: Any) -> bool:
    """Return whether an argument is a finite number, and no text that spells one."""
    try:
        return not isinstance(value, str | bytes) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
