"""Which cells get more firms, and how many: those that need them, within what is allowed.

A cell whose targets are known exactly enough keeps its firms. Cells that are compared hold the same firms, so that
random numbers stay common; and where firms are recorded one by one, all cells do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import StudyError
from firmfate.precision.reached import Measured, by_place
from firmfate.precision.rules import LEAST_GROWTH, SAFETY, next_firms
from firmfate.shards.plan import firm_seconds
from firmfate.study import Study

Firms = NDArray[np.int64]


@dataclass(frozen=True)
class Allowed:
    """What a study with [precision] may take at most.

    Attributes
    ----------
    a_cell : int or None
        Firms in each cell.
    in_all : int or None
        Firms of all cells together. One of the two is given.
    """

    a_cell: int | None
    in_all: int | None

    @classmethod
    def of(cls, study: Study) -> Allowed:
        """Return what a study allows.

        Raises
        ------
        StudyError
            Where the work allowed is not enough for the pilot.
        """
        precision = study.precision
        if precision is None:
            raise TypeError(f"study '{study.name}' has no [precision]")
        if precision.most_seconds is None:
            return cls(precision.most_firms, None)
        in_all = int(precision.most_seconds / firm_seconds(study))
        if in_all < precision.pilot * study.design.count:
            pilot = precision.pilot * study.design.count * firm_seconds(study)
            raise StudyError(
                f"precision.at_most = {precision.most_seconds:,.0f} core-seconds is less than the pilot takes: "
                f"{pilot:,.0f}, for {study.design.count:,} cells x {precision.pilot:,} firms (study.replicates)"
            )
        return cls(None, in_all)

    def __str__(self) -> str:
        return f"at most {self.in_all:,} firms in all" if self.in_all else f"at most {self.a_cell:,} firms a cell"

    def holds(self, firms: Firms) -> bool:
        """Return whether so many firms of each cell are allowed."""
        return bool(firms.sum() <= self.in_all) if self.in_all is not None else bool(firms.max() <= (self.a_cell or 0))

    def limited(self, now: Firms, wanted: Firms, batches: int) -> Firms:
        """Return what of it is allowed; of work, the cells that want most get the same number."""
        if self.in_all is None:
            return np.maximum(now, np.minimum(wanted, self.a_cell or 0))
        if wanted.sum() <= self.in_all:
            return wanted
        low, high = 0, int(wanted.max()) // batches
        while low < high:
            level = (low + high + 1) // 2
            fits = np.maximum(now, np.minimum(wanted, level * batches)).sum() <= self.in_all
            low, high = (level, high) if fits else (low, level - 1)
        return np.maximum(now, np.minimum(wanted, low * batches))


def following(measured: Iterable[Measured], firms: Firms, allowed: Allowed, *, batches: int, alike: bool) -> Firms:
    """Return how many firms each cell has in the next round; those of this one where it was the last.

    Parameters
    ----------
    measured : iterable of Measured
        After a round.
    firms : (cells,) array
        Of that round.
    allowed : Allowed
    batches : int
        As for `next_firms`.
    alike : bool
        Whether all cells are to hold the same number.
    """
    measured = list(measured)
    needed = _needed(measured, firms.shape)
    wanted = _together(next_firms(firms, needed, batches), measured, alike=alike)
    return allowed.limited(firms, wanted, batches)


def at_the_end(measured: Iterable[Measured], pilot: Firms, allowed: Allowed, *, batches: int, alike: bool) -> Firms:
    """Return how many firms each cell is going to have after all rounds, predicted from counts of a few firms.

    Parameters
    ----------
    measured : iterable of Measured
        Of any number of firms a cell.
    pilot : (cells,) array
        Firms of the first round.
    allowed, batches, alike
        As for `following`.
    """
    measured = list(measured)
    needed = np.nan_to_num(SAFETY * _needed(measured, pilot.shape))
    # A round has at least a quarter more firms than the one before.
    more = np.where(needed > SAFETY * pilot, np.maximum(needed, LEAST_GROWTH * pilot), pilot)
    wanted = _together((np.ceil(more / batches) * batches).astype(np.int64), measured, alike=alike)
    return allowed.limited(pilot, wanted, batches)


def _needed(measured: Iterable[Measured], cells: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how many firms each cell is predicted to need, for the target that needs most; NaN where no more."""
    needed = np.full(cells, -np.inf)
    for one in measured:
        np.maximum.at(needed, one.cells[one.open], by_place(one.needed)[one.open])
    return np.where(np.isinf(needed), np.nan, needed)


def _together(wanted: Firms, measured: Iterable[Measured], *, alike: bool) -> Firms:
    """Return as many firms for both cells of every pair, or for all cells."""
    if alike:
        return np.full_like(wanted, wanted.max())
    groups = [cells for one in measured for cells in one.alike]
    while True:
        before = wanted.copy()
        for cells in groups:
            np.maximum.at(wanted, cells, wanted[cells].max(axis=1, keepdims=True))
        if np.array_equal(before, wanted):
            return wanted
