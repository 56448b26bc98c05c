"""Main effects and interactions of a grid's axes on the mean lifetime, and inner values where it peaks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import refuse_text
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.pairs_of_axes import joint_effects

ABOVE = ("above_low", "above_high")
SUFFIXES = {"estimate": "", "se": "_se", "lower": "_lower", "upper": "_upper"}


def axis_effects(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate main effects and interactions of a grid's axes on the mean lifetime.

    Where cells have no estimate, an average is over those values of the other axes that have one at both values that
    are compared, and shares of the variance are NaN.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a grid.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Over ``axis`` (the grid's axes of two or more numbers), with the coordinates ``low`` and ``high``, its first and
        last value: ``estimate``, by how many years firms live longer at the last value than at the first, averaged over
        the other axes; ``share``, of the variance between the cells' estimates; ``inner``, the value between the first
        and the last at which the mean lifetime is furthest above or below that at both, NaN where there are two
        values; ``above_low`` and ``above_high``, by how many years firms live longer there than at the first and at
        the last. Over ``axis`` and ``other``: ``interaction``, by how many years the effect of one is larger at the
        other's last value than at its first; ``joint_share``, of the variance. Each but ``inner`` has ``_se`` (from
        batches), ``_lower`` and ``_upper`` beside it (``se``, ``lower``, ``upper`` of ``estimate``). As ``inner`` was
        chosen among its axis's values, the limits of ``above_low`` and ``above_high`` hold for all of them at once
        (Bonferroni). Empty where the design is no grid.

    Raises
    ------
    EstimateError
        Where an axis holds text.

    See Also
    --------
    firmfate.analysis.surface_effects : the same of scattered cells.

    Examples
    --------
    >>> from firmfate.analysis import axis_effects
    >>> from firmfate.survival import example
    >>> found = axis_effects(example())
    >>> found.estimate.round(2).values, found.inner.values
    (array([-0.35, -0.38]), array([0.5, nan]))
    """
    return axis_effects_of(Lifetimes(ds, tau=tau), level=level)


def axes_with_effects(ds: xr.Dataset) -> list[str]:
    """Return the axes of a grid that have two values or more."""
    return [str(dim) for dim in ds["firms"].dims if dim != "cell" and ds.sizes[dim] > 1 and dim in ds.coords]


def axis_effects_of(lifetimes: Lifetimes, *, level: float) -> xr.Dataset:
    """Return `axis_effects` of lifetimes at hand."""
    ds = lifetimes.ds
    refuse_text(ds)
    axes = axes_with_effects(ds)
    ends = {"low": ("axis", [float(ds[axis].values[0]) for axis in axes])}
    ends["high"] = ("axis", [float(ds[axis].values[-1]) for axis in axes])
    coords = {"axis": axes, "other": axes, **ends}
    if not axes:
        return xr.Dataset({"estimate": ("axis", np.empty(0))}, coords)
    pairs = list(itertools.combinations(axes, 2))
    found = lifetimes.apply(lambda years: _effects(years, axes, pairs), level=level)
    return xr.merge([_table(found, len(axes)), _inner_values(lifetimes, axes, level)]).assign_coords(coords)


def _rise(years: xr.DataArray, axis: str, to: int = -1, of: int = 0) -> xr.DataArray:
    """Return by how much years are longer at one value of an axis than at another."""
    return years.isel({axis: to}, drop=True) - years.isel({axis: of}, drop=True)


def _effects(years: xr.DataArray, axes: Sequence[str], pairs: Sequence[tuple[str, str]]) -> xr.DataArray:
    """Return rises and shares of the axes, then interactions and joint shares of pairs, one after the other."""

    def average(*kept: str) -> xr.DataArray:
        return years.mean([dim for dim in years.dims if dim not in kept], skipna=False)

    total = float(years.var(skipna=False))
    main = {axis: average(axis) - average() for axis in axes}
    joint = [average(one, two) - average() - main[one] - main[two] for one, two in pairs]
    rises = [float(_rise(years, axis).mean()) for axis in axes]
    interactions = [float(_rise(_rise(years, one), two).mean()) for one, two in pairs]
    shares = [float((part**2).mean(skipna=False)) / total if total > 0 else np.nan for part in [*main.values(), *joint]]
    return xr.DataArray([*rises, *shares[: len(axes)], *interactions, *shares[len(axes) :]], dims="quantity")


def _table(found: xr.Dataset, axes: int) -> xr.Dataset:
    """Return what `_effects` found by its names, over ``axis`` and ``other``."""
    table: dict[str, Any] = {}
    pairs = axes * (axes - 1) // 2
    for kind, suffix in SUFFIXES.items():
        rises, shares, interactions, joint = np.split(found[kind].values, np.cumsum([axes, axes, pairs]))
        table[kind] = ("axis", rises, {"units": "year"})
        table[f"share{suffix}"] = ("axis", shares, {"units": "1"})
        table |= joint_effects(interactions, joint, axes, suffix)
    return xr.Dataset(table)


def _inner_values(lifetimes: Lifetimes, axes: Sequence[str], level: float) -> xr.Dataset:
    """Return the inner value of each axis furthest above or below both ends, and how far it is."""
    years = {f"{name}{suffix}": np.full(len(axes), np.nan) for name in ABOVE for suffix in SUFFIXES.values()}
    chosen = np.full(len(axes), np.nan)
    for row, axis in enumerate(axes):
        values = lifetimes.ds[axis].values
        if len(values) < 3:
            continue
        above = np.array([_above(lifetimes.estimate, axis, at).values for at in range(1, len(values) - 1)])
        furthest = np.nan_to_num(np.maximum(above.min(axis=1), -above.max(axis=1)), nan=-np.inf)
        at = 1 + int(furthest.argmax())
        found = lifetimes.apply(partial(_above, axis=axis, at=at), level=1 - (1 - level) / len(above))
        chosen[row] = values[at]
        for kind, suffix in SUFFIXES.items():
            for name, value in zip(ABOVE, found[kind].values, strict=True):
                years[f"{name}{suffix}"][row] = value
    return xr.Dataset(
        {"inner": ("axis", chosen), **{name: ("axis", values, {"units": "year"}) for name, values in years.items()}}
    )


def _above(years: xr.DataArray, axis: str, at: int) -> xr.DataArray:
    """Return by how much years are longer at one value of an axis than at its first, and than at its last."""
    return xr.DataArray([float(_rise(years, axis, at, end).mean()) for end in (0, -1)], dims="end")
