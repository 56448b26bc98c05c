"""A comparison in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.findings import Finding
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate


def finding(compared: xr.Dataset) -> Finding:
    """Return what a comparison shows.

    Parameters
    ----------
    compared : xarray.Dataset
        From `compare`.

    Returns
    -------
    Finding
        The headline says in how many cells the sides differ; the statements give the largest difference, how the
        errors were made, and what was compared.

    Examples
    --------
    >>> from firmfate.comparing import compare, finding
    >>> from firmfate.survival import example
    >>> print(finding(compare(example(), example())).headline)
    None of the 6 common cells differs between the two.
    """
    name, unit = ("lifetime", "years") if "lifetime" in compared else ("survival", "")
    differ = compared["distinguishable"]
    cells, many = differ.size, int(differ.sum())
    exactly = bool((compared[f"{name}_difference"] == 0).all())
    headline = _headline(cells, many, exactly)
    statements = [f"First is {compared.attrs['first']}, second is {compared.attrs['second']}."]
    numbers: dict[str, Estimate] = {}
    if not exactly and (place := _largest(compared, name)) is not None:
        value = difference_at(compared, name, place)
        where = _where(compared, place)
        of = f"mean lifetime within {compared.attrs['horizon_years']:g} years" if name == "lifetime" else "share alive"
        numbers["largest difference"] = value
        statements.append(
            f"Against its standard error the {of} differs most at {where}: first less second is "
            f"{format_estimate(value, unit=unit)}."
        )
    statements.append(_errors(compared))
    return Finding(headline, tuple(statements), numbers=numbers)


def _headline(cells: int, many: int, exactly: bool) -> str:
    if cells == 1 and many:
        return "The one common cell differs by more than chance allows."
    if cells == 1:
        return f"The one common cell does not differ{'' if exactly else ' by more than chance allows'}."
    if many:
        verb = "differs" if many == 1 else "differ"
        return f"{many:,} of the {cells:,} common cells {verb} by more than chance allows in all cells at once."
    by = "between the two" if exactly else "by more than chance allows in all cells at once"
    return f"None of the {cells:,} common cells differs {by}."


def difference_at(compared: xr.Dataset, name: str, place: dict[str, int]) -> Estimate:
    """Return one difference with its standard error and limits."""
    parts = ("difference", "se", "lower", "upper")
    return Estimate(*(float(compared[f"{name}_{part}"].isel(place)) for part in parts))


def side_at(compared: xr.Dataset, name: str, side: str, place: dict[str, int]) -> Estimate:
    """Return the value of one side, the first or the second, with its standard error and limits."""
    parts = (name, *(f"{name}_side_{part}" for part in ("se", "lower", "upper")))
    return Estimate(*(float(compared[part].sel(side=side).isel(place)) for part in parts))


def _largest(compared: xr.Dataset, name: str) -> dict[str, int] | None:
    """Return where the difference is largest in standard errors."""
    se = compared[f"{name}_se"]
    size = abs(compared[f"{name}_difference"]) / se.where(se > 0)
    if not size.notnull().any():
        return None
    at = np.unravel_index(int(np.nanargmax(size.values)), size.shape)
    return {str(dim): int(index) for dim, index in zip(size.dims, at, strict=True)}


def _where(compared: xr.Dataset, place: dict[str, int]) -> str:
    cell: dict[str, Any] = {dim: index for dim, index in place.items() if dim != "year"}
    axes = xr.Dataset({"firms": compared["distinguishable"]})
    words = format_cell(labels_of(axes, cell))
    return words if "year" not in place else f"{words}, {float(compared['year'][place['year']]):g} years old"


def _errors(compared: xr.Dataset) -> str:
    if compared.attrs["pairing"].startswith("none"):
        return (
            "Errors of both sides add up, as if they shared no random numbers; where they do, the true error is "
            "smaller."
        )
    return "Errors are those of the pairs: the same firms are left out of both runs."
