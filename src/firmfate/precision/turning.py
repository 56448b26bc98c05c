"""Where the effect of execution changes its sign: m* with its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis import Lifetimes, turning_point
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.precision.pairs import numbered
from firmfate.precision.reached import Measured
from firmfate.precision.rules import Floats, firms_or_more
from firmfate.study.precision import FEWEST_BESIDE
from firmfate.study.targets import Target

if TYPE_CHECKING:
    import xarray as xr

UNCLEAR = 4.0
"""Standard errors within which the sign of an effect counts as unclear."""


def measure_turning(ds: xr.Dataset, target: Target, level: float) -> Measured:
    """Return m*, one for every value of the other axes; it grows in the cells on either side of it."""
    at = poles(ds)
    if at is None:
        raise TypeError("m* without execution and misalignment as axes")
    found = turning_point(ds, level=level)
    estimate, se, width = (
        np.atleast_1d(one.values).ravel() for one in (found["estimate"], found["se"], found["upper"] - found["lower"])
    )
    # Without any variation there is no interval: the effect is exactly 0 in a cell, in every batch.
    defined = np.isfinite(estimate) & (se != 0)
    half = width / 2
    known = np.isfinite(half)
    cells = _around(ds, at, np.where(defined, estimate, np.nan))
    firms = ds["firms"].values.ravel()[cells].min(axis=1).astype(np.float64)
    values = ds[MISALIGNMENT].values.astype(np.float64)
    inside = [m for m in estimate[defined].tolist() if values[0] < m < values[-1] and m not in values]
    # m* is there, but not in every batch's absence: its error is not known yet.
    needed = np.maximum(firms_or_more(firms, half, target.within, known), FEWEST_BESIDE)
    return Measured(
        target, level, half=half, firms=firms, counts=defined, never=np.zeros(defined.shape, bool),
        narrow=known & (half <= target.within) & (firms >= FEWEST_BESIDE), needed=needed, cells=cells,
        around=tuple((values[values < m].max().item(), values[values > m].min().item(), m) for m in inside),
    )  # fmt: skip


def _around(ds: xr.Dataset, at: Poles, turning: Floats) -> NDArray[np.intp]:
    """Return the cells in which the effect of execution may change its sign, (places, k), some of them repeatedly.

    They are those at the two misalignments next to m*, and those in which the effect is within 4 standard errors of 0:
    with more firms m* may be found between these.
    """
    effect = Lifetimes(ds).apply(at.effect)
    estimate, se = (effect[name].transpose(..., MISALIGNMENT).values for name in ("estimate", "se"))
    estimate, se = (one.reshape(-1, one.shape[-1]) for one in (estimate, se))
    values, m = ds[MISALIGNMENT].values.astype(np.float64), turning[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        near = np.abs(estimate) <= UNCLEAR * se
        below = np.where(values <= m, values, -np.inf).max(axis=1, keepdims=True)
        above = np.where(values >= m, values, np.inf).min(axis=1, keepdims=True)
    near |= (values == below) | (values == above)
    used = numbered(ds).sel({EXECUTION: [at.weak, at.strong]}).transpose(..., MISALIGNMENT, EXECUTION)
    cells = used.values.reshape(*near.shape, 2)
    first = np.take_along_axis(cells, near.argmax(axis=1)[:, np.newaxis, np.newaxis], axis=1)
    found: NDArray[np.intp] = np.where(near[..., np.newaxis], cells, first).reshape(len(near), -1)
    return found
