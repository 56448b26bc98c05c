"""Opening what was gathered, lazily."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firmfate.counts import WEEKS_PER_YEAR, check_counts
from firmfate.dataset.netcdf import open_dataset
from firmfate.errors import FirmfateError, RunDirectoryError, command, is_finite, shortened

if TYPE_CHECKING:
    import xarray as xr

TEXTS = ("title", "question", "model", "source", "seed", "study", "provenance", "precision", "parameters")
"""Attributes of a run that are read as text."""
NUMBERS = {"steps_per_week": (1e-5, 1e3), "replicates": (1, 2**40), "common_random_numbers": (0, 1), "complete": (0, 1)}
"""Attributes of a run that are read as numbers, and their ranges."""


def open_run(directory: Path | str) -> xr.Dataset:
    """Open the gathered counts of a run, lazily.

    Parameters
    ----------
    directory : path
        A run directory, or a ``result.nc``.

    Returns
    -------
    xarray.Dataset
        Counts over the study's axes; see `firmfate.counts.COUNTS`.

    Raises
    ------
    RunDirectoryError
        Where there is no result, or a file that is none.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> with firmfate.open_run("runs/cars") as ds:
    ...     dict(ds.events.sizes)
    {'misalignment': 2, 'cause': 1, 'week': 260}
    """
    path = Path(directory)
    if not path.exists() and path.suffix != ".nc":
        raise RunDirectoryError(f"{path}: there is no such run directory")
    path = path / "result.nc" if path.is_dir() else path
    if not path.is_file():
        raise RunDirectoryError(f"{path} does not exist; gather the run first: {command('gather', path.parent)}")
    ds = open_dataset(path)
    try:
        check_counts(ds)
    except FirmfateError as fault:
        ds.close()
        raise RunDirectoryError(f"{path} holds no counts: {fault}") from fault
    try:
        _check_attributes(ds)
    except FirmfateError as fault:
        ds.close()
        raise RunDirectoryError(f"{path}: {fault}") from None
    return _introduced(ds)


def _check_attributes(ds: xr.Dataset) -> None:
    """Refuse attributes that are of another type than those of a run, or numbers out of their range."""
    for name in TEXTS:
        if not isinstance(ds.attrs.get(name, ""), str):
            raise FirmfateError(f"its attribute '{name}' is {shortened(repr(ds.attrs[name]), 80)}; allowed: text")
    for name, (low, high) in NUMBERS.items():
        value = ds.attrs.get(name, low)
        if np.ndim(value) or not is_finite(value) or not low <= value <= high:
            shown = shortened(repr(value), 80)
            raise FirmfateError(f"its attribute '{name}' is {shown}; allowed: a number from {low:g} to {high:g}")


def _introduced(ds: xr.Dataset) -> xr.Dataset:
    """Begin the attributes, and so what a notebook prints, with what this is and what to do with it."""
    cells, firms, years = ds["firms"].size, ds.attrs.get("replicates", 0), ds.sizes["week"] / WEEKS_PER_YEAR
    first = {
        "run": f"'{ds.attrs.get('title', '?')}': {cells:,} cells x {firms:,} firms, {years:g} years",
        "use": "firmfate.survival: rmst(ds), kaplan_meier(ds), contrast(ds, ...)",
    }
    ds.attrs = first | ds.attrs
    return ds
