"""Every exception that firmfate raises on purpose: each says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FirmfateError(Exception):
    """What all errors of this package have in common; the command line prints it as one message, without a
    traceback."""

    exit_code = 2


class StudyError(FirmfateError):
    """A study file or table that cannot be run as it is written."""


class ModelError(FirmfateError):
    """A model that the engine cannot compose: told in the terms of its author, with the line."""


class RunDirectoryError(FirmfateError):
    """A run directory that holds another study, cannot be written, or is not a run directory."""


class IncompleteRunError(FirmfateError):
    """A run that has stopped before all its firms were simulated; what is finished is kept."""

    exit_code = 3


class BrokenShardError(FirmfateError):
    """A shard file whose content is not what its name says."""


class SlurmError(FirmfateError):
    """A Slurm profile that cannot be used, or a Slurm command that failed."""


class EstimateError(FirmfateError, ValueError):
    """An estimate that the counts at hand cannot give."""


def did_you_mean(word: object, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest allowed word, or an empty string where none is near."""
    near = difflib.get_close_matches(str(word), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
