"""Cells in the order of their mean lifetimes, and which of them can be distinguished."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labelled, labels_of
from firmfate.analysis.formatting import format_cell
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.errors import EstimateError
from firmfate.survival.core.limits import normal_quantile

MOST_RANKED = 100


def ranking(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Rank listed cells by mean lifetime, and compare every pair.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of cells along one dim ``cell``, with or without names; 100 at most.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level for all pairs together (Bonferroni).

    Returns
    -------
    xarray.Dataset
        Over ``cell``, the longest mean lifetime first, labelled by name or by the values of axes; cells without an
        estimate are left out: ``estimate`` and ``se``, years. Over ``cell`` and ``other``: ``difference``, by how many
        years firms of the former live longer, ``difference_se`` (from batches, so that common random numbers count;
        the two variances added where there are too few batches), and ``distinguishable``.

    Raises
    ------
    EstimateError
        Where there is no dim ``cell``, or there are more than 100 cells.

    Examples
    --------
    >>> from firmfate.analysis import ranking
    >>> from firmfate.survival import example
    >>> row = example().isel(misalignment=1, drop=True).rename(execution="cell")
    >>> row = row.assign_coords(cell=["weak", "middling", "strong"])
    >>> found = ranking(row)
    >>> found.cell.values.tolist(), found.distinguishable.sel(cell="weak", other="strong").item()
    (['weak', 'middling', 'strong'], True)
    """
    ds = labelled(ds)
    if "cell" not in ds["firms"].dims:
        raise EstimateError("the cells must lie along one dim `cell`, as those of a list do")
    if ds.sizes["cell"] > MOST_RANKED:
        raise EstimateError(f"{ds.sizes['cell']:,} cells; allowed: {MOST_RANKED} at most, which are compared in pairs")
    return ranking_of(Lifetimes(ds, tau=tau), level=level)


def ranking_of(lifetimes: Lifetimes, *, level: float = 0.95) -> xr.Dataset:
    """Return `ranking` of lifetimes at hand."""
    ds = lifetimes.ds
    others = [dim for dim in ds["firms"].dims if dim != "cell"]
    mean = lifetimes.estimate.mean(others, skipna=False)
    se = ((lifetimes.se**2).sum(others, skipna=False) ** 0.5) / np.prod([ds.sizes[dim] for dim in others])
    order = [place for place in np.argsort(-mean.values, kind="stable").tolist() if np.isfinite(mean.values[place])]
    pairs = max(len(order) * (len(order) - 1) / 2, 1)
    each = 1 - (1 - level) / pairs

    def differences(years: xr.DataArray) -> xr.DataArray:
        flat = years.mean(others, skipna=False).values[order]
        return xr.DataArray(flat[:, None] - flat[None, :], dims=("cell", "other"))

    found = lifetimes.apply(differences, level=each)
    apart, errors = found["estimate"].values, found["se"].values
    lower, upper = found["lower"].values, found["upper"].values
    one = se.values[order]
    added = np.hypot(one[:, None], one[None, :])
    unknown = ~np.isfinite(errors)
    distinguishable = np.where(unknown, np.abs(apart) > normal_quantile(each) * added, (lower > 0) | (upper < 0))
    errors = np.where(unknown, added, errors)
    np.fill_diagonal(errors, 0.0)
    np.fill_diagonal(distinguishable, False)
    names = _names(ds)
    labels = [names[place] for place in order]
    return xr.Dataset(
        {
            "estimate": ("cell", mean.values[order], {"units": "year"}),
            "se": ("cell", one, {"units": "year"}),
            "difference": (("cell", "other"), apart, {"units": "year"}),
            "difference_se": (("cell", "other"), errors, {"units": "year"}),
            "distinguishable": (("cell", "other"), distinguishable),
        },
        {"cell": labels, "other": labels},
    )


def undistinguished(found: xr.Dataset) -> list[tuple[str, str]]:
    """Return the pairs of a ranking that cannot be distinguished, in its order."""
    names, apart = found["cell"].values.tolist(), found["distinguishable"].values
    return [
        (names[one], names[two]) for one, two in itertools.combinations(range(len(names)), 2) if not apart[one, two]
    ]


def _names(ds: xr.Dataset) -> list[str]:
    if "cell" in ds.coords and not np.issubdtype(ds["cell"].dtype, np.number):
        return [str(name) for name in ds["cell"].values]
    places = range(ds.sizes["cell"])
    others = {str(dim): 0 for dim in ds["firms"].dims if dim != "cell"}
    where = [labels_of(ds.isel(others), {"cell": place}) for place in places]
    return [format_cell(labels) if set(labels) - {"cell"} else f"cell {place}" for place, labels in enumerate(where)]
