"""Coalitions of players: the axes that are switched on and off, and the lifetime that every coalition loses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import axes_of, labelled
from firmfate.errors import EstimateError


def coalition_axes(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the axes that are players: those of two values that belong to one division (``misalignment_sales``).

    Of a design ``[coalitions]`` all axes are players.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> coalition_axes(example())
    ()
    """
    ds = labelled(ds)
    keyed = {name: str(ds[name].attrs.get("parameter", "")) for name in axes_of(ds)}
    if "cell" in ds["firms"].dims:
        return tuple(keyed)
    return tuple(name for name, key in keyed.items() if "." in key and ds.sizes[name] == 2)


def players_of(ds: xr.Dataset, players: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the players, `coalition_axes` where none are given; refuse what are no two values of each."""
    names = tuple(players) if players is not None else coalition_axes(ds)
    if len(names) < 2:
        raise EstimateError(
            f"coalitions of {list(names) or 'nobody'}; a study of divisions has two values, off and on, of at least "
            'two axes such as "misalignment.sales" = [0, 1]'
        )
    values = {name: np.unique(labelled(ds)[name].values).size for name in names if name in labelled(ds).coords}
    if wrong := [name for name in names if values.get(name) != 2]:
        raise EstimateError(f"players {wrong} have not two values, off and on; the dataset's axes: {list(axes_of(ds))}")
    return names


def off_and_on(years: xr.DataArray, names: Sequence[str]) -> xr.DataArray:
    """Return years with one dim a player, off first, whatever the design."""
    if "cell" in years.dims:
        years = years.set_index(cell=list(names)).unstack("cell")
    return years.sortby(list(names))


def worth_of(years: xr.DataArray, names: Sequence[str]) -> xr.DataArray:
    """Return the lifetime that every coalition loses against nobody, (players..., other axes...)."""
    table = off_and_on(years, names)
    return table.isel(dict.fromkeys(names, 0)).drop_vars(names) - table.drop_vars(names)


def average_over_orders(gain: xr.DataArray, others: Sequence[str]) -> xr.DataArray:
    """Return the mean over all orders of joining of what a player, or several joining as one, add to the others."""
    there = np.indices((2,) * len(others)).sum(axis=0)
    orders = [math.factorial(count) * math.factorial(len(others) - count) for count in range(len(others) + 1)]
    weights = np.array(orders)[there] / math.factorial(len(others) + 1)
    average: xr.DataArray = xr.dot(gain, xr.DataArray(weights, dims=others), dim=others)
    return average


def short_names(names: Sequence[str]) -> list[str]:
    """Return the divisions of axes such as ``misalignment_sales``."""
    return [name.rpartition("_")[2] for name in names]


def without_labels(f: Callable[[xr.DataArray], xr.DataArray], names: Sequence[str]) -> Callable[..., xr.DataArray]:
    """Return a function of years without the players' coordinates in what it returns."""
    return lambda years: f(years).drop_vars(names, errors="ignore").transpose(...)
