"""Which cells a figure shows, and what it calls them: a figure with one call must also work on hundreds of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import labelled, labels_of
from firmfate.analysis.formatting import format_cell
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, poles
from firmfate.errors import EstimateError
from firmfate.plots import style
from firmfate.plots.spacing import evenly_spaced

MOST_CURVES = 7
LONGEST_NAME = 50
"""Characters; where the words of cells are longer, figures number the cells, and tables hold their values."""


class Shown(NamedTuple):
    """Cells that a figure shows: a name, words and a one-cell dataset each, what they share, and how many there were.

    Words are the axes in which the cells differ; names are the same, or numbers where words are long.
    """

    names: list[str]
    words: list[str]
    cells: list[xr.Dataset]
    shared: str
    of: int

    @property
    def title(self) -> str:
        """What all curves share; of a single one, its name."""
        return self.shared or (self.names[0] if len(self.names) == 1 else "")

    @property
    def note(self) -> str:
        """How many firms stand behind each curve, and which cells were left out."""
        count = style.counted([int(cell["firms"]) for cell in self.cells])
        some = f"; {len(self.cells)} of {self.of:,} cells" if self.of > len(self.cells) else ""
        return f"n = {count} firms a curve{some}"


def shown(ds: xr.Dataset, *, most: int = MOST_CURVES) -> Shown:
    """Return the cells of a dataset, or where there are more than `most`, some that stand for them.

    Of execution and misalignment these are the four corners; of other designs, cells evenly spaced.
    """
    ds = labelled(ds)
    shape = ds["firms"].shape
    total = int(np.prod(shape, dtype=int))
    if total == 0:
        raise EstimateError("the dataset has no cell to draw")
    if total <= most:
        places = list(range(total))
    elif (ends := poles(ds)) is not None and most >= 4:
        corners = [ends.cell(strong=s, misaligned=m) for m in (False, True) for s in (False, True)]
        places = [_flat(ds, corner) for corner in corners]
    else:
        places = evenly_spaced(total, most).tolist()
    dims = [str(dim) for dim in ds["firms"].dims]
    found = [dict(zip(dims, map(int, np.unravel_index(place, shape)), strict=True)) if dims else {} for place in places]
    labels = [scalars(ds) | (labels_of(ds, index) if dims else {}) for index in found]
    differs = [name for name in labels[0] if len({label[name] for label in labels}) > 1]
    words = [
        format_cell({name: label[name] for name in differs}) if differs else format_cell(label) for label in labels
    ]
    shared = {name: value for name, value in labels[0].items() if name not in differs}
    together = format_cell(shared) if shared and differs else ""
    return Shown(short_names(words, places), words, [ds.isel(index) for index in found], together, total)


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


def scalars(ds: xr.Dataset) -> dict[str, float]:
    """Return axes that a selection has reduced to one value."""
    found = labelled(ds)["firms"].coords
    return {str(name): float(value) for name, value in found.items() if not value.dims and name != "cell"}


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


def along(ds: xr.Dataset, *, most: int = 4) -> Along:
    """Lay out cells along misalignment, for weak and strong firms; otherwise along the last axis, by the one before.

    Axes beyond two are fixed at their middle value. Designs that are no grid are shown cell by cell, 30 at most.
    """
    ds = labelled(ds)
    dims = [str(dim) for dim in ds["firms"].dims]
    if not dims or dims == ["cell"]:
        row = ds if dims else ds.expand_dims("cell")
        row = row.isel(cell=slice(0, 30))
        words = [format_cell(labels_of(row, {"cell": i})) for i in range(row.sizes["cell"])]
        names = short_names(words, range(len(words)))
        return Along("cell", [float(i) for i in range(len(names))], names, [Series("", row)], "")
    ends = poles(ds)
    axis = MISALIGNMENT if ends else dims[-1]
    across = EXECUTION if ends else (dims[-2] if len(dims) > 1 else "")
    middle = {dim: ds.sizes[dim] // 2 for dim in dims if dim not in (axis, across)}
    fixed = format_cell({dim: float(ds[dim].values[place]) for dim, place in middle.items()}) if middle else ""
    ds = ds.isel(middle)
    x = [float(value) for value in ds[axis].values]
    if not across:
        return Along(axis, x, None, [Series("", ds)], fixed)
    if ends:
        chosen = [(f"weak ({ends.weak:g})", ends.weak), (f"strong ({ends.strong:g})", ends.strong)]
    else:
        places = evenly_spaced(ds.sizes[across], most)
        chosen = [(format_cell({across: value}), value) for value in ds[across].values[places].tolist()]
    return Along(axis, x, None, [Series(name, ds.sel({across: value})) for name, value in chosen], fixed)
