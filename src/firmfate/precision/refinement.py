"""New cells beside the contour: misalignments that are added to the grid between those next to m*.

m* is interpolated along a straight line between two misalignments of the grid, and the effect of execution is no
straight line. Intervals around it are halved, again and again, until they are no longer than asked for. Values lie on
a fixed lattice between those of the study, so that which there are depends on the counts of complete rounds alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from firmfate.precision.reached import Measured
from firmfate.study import Study
from firmfate.study.targets import ROUNDING
from firmfate.tables.reading import rounded


def halvings(low: float, high: float, at: float, finest: float) -> list[float]:
    """Return the middles of an interval around `at`, and of the half that holds it, until it is `finest` long at most.

    Examples
    --------
    >>> halvings(0.3, 0.4, at=0.382, finest=0.0125)
    [0.35, 0.375, 0.3875]
    """
    found = []
    while high - low > finest * ROUNDING:
        middle = float(rounded((low + high) / 2))
        found.append(middle)
        low, high = (middle, high) if at > middle else (low, middle)
    return found


def levels(refine: float) -> int:
    """Return how many times an interval is halved at most; 0 where grids are not refined.

    Examples
    --------
    >>> levels(0.0125), levels(0.0)
    (7, 0)
    """
    return math.ceil(math.log2(1 / refine)) if refine else 0


def refinement(finest: float, measured: Iterable[Measured]) -> tuple[float, ...]:
    """Return the misalignments that are to be added, ascending.

    Parameters
    ----------
    finest : float
        Distance at most of neighbours around m*; 0 where none are to be added.
    measured : iterable of Measured
        `around` says where m* lies.
    """
    if not finest:
        return ()
    intervals = {interval for one in measured for interval in one.around}
    return tuple(sorted({value for low, high, at in intervals for value in halvings(low, high, at, finest)}))


def refined(study: Study, added: tuple[float, ...]) -> Study:
    """Return a study with new misalignments; all of its cells hold as many firms where these are recorded."""
    finer = study.refined((*study.refinement, *added))
    return finer.grown(int(finer.firms_by_cell.max())) if study.record_firms else finer


def missing(added: tuple[float, ...]) -> str:
    """Return in words which misalignments are not added."""
    return f"the pilots of misalignments {', '.join(f'{value:g}' for value in added)}, beside m*, exceed at_most"
