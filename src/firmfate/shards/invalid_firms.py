"""Firms whose arithmetic has failed: how many, and the command that shows the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firmfate.errors import command


@dataclass(frozen=True)
class InvalidFirms:
    """Firms of a run whose arithmetic has failed; at least one.

    Attributes
    ----------
    count, total : int
        Firms whose arithmetic has failed, of all that were simulated.
    cells : int
        Cells that hold them; they have no estimates.
    cell : mapping
        Axis -> its value, of the first such cell.
    replicate : int
        The lowest one of that cell.

    Examples
    --------
    >>> found = InvalidFirms(count=41, total=100, cells=1, cell={"execution": 0.9}, replicate=3)
    >>> found.replay("runs/mine")
    'firmfate replay runs/mine --execution 0.9 --replicate 3'
    """

    count: int
    total: int
    cells: int
    cell: Mapping[str, float]
    replicate: int

    def replay(self, directory: Path | str) -> str:
        """Return the command that replays the first of them."""
        axes = [word for name, value in self.cell.items() for word in (f"--{name}", repr(value))]
        return command("replay", directory, *axes, "--replicate", self.replicate)

    def sentence(self) -> str:
        """Return how many they are, and which is the first."""
        where = ", ".join(f"{name} {value:g}" for name, value in self.cell.items()) or "the only cell"
        cells = f"{self.cells:,} cell{'s' if self.cells > 1 else ''}"
        return (
            f"the arithmetic of {self.count:,} of {self.total:,} firms has failed, in {cells} that therefore "
            f"{'have' if self.cells > 1 else 'has'} no estimate; the first is replicate {self.replicate} of {where}"
        )
