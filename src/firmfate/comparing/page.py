"""A comparison as one HTML file: the finding, a map of the differences if there are two axes, and tables of cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from firmfate import __version__, files, webpage
from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.formatting import decimals, format_cell, format_estimate
from firmfate.comparing.differences import SIDES
from firmfate.comparing.words import difference_at, finding, side_at
from firmfate.plots import difference_map
from firmfate.plots.mesh import name_of_dots
from firmfate.reporting.blocks import Panel, Table
from firmfate.reporting.drawing import panel

TEMPLATES = (("firmfate.comparing", "templates"), ("firmfate.reporting", "templates"))

MOST_ROWS = 60
"""Cells that a table lists: those that differ most, in standard errors."""

TITLES = {
    "lifetime": ("Mean lifetime in years", ""),
    "survival": ("Share of firms alive, by age in years", "year"),
    "incidence": ("Share of firms with an event of each cause by the horizon", "cause"),
}
"""Quantity -> caption, and the dim that it has beside the axes."""


def write_page(compared: xr.Dataset, path: Path | str) -> Path:
    """Write a comparison as HTML that opens without network and holds no script.

    Parameters
    ----------
    compared : xarray.Dataset
        From `compare`.
    path : path
        File to write.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written.

    Examples
    --------
    >>> from firmfate.calibration import SurvivalTable
    >>> from firmfate.comparing import compare, write_page
    >>> from firmfate.survival import example
    >>> cohort = SurvivalTable(ages=np.array([1.0, 2.0]), surviving=np.array([0.7, 0.5]), firms=400)
    >>> path = write_page(compare(example().sel(misalignment=1), cohort), "comparison.html")
    >>> path.read_text(encoding="utf-8").count("<script")
    0
    """
    drawn, caption = _map(compared)
    text = webpage.templates(*TEMPLATES).get_template("comparison.html.j2").render(
        first=compared.attrs["first"], second=compared.attrs["second"], finding=finding(compared), panel=drawn,
        caption=caption, tables=[_table(compared, name) for name in TITLES if name in compared], version=__version__,
    )  # fmt: skip
    return files.write(Path(path), text)


def _map(compared: xr.Dataset) -> tuple[Panel | None, str]:
    """Return a map of the main quantity, where two numeric axes have two values or more each."""
    differ = compared["distinguishable"]
    axes = [str(dim) for dim in differ.dims]
    numeric = [axis for axis in axes if differ.sizes[axis] > 1 and np.issubdtype(differ[axis].dtype, np.number)]
    if len(axes) != 2 or numeric != axes:
        return None, ""
    name, at = ("lifetime", {}) if "lifetime" in compared else ("survival", {"year": -1})
    years = float(compared["year"][-1]) if at else compared.attrs["horizon_years"]
    words = f"mean lifetime within {years:g} years" if name == "lifetime" else f"share alive after {years:g} years"
    drawn = difference_map(compared[f"{name}_difference"].isel(at), differ, axes[1], axes[0])
    most = float(np.nanmax(compared[f"{name}_se"].isel(at)))
    caption = (
        f"Difference of the {words}, first less second; standard error at most {most:.2g}. "
        f"{name_of_dots(differ.shape).capitalize()}: not distinguishable by limits that hold for all cells at once."
    )
    alt = f"Map of the difference of the {words} over {axes[1]} and {axes[0]}"
    return panel(drawn, alt, name="difference"), caption


def _table(compared: xr.Dataset, name: str) -> Table:
    """Return the cells that differ most, with both values, the difference and its standard error."""
    caption, along = TITLES[name]
    difference, se = compared[f"{name}_difference"], compared[f"{name}_se"]
    size = np.abs(difference.values) / np.where(se.values > 0, se.values, np.nan)
    order = np.argsort(-np.nan_to_num(size, nan=-1.0), axis=None, kind="stable")
    limits = f"{100 * compared.attrs['level']:g} % limits"
    head = ["cell", *([along] if along else []), "first", "second", "first less second", limits]
    places = [np.unravel_index(int(at), difference.shape) for at in order[:MOST_ROWS]]
    dims = [str(dim) for dim in difference.dims]
    rows = [_row(compared, name, along, dict(zip(dims, map(int, at), strict=True))) for at in places]
    left = f"; the {MOST_ROWS} of {order.size:,} that differ most, in standard errors" if order.size > MOST_ROWS else ""
    return Table(head, rows, f"{caption}{left}. First is {compared.attrs['first']}, second {compared.attrs['second']}.")


def _row(compared: xr.Dataset, name: str, along: str, place: dict[str, int]) -> list[str]:
    value = difference_at(compared, name, place)
    cell = {dim: index for dim, index in place.items() if dim != along}
    words = format_cell(labels_of(xr.Dataset({"firms": compared["distinguishable"]}), cell))
    digits = decimals(value.se) + 1
    limits = f"{value.lower:.{digits}f} to {value.upper:.{digits}f}" if np.isfinite(value.lower) else "–"
    beside = [str(compared[along].values[place[along]])] if along else []
    sides = [format_estimate(side_at(compared, name, side, place), short=True) for side in SIDES]
    return [words, *beside, *sides, format_estimate(value, short=True), limits]
