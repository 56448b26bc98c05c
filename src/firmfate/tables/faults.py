"""What is wrong with a file, collected, so that all of it is reported at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from firmfate.errors import StudyError


class Faults:
    """Refusals that were met so far.

    Examples
    --------
    >>> faults = Faults()
    >>> for name in ("seeds", "replicate"):
    ...     with faults.noted():
    ...         raise StudyError(f"study.{name}: there is no such key")
    >>> faults.refuse()
    Traceback (most recent call last):
        ...
    firmfate.errors.StudyError: 2 faults
      study.seeds: there is no such key
      study.replicate: there is no such key
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, fault: str) -> None:
        """Keep one, in a sentence."""
        self.found.append(fault)

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Go on after a refusal, and keep it."""
        try:
            yield
        except StudyError as fault:
            self.found.extend(fault.faults)

    def refuse(self) -> None:
        """Raise all that was noted as one StudyError; nothing where nothing was."""
        if self.found:
            raise StudyError(*dict.fromkeys(self.found))
