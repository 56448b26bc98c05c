"""The section on Monte Carlo errors: mean lifetimes by cell with their standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate, format_value, spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import invalid_firms
from firmfate.plots.cells import name_with_words, short_names
from firmfate.plots.spacing import evenly_spaced
from firmfate.precision import sentences
from firmfate.reporting.blocks import Prose, Section, Table
from firmfate.reporting.context import Context
from firmfate.survival import rmst

MOST_VALUES = 7
MOST_CELLS = 40


def section(context: Context) -> Section:
    """Return the section."""
    found = rmst(context.ds) / WEEKS_PER_YEAR
    blocks: list[Any] = [Prose(_words(context, found))]
    if context.precision:
        blocks.append(Prose(f"Asked for and reached. {'. '.join(sentences(context.precision))}."))
    dims = [str(dim) for dim in found["estimate"].dims]
    if len(dims) >= 2:
        axes = ["execution", "misalignment"] if context.poles else dims[:2]
        middle = {dim: context.ds.sizes[dim] // 2 for dim in dims if dim not in axes}
        fixed = format_cell({dim: float(found[dim].values[place]) for dim, place in middle.items()}) if middle else ""
        blocks.append(_grid(context, found.isel(middle), axes[0], axes[1], fixed))
    elif dims:
        blocks.append(_list(context, found, dims[0]))
    return Section("errors", "Monte Carlo errors", blocks)


def _words(context: Context, found: xr.Dataset) -> str:
    errors = found["se"].values[np.isfinite(found["se"].values)]
    largest = f"at most {errors.max():.2g} years" if errors.size else "unknown"
    invalid = invalid_firms(context.ds)
    failed = (
        "No firm's arithmetic has failed."
        if invalid is None
        else f"Note that {invalid.sentence()}; {invalid.replay(context.directory)} shows it."
    )
    common = (
        " All cells share their random numbers, so that variation which cells have in common cancels in differences."
        if int(context.ds.attrs.get("common_random_numbers", 0)) and context.cells > 1
        else ""
    )
    return (
        "Every number of this report carries its standard error, written after ±, or stands with its limits. That of "
        "a mean lifetime is "
        f"{largest} in any cell.{common} {failed} These errors shrink with the number of firms; "
        "errors of the model do not."
    )


def _grid(context: Context, found: xr.Dataset, down: str, across: str, fixed: str) -> Table:
    some_values = {dim: evenly_spaced(found.sizes[dim], MOST_VALUES) for dim in (down, across)}
    here = found.isel(some_values).transpose(down, across)
    rows = [
        [
            format_value(float(here[down][i])),
            *(_short(here.isel({down: i, across: j})) for j in range(here.sizes[across])),
        ]
        for i in range(here.sizes[down])
    ]
    some = "" if here["estimate"].size == context.cells else f" The other cells of {context.cells:,} are in result.nc."
    return Table(
        [f"{spaced(down)} ↓ {spaced(across)} →", *(format_value(float(value)) for value in here[across].values)], rows,
        f"Mean lifetime within {context.years:g} years, in years, ± one standard "
        f"error{f'; {fixed}' if fixed else ''}.{some}",
    )  # fmt: skip


def _list(context: Context, found: xr.Dataset, dim: str) -> Table:
    rows = [
        [
            _cell(format_cell(labels_of(context.ds, {dim: i})), i),
            _short(found.isel({dim: i})),
            f"{int(context.ds['firms'].isel({dim: i})):,}",
        ]
        for i in range(min(found.sizes[dim], MOST_CELLS))
    ]
    some = "" if len(rows) == context.cells else f" The other cells of {context.cells:,} are in result.nc."
    return Table(
        ["cell", "years", "n"], rows, f"Mean lifetime within {context.years:g} years, ± one standard error.{some}"
    )


def _cell(words: str, place: int) -> str:
    return name_with_words(short_names([words], [place])[0], words)


def _short(found: xr.Dataset) -> str:
    return format_estimate(Estimate.of(found), short=True)
