"""Which cells a figure shows, and what it calls them: a figure with one call must also work on hundreds of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import label, labelled, labels_of, refuse_text
from firmfate.analysis.formatting import format_cell, spaced
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, poles
from firmfate.errors import EstimateError, did_you_mean
from firmfate.plots import style
from firmfate.plots.spacing import evenly_spaced
from firmfate.survival import rmst

MOST_CURVES = 7
MOST_ROWS = 30
MOST_POINTS = 60
"""Of a line along an axis, each with its bar; more run together."""
LONGEST_NAME = 50
"""Characters; where the words of cells are longer, figures number the cells, and tables hold their values."""


class Shown(NamedTuple):
    """Cells that a figure shows: a name, words and a one-cell dataset each, what they share, how many there were, and
    which of them these are.

    Words are the axes in which the cells differ; names are the same, or numbers where words are long.
    """

    names: list[str]
    words: list[str]
    cells: list[xr.Dataset]
    shared: str
    of: int
    which: str

    @property
    def title(self) -> str:
        """What all curves share; of a single one, its name."""
        return self.shared or (self.names[0] if len(self.names) == 1 else "")

    @property
    def note(self) -> str:
        """How many firms stand behind each curve, and which cells were left out."""
        count = style.counted([int(cell["firms"]) for cell in self.cells])
        return f"n = {count} firms a curve{self.left_out and f'; {self.left_out}'}"

    @property
    def left_out(self) -> str:
        """How many cells of how many these are, and which; empty where no cell was left out."""
        return f"{len(self.cells)} of {self.of:,} cells, {self.which}" if self.of > len(self.cells) else ""


def shown(ds: xr.Dataset, *, most: int = MOST_CURVES) -> Shown:
    """Return the cells of a dataset, or where there are more than `most`, some that stand for them.

    Of a grid of two axes, and of any with execution and misalignment, these are the four corners, the other axes at
    their middle; of one axis, values evenly spaced. Of other designs they are evenly spaced in the order of their mean
    lifetimes, from the shortest to the longest.
    """
    ds = labelled(ds)
    shape = ds["firms"].shape
    total = int(np.prod(shape, dtype=int))
    if total == 0:
        raise EstimateError("the dataset has no cell to draw")
    dims = [str(dim) for dim in ds["firms"].dims]
    wide = [] if "cell" in dims else [dim for dim in dims if ds.sizes[dim] > 1]
    which = ""
    if total <= most:
        places = list(range(total))
    elif (ends := poles(ds)) is not None and most >= 4:
        corners = [ends.cell(strong=s, misaligned=m) for m in (False, True) for s in (False, True)]
        places, which = [_flat(ds, corner) for corner in corners], "the corners"
    elif len(wide) == 2 and most >= 4:
        last = [size - 1 for size in shape]
        corners_of = [[j * (dim == wide[1]) or i * (dim == wide[0]) for dim in dims] for j in (0, 1) for i in (0, 1)]
        places = [int(np.ravel_multi_index(np.multiply(last, one), shape)) for one in corners_of]
        which = "the corners"
    elif len(wide) == 1:
        places, which = evenly_spaced(total, most).tolist(), "evenly spaced"
    else:
        places, which = by_lifetime(ds, most), "evenly spaced by mean lifetime"
    found = [dict(zip(dims, map(int, np.unravel_index(place, shape)), strict=True)) if dims else {} for place in places]
    labels = [scalars(ds) | (labels_of(ds, index) if dims else {}) for index in found]
    differs = [name for name in labels[0] if len({label[name] for label in labels}) > 1]
    words = [
        format_cell({name: label[name] for name in differs}) if differs else format_cell(label) for label in labels
    ]
    shared = {name: value for name, value in labels[0].items() if name not in differs}
    together = format_cell(shared) if shared and differs else ""
    return Shown(short_names(words, places), words, [ds.isel(index) for index in found], together, total, which)


def by_lifetime(ds: xr.Dataset, most: int) -> list[int]:
    """Return the flat positions of at most `most` cells, evenly spaced in the order of their mean lifetimes.

    The cells with the shortest and the longest are among them; those without an estimate are not, unless all are.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> example().firmfate.rmst().estimate.values.ravel().round(1)
    array([82.7, 82.7, 82.7, 59.8, 82.7, 46.1])
    >>> by_lifetime(example(), 3)
    [5, 0, 4]
    """
    years = rmst(ds)["estimate"].transpose(*ds["firms"].dims).values.ravel()
    order = np.argsort(years, kind="stable")  # NaN are last
    count = int(np.isfinite(years).sum()) or years.size
    return [int(place) for place in order[evenly_spaced(count, most)]]


def short_names(words: list[str], places: Iterable[int]) -> list[str]:
    """Return the words in which cells differ, or the cells' numbers, from 0 on, where words leave no room to draw.

    Examples
    --------
    >>> short_names(["execution 0.1", "execution 0.9"], [0, 4])
    ['execution 0.1', 'execution 0.9']
    >>> short_names(["execution 0.1, misalignment 0.25, correct time 13, alarm 0.7"], [4])
    ['cell 4']
    """
    return words if max(map(len, words)) <= LONGEST_NAME else [f"cell {place}" for place in places]


def name_with_words(name: str, words: str) -> str:
    """Return a cell's name as a table gives it: with the words for which the name stands."""
    return words if name == words else f"{name}: {words}"


def _flat(ds: xr.Dataset, wanted: Mapping[str, float]) -> int:
    """Return the flat position of the cell with these values; the middle of axes that are not named."""
    place = [
        int(np.argmin(np.abs(ds[dim].values - wanted[str(dim)]))) if dim in wanted else ds.sizes[dim] // 2
        for dim in ds["firms"].dims
    ]
    return int(np.ravel_multi_index(place, ds["firms"].shape))


def scalars(ds: xr.Dataset) -> dict[str, float | str]:
    """Return axes that a selection has reduced to one value."""
    found = labelled(ds)["firms"].coords
    return {str(name): label(value) for name, value in found.items() if not value.dims and name != "cell"}


class Series(NamedTuple):
    """One line of a figure along an axis: its name and the cells in a row."""

    name: str
    cells: xr.Dataset


class Along(NamedTuple):
    """How cells are laid out along the horizontal of a figure: by an axis of numbers, or one by one with names."""

    axis: str
    x: list[float]
    ticks: list[str] | None
    series: list[Series]
    fixed: str
    some: str = ""  # how many values of the axis of how many, where some are left out


def along(ds: xr.Dataset, *, x: str = "", by: str = "", most: int = 4) -> Along:
    """Lay out cells along axis `x` of a grid, a series for each of some values of axis `by`.

    Where neither is given: along misalignment, for weak and strong firms; otherwise along the last axis, by the one
    before. Axes beyond two are fixed at their middle value, and of more than 60 values of `x` some are shown, evenly
    spaced. Designs that are no grid are shown cell by cell, 30 at most, evenly spaced in the order of their mean
    lifetimes.

    Raises
    ------
    EstimateError
        Where `x` or `by` is no axis of the grid, or both are the same.
    """
    ds = labelled(ds)
    dims = [str(dim) for dim in ds["firms"].dims]
    x, by = x.replace(".", "_"), by.replace(".", "_")
    for name in filter(None, (x, by)):
        allowed = [dim for dim in dims if dim != "cell"]
        if name not in allowed or x == by or (by and len(allowed) < 2):
            raise EstimateError(
                f"a figure along {x!r} by {by!r}: allowed are different axes of a grid, of {allowed}"
                f"{did_you_mean(name, allowed)}"
            )
    if not dims or dims == ["cell"]:
        row = ds if dims else ds.expand_dims("cell")
        cells = row.sizes["cell"]
        drawn = list(range(cells)) if cells <= MOST_ROWS else sorted(by_lifetime(row, MOST_ROWS))
        row = row.isel(cell=drawn)
        words = [format_cell(labels_of(row, {"cell": i})) for i in range(row.sizes["cell"])]
        names = short_names(words, drawn)
        return Along("cell", [float(i) for i in range(len(names))], names, [Series("", row)], "")
    ends = poles(ds)
    if x or by:
        ends = None
    axis = x or (MISALIGNMENT if ends else next(dim for dim in reversed(dims) if dim != by))
    across = by or (EXECUTION if ends else next((dim for dim in reversed(dims) if dim != axis), ""))
    middle = {dim: ds.sizes[dim] // 2 for dim in dims if dim not in (axis, across)}
    fixed = format_cell({dim: label(ds[dim].values[place]) for dim, place in middle.items()}) if middle else ""
    ds = ds.isel(middle)
    values, some = ds.sizes[axis], ""
    if values > MOST_POINTS:
        ds = ds.isel({axis: evenly_spaced(values, MOST_POINTS)})
        some = f"{MOST_POINTS} of {values:,} values of {spaced(axis)}, evenly spaced"
    if ds[axis].dtype.kind in "OUST":
        refuse_text(ds)
    at = [float(value) for value in ds[axis].values]
    if not across:
        return Along(axis, at, None, [Series("", ds)], fixed, some)
    if ends:
        chosen = [(f"weak ({ends.weak:g})", ends.weak), (f"strong ({ends.strong:g})", ends.strong)]
    else:
        places = evenly_spaced(ds.sizes[across], most)
        chosen = [(format_cell({across: value}), value) for value in ds[across].values[places].tolist()]
    return Along(axis, at, None, [Series(name, ds.sel({across: value})) for name, value in chosen], fixed, some)
