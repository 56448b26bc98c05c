"""Estimates at the points of a design, as SALib takes them: a table of parameters, and one vector an estimand."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.cell_labels import labelled
from firmfate.errors import EstimateError

Floats = NDArray[np.float64]
Estimator = Callable[..., xr.Dataset | xr.DataArray]

Z = 1.96
"""Of SALib's 95 % intervals: their half width over their standard error."""


def points_of(ds: xr.Dataset) -> dict[str, Floats]:
    """Return the value of every axis in every cell: name -> (cells,) array.

    Raises
    ------
    EstimateError
        Where the cells do not lie along one dim ``cell`` with the axes as coordinates.
    """
    found = {
        str(name): values.values.astype(np.float64)
        for name, values in labelled(ds).coords.items()
        if values.dims == ("cell",) and name != "cell"
    }
    if not found:
        raise EstimateError("the cells must lie along one dim `cell`, with the design's axes as coordinates along it")
    return found


def estimates_of(ds: xr.Dataset, f: Estimator, options: Mapping[str, Any]) -> xr.DataArray:
    """Return an estimator's value in every cell, (other dims..., cell), and refuse cells without one.

    Raises
    ------
    EstimateError
        Where `f` returns something else than estimates over ``cell``, or a cell has no estimate.
    """
    found = f(labelled(ds), **options)
    value = found["estimate"] if isinstance(found, xr.Dataset) and "estimate" in found else found
    if not isinstance(value, xr.DataArray) or "cell" not in value.dims:
        raise EstimateError("the estimator must return a Dataset with `estimate`, or a DataArray, over the dim `cell`")
    value = value.transpose(..., "cell").compute()
    if missing := int(value.isnull().any([dim for dim in value.dims if dim != "cell"]).sum()):
        raise EstimateError(
            f"{missing} of {value.sizes['cell']} cells have no estimate; indices need one in every cell"
        )
    return value


def over_other_dims(
    estimates: xr.DataArray,
    analyse: Callable[[Floats], Mapping[str, Floats]],
    names: Mapping[str, tuple[str, ...]],
    over: tuple[str, ...] = ("cell",),
) -> xr.Dataset:
    """Apply an analysis of one vector (cells,), or of all dims in `over`, to every other dim of the estimates.

    Parameters
    ----------
    estimates : DataArray (other dims..., cell)
    analyse : callable
        Takes a vector (cells,) and returns named arrays.
    names : mapping
        Name -> the dims of the array.
    over : tuple of str
        Dims that `analyse` takes together.
    """

    def arrays(vector: Floats) -> tuple[Floats, ...]:
        found = analyse(vector)
        return tuple(np.asarray(found[name], dtype=np.float64) for name in names)

    results = xr.apply_ufunc(
        arrays, estimates.drop_vars([name for name, values in estimates.coords.items() if "cell" in values.dims]),
        input_core_dims=[list(over)], output_core_dims=list(names.values()), vectorize=True,
    )  # fmt: skip
    return xr.Dataset(dict(zip(names, results, strict=True)))


def check_seed(seed: int) -> None:
    """Refuse a seed that SALib does not take as one: 0 draws other numbers each time."""
    if not 1 <= seed < 2**32:
        raise EstimateError(f"seed = {seed}: an integer from 1 to {2**32 - 1}")


def problem_of(names: list[str]) -> dict[str, Any]:
    """Return SALib's description of parameters that vary within the unit cube."""
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


def salib(module: str) -> Any:
    """Import a module of SALib, or raise an error that states how to install it."""
    try:
        return importlib.import_module(f"SALib.{module}")
    except ImportError:
        raise EstimateError(
            "sensitivity needs SALib, which is not installed: pip install 'firmfate[sensitivity]'"
        ) from None
