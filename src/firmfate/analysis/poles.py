"""The poles of a study of execution and misalignment: which values count as weak, strong, aligned and misaligned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

EXECUTION = "execution"
MISALIGNMENT = "misalignment"
WEAK = 0.05
"""Execution of a weak firm, or the nearest value there is: at 0 a firm carries out nothing at all."""


class Poles(NamedTuple):
    """The values of the two axes between which a study compares firms."""

    weak: float
    strong: float
    aligned: float
    misaligned: float

    def cell(self, *, strong: bool, misaligned: bool) -> dict[str, float]:
        """Return one of the four corners, as a selection."""
        return {
            EXECUTION: self.strong if strong else self.weak,
            MISALIGNMENT: self.misaligned if misaligned else self.aligned,
        }

    def effect(self, years: xr.DataArray) -> xr.DataArray:
        """Return the effect of execution: mean lifetimes (axes...) of strong firms less those of weak ones."""
        return years.sel({EXECUTION: self.strong}, drop=True) - years.sel({EXECUTION: self.weak}, drop=True)


def weak_execution(execution: NDArray[np.float64]) -> float:
    """Return the execution of weak firms among values in rising order, of which the last is that of strong ones."""
    others = execution[:-1]
    return float(others[np.argmin(np.abs(others - WEAK))])


def poles(ds: xr.Dataset) -> Poles | None:
    """Return the poles of a study, or None where execution and misalignment are not both axes of its grid.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them; other axes do not matter.

    Returns
    -------
    Poles or None
        Strong is the highest execution, weak the one nearest to 0.05; aligned and misaligned are the lowest and the
        highest misalignment.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> poles(example())
    Poles(weak=0.0, strong=1.0, aligned=0.0, misaligned=1.0)
    """
    dims = ds["firms"].dims
    if EXECUTION not in dims or MISALIGNMENT not in dims or ds.sizes[EXECUTION] < 2 or ds.sizes[MISALIGNMENT] < 2:
        return None
    execution, misalignment = np.sort(ds[EXECUTION].values), np.sort(ds[MISALIGNMENT].values)
    return Poles(weak_execution(execution), float(execution[-1]), float(misalignment[0]), float(misalignment[-1]))
