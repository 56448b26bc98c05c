"""Targets that compare cells: differences of pairs, and their signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.precision.pairs import Pairs
from firmfate.precision.reached import Measured
from firmfate.precision.rules import MOST_GROWTH_OF_SIGNS, SAFETY, Floats, firms_needed
from firmfate.precision.sequences import difference_half_width, sequence_quantile, student_for
from firmfate.precision.sides import sides
from firmfate.study.targets import Target
from firmfate.survival.core.limits import normal_quantile

if TYPE_CHECKING:
    import xarray as xr

COUNTS = ("events", "firms", "invalid", "batch_firms", "batch_lifetime")
"""What is read of all cells at once."""

BINS = "batch_events"
"""What is read beside these where shares of firms are compared."""


FEWEST_DIFFERING = 64
"""Pairs of firms of which one is alive and the other is not, before the limits of a difference of shares count.

Where they are few and nearly all of one kind, their number is skewed and goes with its own variance: limits of 95 %
cover 94 % where 19 are expected, without any stopping, and 88 % where 5 are."""


def measure_difference(ds: xr.Dataset, target: Target, level: float) -> Measured:
    """Return what mean lifetimes, or shares of firms alive, of pairs of cells differ by.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of all cells, over the axes of the grid; of a list over ``cell``, named.
    target : Target
    level : float
        Of one place.
    """
    at = Pairs(ds, target, level)
    half = np.fmax(difference_half_width(at.se, at.firms, normal_quantile(level), at.most), at.shown)
    needed = firms_needed(at.firms, half, target.within)
    narrow = half <= target.within
    if target.kind == "survival_difference":
        differing = (at.firms * at.se) ** 2
        narrow &= differing >= FEWEST_DIFFERING
        needed = np.maximum(needed, at.firms * FEWEST_DIFFERING / np.fmax(differing, 1.0))
    return Measured(
        target, level, half=half, firms=at.firms, counts=at.differ, never=at.never, narrow=narrow,
        needed=np.maximum(needed, at.firms), cells=at.cells, alike=(at.cells,),
    )  # fmt: skip


def measure_sign(
    ds: xr.Dataset, target: Target, level: float, *, first: int, known: NDArray[np.int8] | None
) -> Measured:
    """Return the sign of that difference, where it is known.

    Parameters
    ----------
    ds, target, level
        As for `measure_difference`.
    first : int
        Firms a cell at the first look.
    known : (places,) array, optional
        Signs that were decided at earlier looks: limits hold at all looks at once, so a decision stays.
    """
    at = Pairs(ds, target, level)
    signs, half = decided(at, level, first, known)
    return Measured(
        target, level, half=half, firms=at.firms, counts=at.differ | (signs != 0), never=at.never & (signs == 0),
        narrow=signs != 0, needed=looked_at_soon(at.firms, firms_for_sign(at, half)), cells=at.cells, alike=(at.cells,),
        signs=signs, labels=at.labels, answers=sides(ds, target, signs),
    )  # fmt: skip


def decided(at: Pairs, level: float, first: int, known: NDArray[np.int8] | None) -> tuple[NDArray[np.int8], Floats]:
    """Return the signs of differences that are decided, (places,), 0 where one is not, and half-widths of their limits.

    Parameters
    ----------
    at : Pairs
    level : float
        Of one place, for all looks at once.
    first, known
        As for `measure_sign`.
    """
    z = student_for(sequence_quantile(at.firms, first, level), at.batches - 1)
    half = difference_half_width(at.se, at.firms, z, at.most)
    signs = np.where(at.differ & (np.abs(at.estimate) > half), np.sign(at.estimate), 0).astype(np.int8)
    return (signs if known is None else np.where(known != 0, known, signs)), half


def firms_for_sign(at: Pairs, half: Floats) -> Floats:
    """Return how many firms are predicted to decide each sign, (places,); NaN where there is no difference."""
    return firms_needed(at.firms, half, np.where(at.estimate == 0, np.nan, np.abs(at.estimate)))


def looked_at_soon(firms: Floats, needed: Floats) -> Floats:
    """Return the firms of the next look, from those that are predicted to be needed.

    Looks cost nothing but the gathering: small steps, so that few firms are simulated after a sign is known.
    """
    found: Floats = np.maximum(np.fmin(needed, MOST_GROWTH_OF_SIGNS / SAFETY * firms), firms)
    return found
