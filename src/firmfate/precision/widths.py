"""How exactly a study's targets are known, from the counts of one complete round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from firmfate.precision import between_cells, in_cells
from firmfate.precision.between_cells import measure_difference, measure_sign
from firmfate.precision.in_cells import joined, measure_cells
from firmfate.precision.orders import measure_order
from firmfate.precision.placing import measure_between, measure_side
from firmfate.precision.reached import Measured
from firmfate.precision.refinement import levels
from firmfate.precision.turning import measure_turning
from firmfate.study.precision import Precision
from firmfate.study.targets import DECIDED, ORDERED, PAIRED, TURNING, Target

if TYPE_CHECKING:
    import xarray as xr

BETWEEN_CELLS = (*PAIRED, *TURNING, *ORDERED)

DECISIONS = {
    "sign": measure_sign,
    "m_star_side": measure_side,
    **dict.fromkeys(ORDERED, measure_order),
}

Signs = Mapping[str, NDArray[np.int8]]
"""Signs that are decided, by target: one or several a place."""


class Counts(Protocol):
    """Gives counts by their names: of all cells over the axes, or of some, by their positions, over ``cell``."""

    def __call__(self, names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
        """Return them."""


def widths(
    precision: Precision, counts: Counts, blocks: Iterable[NDArray[np.intp]], *, cells: int, signs: Signs
) -> tuple[Measured, ...]:
    """Return how far every target is.

    Parameters
    ----------
    precision : Precision
    counts : Counts
        As :meth:`firmfate.dataset.summing.Counted.of`.
    blocks : iterable of arrays
        Positions of cells that fit into memory together.
    cells : int
        Cells of the study.
    signs : mapping
        Decided in earlier rounds.
    """
    level = one_level(precision, cells)
    by_cell = [target for target in precision.targets if target.kind not in BETWEEN_CELLS]
    found: dict[str, list[Measured]] = {target.key: [] for target in by_cell}
    if by_cell:
        for block in blocks:
            ds = counts(in_cells.COUNTS, block)
            for target in by_cell:
                found[target.key].append(measure_cells(ds, target, level, block))
    measured = [joined(parts) for parts in found.values()]
    between = [target for target in precision.targets if target.kind in BETWEEN_CELLS]
    if between:
        by_week = any(target.kind == "survival_difference" for target in between)
        ds = counts((*between_cells.COUNTS, *([between_cells.BINS] if by_week else [])))
        measured += [_between(ds, target, precision, signs.get(target.key)) for target in between]
    return tuple(sorted(measured, key=lambda one: one.target.key))


def signs_of(measured: Iterable[Measured]) -> dict[str, NDArray[np.int8]]:
    """Return the signs that are decided, by target: they stay so at later looks."""
    return {one.target.key: one.signs for one in measured if one.target.kind in DECIDED}


def one_level(precision: Precision, places: int) -> float:
    """Return the level of one place's limits: where all are to hold at once, by Bonferroni's inequality."""
    return 1 - (1 - precision.level) / places if precision.simultaneous else precision.level


def _between(ds: xr.Dataset, target: Target, precision: Precision, known: NDArray[np.int8] | None) -> Measured:
    along = ("execution", "misalignment") if target.kind in TURNING else (target.dim, "cell")
    places = int(np.prod([ds.sizes[dim] for dim in ds["firms"].dims if dim not in along], dtype=np.int64))
    level = one_level(precision, places)
    if target.kind == "m_star_between":
        # In each grid that may come about the first misalignment beyond m* may be placed wrongly.
        one_grid = 1 - (1 - level) / (levels(precision.refine) + 1)
        return replace(measure_between(ds, target, one_grid, first=precision.pilot, known=known), level=level)
    if target.kind in DECISIONS:
        return DECISIONS[target.kind](ds, target, level, first=precision.pilot, known=known)
    return (measure_turning if target.kind == "m_star" else measure_difference)(ds, target, level)
