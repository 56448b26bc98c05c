"""Survivors of a mixed population at each age: their means, and what regressions on them would find.

Everything is computed from sums of products over survivors, kept by age and batch: means, covariances and least
squares, with a jackknife over batches for standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.survival import jackknife
from firmfate.survival.jackknife import sums_without

Floats = NDArray[np.float64]
ONE = "one"


def moments(columns: xr.Dataset, *, lived: xr.DataArray, ages: Sequence[float], batches: int = 32) -> xr.DataArray:
    """Sum products of columns over the firms that are alive at each age.

    Parameters
    ----------
    columns : Dataset of (firm,) arrays, or (age, firm) where a column changes with age
        The column of ones is added.
    lived : (firm,) array
        When each firm ended, in the unit of `ages`; infinite where it did not.
    ages : sequence of float
        A firm that exits at an age is no survivor of it; all are there at age 0.
    batches : int
        Firm i is of batch i modulo `batches`.

    Returns
    -------
    DataArray (age, batch, row, column)

    Examples
    --------
    >>> lived = xr.DataArray([1.0, 5.0, np.inf, np.inf], dims="firm")
    >>> columns = xr.Dataset({"execution": ("firm", [0.9, 0.5, 0.2, 0.4])})
    >>> found = moments(columns, lived=lived, ages=[0, 2], batches=2)
    >>> found.sel(row="one", column="execution").sum("batch").values
    array([2. , 1.1])
    """
    names = [ONE, *map(str, columns)]
    batch = np.arange(lived.sizes["firm"]) % batches
    table = np.empty((len(ages), batches, len(names), len(names)))
    for place, age in enumerate(ages):
        here = columns.isel(age=place) if "age" in columns.dims else columns
        values = np.stack([np.ones(lived.size), *(here[name].values.astype(np.float64) for name in here)], axis=-1)
        alive = np.ones(lived.size, dtype=bool) if age == 0 else lived.values > age
        for number in range(batches):
            chosen = values[alive & (batch == number)]
            table[place, number] = chosen.T @ chosen
    return xr.DataArray(
        table, dims=("age", "batch", "row", "column"), coords={"age": list(ages), "row": names, "column": names}
    )


def estimated(sums: xr.DataArray, f: Callable[[xr.DataArray], xr.DataArray], *, level: float = 0.95) -> xr.Dataset:
    """Return a function of the sums over all firms, with the jackknife over batches.

    Parameters
    ----------
    sums : DataArray (age, batch, row, column)
    f : callable
        Takes sums (age, row, column), such as `mean_of` and `least_squares` take.
    level : float

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper``.
    """
    without = sums_without(sums)
    left = (f(without.isel(batch=batch)) for batch in range(sums.sizes["batch"]))
    return jackknife.estimated(f(sums.sum("batch")), left, level=level)


def mean_of(sums: xr.DataArray, column: str, *, among: str = ONE) -> xr.DataArray:
    """Return the mean of a column over survivors, or over those whose column `among` of zeros and ones is one."""
    return sums.sel(row=among, column=column, drop=True) / sums.sel(row=among, column=ONE, drop=True)


def least_squares(sums: xr.DataArray, outcome: str, by: Sequence[str]) -> xr.DataArray:
    """Return the coefficients of a regression of `outcome` on `by` and a constant, (age, term)."""
    terms = [ONE, *by]
    left = sums.sel(row=terms, column=terms).values
    right = sums.sel(row=terms, column=outcome).values[..., np.newaxis]
    found = np.linalg.solve(left, right)[..., 0]
    return xr.DataArray(found, dims=("age", "term"), coords={"age": sums["age"].values, "term": terms})
