"""Targets in every cell by itself: mean lifetimes, shares and quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.precision.reached import Measured
from firmfate.precision.rules import Floats, firms_or_more, half_width
from firmfate.study.targets import Target
from firmfate.survival import quantile, rmst
from firmfate.survival.core.limits import normal_quantile

if TYPE_CHECKING:
    import xarray as xr

COUNTS = ("events", "firms", "invalid")
"""What is read of a cell."""


def measure_cells(ds: xr.Dataset, target: Target, level: float, positions: NDArray[np.intp]) -> Measured:
    """Return a target in some cells.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over ``cell``.
    target : Target
    level : float
        Of one cell.
    positions : (cells,) array
        Of the cells in the study.
    """
    firms = ds["firms"].values.astype(np.float64)
    valid = (ds["invalid"].values == 0) & (firms > 0)
    measured = {"rmst": _mean, "quantile": _quantile}.get(target.kind, _share)
    half, shown, counts, never = measured(ds, target, level, firms)
    never &= valid
    wide = np.fmax(half, shown)
    known = np.isfinite(wide)
    needed = firms_or_more(firms, half, target.within, known)
    return Measured(
        target, level, half=wide, firms=firms, counts=valid & counts & ~never, never=never,
        narrow=known & (wide <= target.within), needed=needed, cells=positions[:, np.newaxis],
    )  # fmt: skip


def joined(parts: Iterable[Measured]) -> Measured:
    """Return the same target in the cells of all parts."""
    parts = list(parts)
    names = ("half", "firms", "counts", "never", "narrow", "needed", "cells")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Measured(parts[0].target, parts[0].level, **arrays)


Parts = tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]
"""Half-widths from which needs are predicted, those that are shown, which cells have an estimate, and in which nothing
or everything happened."""


def _events(ds: xr.Dataset, target: Target) -> Floats:
    """Return events by week, (cells, weeks)."""
    events = ds["events"].transpose("cell", "cause", "week").isel(week=slice(None, target.week))
    if target.cause:
        events = events.sel(cause=[target.cause])
    found: Floats = events.sum("cause").values.astype(np.float64)
    return found


def _share(ds: xr.Dataset, target: Target, level: float, firms: Floats) -> Parts:
    ended = _events(ds, target).sum(axis=1)
    half = half_width(ended, ended, firms, normal_quantile(level))
    return half, half, np.ones(firms.shape, bool), (ended == 0) | (ended == firms)


def _mean(ds: xr.Dataset, target: Target, level: float, firms: Floats) -> Parts:
    by_week = _events(ds, target)
    lost = 1 - np.arange(1, target.week + 1) / target.week
    half = half_width(by_week @ lost, by_week @ lost**2, firms, normal_quantile(level)) * target.week / WEEKS_PER_YEAR
    shown = rmst(ds, tau=target.week, level=level)
    shown_half = ((shown["upper"] - shown["lower"]) / 2 / WEEKS_PER_YEAR).values
    half = np.fmax(half, shown_half)
    return half, half, np.ones(firms.shape, bool), by_week.sum(axis=1) == 0


def _quantile(ds: xr.Dataset, target: Target, level: float, firms: Floats) -> Parts:
    """Widths are shown in full weeks; needs are predicted from limits interpolated within the week."""
    found = [quantile(ds, p=target.share, interpolate=within, level=level) for within in (True, False)]
    half, shown = (((one["upper"] - one["lower"]) / 2 / WEEKS_PER_YEAR).values for one in found)
    shown = np.where(np.isnan(half), np.nan, shown)
    return half, shown, found[1]["estimate"].notnull().values, np.zeros(firms.shape, bool)
