"""Firms of a gathered run whose arithmetic has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmfate.shards.invalid_firms import InvalidFirms

if TYPE_CHECKING:
    import xarray as xr


def invalid_firms(ds: xr.Dataset) -> InvalidFirms | None:
    """Return which firms of gathered counts are invalid; None where none is.

    Parameters
    ----------
    ds : xarray.Dataset
        As `open_run` returns it.

    Examples
    --------
    A stock that becomes infinite makes its firm invalid; of the stored example no firm is:

    >>> from firmfate.survival import example
    >>> ds = example()
    >>> invalid_firms(ds.assign(first_invalid=ds["invalid"])) is None
    True
    """
    counted = ds[["invalid", "first_invalid"]].compute()
    if "stratum" in counted.dims:
        first = counted["first_invalid"].where(counted["invalid"] > 0)
        counted = counted.sum("stratum").assign(first_invalid=first.min("stratum"))
    invalid = counted["invalid"].values
    if not invalid.any():
        return None
    place = np.unravel_index(int(np.flatnonzero(invalid)[0]), invalid.shape)
    at = dict(zip(counted["invalid"].dims, place, strict=True))
    cell = {
        str(name): float(values.values[tuple(at[dim] for dim in values.dims)])
        for name, values in ds.coords.items()
        if "parameter" in values.attrs and values.dims and set(values.dims) <= set(at)
    }
    return InvalidFirms(
        count=int(invalid.sum()), total=int(ds["firms"].sum()), cells=int((invalid > 0).sum()), cell=cell,
        replicate=int(counted["first_invalid"].values[place]),
    )  # fmt: skip
