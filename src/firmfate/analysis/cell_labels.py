"""Labels of cells, the values of a study's axes, whatever the design; and how many firms cells hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError


def labelled(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose axes are coordinates.

    A design that is no grid has its axes along ``cell``; netCDF stores them as variables, which have the attribute
    ``parameter``.
    """
    return ds.set_coords([name for name, variable in ds.data_vars.items() if "parameter" in variable.attrs])


def axes_of(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the names of a study's axes: those of the grid, or the coordinates along ``cell``.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> axes_of(example())
    ('execution', 'misalignment')
    """
    firms = labelled(ds)["firms"]
    grid = [str(dim) for dim in firms.dims if dim != "cell"]
    return (*grid, *(str(name) for name, values in firms.coords.items() if values.dims == ("cell",) and name != "cell"))


def label(value: Any) -> float | str:
    """Return one value of an axis as it is shown: text where it is no number, as in runs that were concatenated."""
    item = np.asarray(value).item()
    return item if isinstance(item, str) else float(item)


def refuse_text(ds: xr.Dataset) -> None:
    """Refuse counts over an axis of text, which has no effect a unit and no order."""
    for dim in ds["firms"].dims:
        if dim in ds.coords and dim != "cell" and ds[dim].dtype.kind in "OUST":
            first = ds[dim].values[0] if ds.sizes[dim] else ""
            raise EstimateError(
                f"axis '{dim}' holds text; select one value, ds.sel({dim}={str(first)!r}), or compare two runs: "
                "firmfate.compare"
            )


def labels_of(ds: xr.Dataset, index: Mapping[str, int]) -> dict[str, float | str]:
    """Return the values of a study's axes in the cell at `index`; of an axis without coordinate, the position.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> labels_of(example(), {"execution": 1, "misalignment": 0})
    {'execution': 0.5, 'misalignment': 0.0}
    """
    known: dict[Any, Any] = {**index, **labelled(ds)["firms"].isel(index).coords}
    return {name: label(known[name]) for name in axes_of(ds) if name in known and not np.ndim(known[name])}


def firms_per_cell(ds: xr.Dataset) -> str:
    """Return in words how many firms the cells hold, the least and the most where the numbers differ.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> firms_per_cell(example())
    'each of the 6 cells holds 320 firms'
    """
    cells, filled, many = ds["firms"].size, *filled_cells(ds)
    if filled < cells:
        several = filled != 1
        each = "" if "between" in many or not several else " each"
        verb = "hold" if several else "holds"
        return f"{filled:,} of the {cells:,} cells {verb} {many} firms{each}, the others none"
    if cells == 1:
        return f"the one cell holds {many} firms"
    return f"each of the {cells:,} cells holds {many} firms"


def filled_cells(ds: xr.Dataset) -> tuple[int, str]:
    """Return how many cells hold firms, and in words how many each of these holds: ``320``, ``between 300 and 320``."""
    firms = ds["firms"].values
    filled = firms[firms > 0]
    least, most = (int(filled.min()), int(filled.max())) if filled.size else (0, 0)
    return filled.size, f"{least:,}" if least == most else f"between {least:,} and {most:,}"


def is_incomplete(ds: xr.Dataset) -> bool:
    """Return whether firms that the study asks for are missing."""
    return not int(ds.attrs.get("complete", 1)) or bool((ds["firms"] == 0).any())
