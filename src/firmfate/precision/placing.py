"""Decisions on where m* lies: on which side of a misalignment, and between which two.

A decision that m* lies between two misalignments says that the effect is positive at all misalignments of the grid up
to the first, and negative at all from the second on. Signs count in their order, from either end of the axis to the
first that is not decided. A wrong decision is then always one at the first misalignment of which it is wrong, counted
from that end: so a single level holds for all misalignments together, without a correction for their number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, weak_execution
from firmfate.precision.between_cells import decided, firms_for_sign, looked_at_soon
from firmfate.precision.pairs import Pairs, numbered, place_labels
from firmfate.precision.reached import Measured
from firmfate.precision.rules import Floats
from firmfate.precision.sides import lies, located
from firmfate.study.targets import ROUNDING, Target

if TYPE_CHECKING:
    import xarray as xr

HARD = 4.0
"""Times the firms that there are which a sign is predicted to need, from which on misalignments beside it are added."""


def measure_side(
    ds: xr.Dataset, target: Target, level: float, *, first: int, known: NDArray[np.int8] | None
) -> Measured:
    """Return on which side of one misalignment m* lies, at every value of the other axes.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of all cells, over the axes of the grid.
    target : Target
    level : float
        Of one place, for all looks at once.
    first : int
        Firms a cell at the first look.
    known : (places,) array, optional
        What was decided at earlier looks.
    """
    at, cells = _effects(ds, target, level)
    place = int(np.flatnonzero(ds[MISALIGNMENT].values == target.side)[0])
    columns = np.arange(at.firms.size) % ds.sizes[MISALIGNMENT] == place
    whole = np.zeros(at.firms.size, np.int8)
    if known is not None:
        whole[columns] = known
    signs, half = decided(at, level, first, whole)
    needed = looked_at_soon(at.firms, firms_for_sign(at, half))
    signs, half, needed, firms, differ, never = (
        one[columns] for one in (signs, half, needed, at.firms, at.differ, at.never)
    )
    labels = tuple(place_labels(ds.isel({EXECUTION: 0, MISALIGNMENT: 0}, drop=True)))
    above, below = (lies(target.side, np.inf), lies(-np.inf, target.side))
    return Measured(
        target, level, half=half, firms=firms, counts=differ | (signs != 0), never=never & (signs == 0),
        narrow=signs != 0, needed=needed, cells=cells[:, place], alike=(cells[:, place],), signs=signs, labels=labels,
        answers=tuple(
            located(above if sign > 0 else below, label) for sign, label in zip(signs, labels, strict=True) if sign
        ),
    )  # fmt: skip


def measure_between(
    ds: xr.Dataset, target: Target, level: float, *, first: int, known: NDArray[np.int8] | None
) -> Measured:
    """Return between which misalignments m* lies, not farther apart than asked for, at every value of the other axes.

    Parameters
    ----------
    ds, target, level, first
        As for `measure_side`.
    known : (places, misalignments) array, optional
        Signs that were decided at earlier looks.
    """
    values = ds[MISALIGNMENT].values.astype(np.float64)
    at, cells = _effects(ds, target, level)
    found, half = decided(at, level, first, None if known is None else known.ravel())
    signs = found.reshape(-1, values.size)
    undefined: NDArray[np.bool_] = np.any(ds["invalid"].values.ravel()[cells] > 0, axis=(1, 2))
    tied: NDArray[np.bool_] = at.never.reshape(signs.shape) & (signs == 0)
    stuck = np.zeros(len(signs), bool)
    firms = ds["firms"].values.ravel()[cells].reshape(len(signs), -1).astype(np.float64)
    predicted = firms_for_sign(at, half)
    distance = np.nan_to_num(predicted, nan=np.inf) - at.firms
    more = np.where(found != 0, 0.0, distance.clip(0)).reshape(signs.shape)
    estimate = np.where(found != 0, found, at.estimate).reshape(signs.shape)
    soon = looked_at_soon(at.firms, predicted).reshape(signs.shape)
    hard = (more > (HARD - 1) * at.firms.reshape(signs.shape)) & (signs == 0)
    needed = np.full((*signs.shape, 2), -np.inf)
    narrow, answers, around = np.zeros(len(signs), bool), [], []
    # A sign that is decided against the order of others: no single value fits.
    once = np.array([(one[one != 0][1:] <= one[one != 0][:-1]).all() for one in signs])
    labels = tuple(place_labels(ds.isel({EXECUTION: 0, MISALIGNMENT: 0}, drop=True)))
    for place, label in enumerate(labels):
        if undefined[place]:
            continue
        low, high = bracket(signs[place])
        narrow[place] = _near(values, low, high, target.within)
        if narrow[place] or once[place]:
            phrase = lies(*_ends(values, low, high))
            answers += [located(phrase, label)] if phrase else []
        if not narrow[place]:
            around += _too_wide(values, at.estimate.reshape(signs.shape)[place], hard[place], low, high)
        growing = cheapest(values, estimate[place], more[place], target.within) & (signs[place] == 0)
        if not growing.any():
            growing = (signs[place] == 0) & (np.arange(values.size) >= low) & (np.arange(values.size) < high)
            # More firms are not asked for where none differs, as for a sign.
            growing &= ~tied[place]
            stuck[place] = not narrow[place] and once[place] and tied[place, low:high].any() and not growing.any()
        needed[place, growing] = soon[place, growing, np.newaxis]
    differ = at.differ.reshape(signs.shape).any(axis=1) | (signs != 0).any(axis=1)
    never = (at.never.reshape(signs.shape).all(axis=1) & ~differ) | stuck
    counts = differ & (narrow | once) & ~stuck
    return Measured(
        target, level, half=np.full(len(signs), np.nan), firms=firms, counts=counts & ~undefined,
        never=never & ~undefined, narrow=narrow, needed=needed.reshape(len(signs), -1),
        cells=cells.reshape(len(signs), -1), alike=(cells.reshape(-1, 2),), signs=signs, labels=labels,
        answers=tuple(answers), around=tuple(around),
    )  # fmt: skip


def bracket(signs: NDArray[np.int8]) -> tuple[int, int]:
    """Return how many of the first misalignments have a positive effect, and the first of the last negative ones.

    Examples
    --------
    >>> import numpy as np
    >>> bracket(np.array([1, 1, 0, 1, -1]))
    (2, 4)
    """
    low = int((np.cumsum(signs != 1) == 0).sum())
    high = signs.size - int((np.cumsum(signs[::-1] != -1) == 0).sum())
    return low, high


def _ends(values: Floats, low: int, high: int) -> tuple[float, float]:
    """Return the misalignments next to m*, the last with a positive effect and the first with a negative one."""
    return (values[low - 1] if low else -np.inf), (values[high] if high < values.size else np.inf)


def _near(values: Floats, low: int, high: int, within: float) -> bool:
    """Return whether m* is placed between misalignments near enough, or beyond all."""
    least, most = _ends(values, low, high)
    return low == values.size or high == 0 or bool(most - least <= within * ROUNDING)


def _too_wide(
    values: Floats, estimate: Floats, hard: NDArray[np.bool_], low: int, high: int
) -> list[tuple[float, float, float]]:
    """Return the intervals of misalignments that are to be halved, and about where m* lies in each.

    They are that between two neighbours whose signs are decided, or those on either side of one whose sign is hard to
    decide, where m* is near to it.
    """
    if not 0 < low <= high < values.size:
        return []
    if low == high:
        first, last, before, after = *values[low - 1 : low + 1], *np.abs(estimate[low - 1 : low + 1])
        return [(float(first), float(last), float(first + (last - first) * before / (before + after)))]
    if high == low + 1 and hard[low]:
        first, middle, last = values[low - 1 : low + 2].tolist()
        return [(first, middle, middle), (middle, last, middle)]
    return []


def cheapest(values: Floats, estimate: Floats, more: Floats, within: float) -> NDArray[np.bool_]:
    """Return of which misalignments the signs are to be decided, so that few firms place m* near enough.

    Parameters
    ----------
    values : (misalignments,) array
    estimate : array
        Effects.
    more : array
        Firms that are predicted to decide their signs, 0 where these are decided.
    within : float
        How far apart the two misalignments may be.

    Returns
    -------
    array of bool
        Without any, where no choice of signs is likely to do.
    """
    up = np.concatenate([[0.0], np.cumsum(np.where(estimate > 0, more, np.inf))])
    down = np.concatenate([np.cumsum(np.where(estimate < 0, more, np.inf)[::-1])[::-1], [0.0]])
    cost, found = np.inf, np.zeros(values.size, bool)
    for low in range(values.size + 1):
        for high in range(low, values.size + 1):
            if _near(values, low, high, within) and up[low] + down[high] < cost:
                cost = up[low] + down[high]
                place = np.arange(values.size)
                found = (place < low) | (place >= high)
    return found


def _effects(ds: xr.Dataset, target: Target, level: float) -> tuple[Pairs, NDArray[np.intp]]:
    """Return effects of execution, misalignments fastest, and the cells of each: (places, misalignments, 2)."""
    execution = np.sort(ds[EXECUTION].values)
    ends = [weak_execution(execution), execution[-1]]
    own = ds.sel({EXECUTION: ends}).transpose(..., MISALIGNMENT)
    cells = numbered(ds).sel({EXECUTION: ends}).transpose(..., MISALIGNMENT, EXECUTION).values
    return Pairs(own, replace(target, between=EXECUTION), level), cells.reshape(-1, *cells.shape[-2:])
