"""Rows of counts for other programs, as lifelines, R or a spreadsheet: `to_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.survival import labels
from firmfate.survival.core.lifetable import ROUNDING, CellCounts, Floats
from firmfate.survival.designs import cell_frame
from firmfate.survival.traits import takes_counts

if TYPE_CHECKING:
    import pandas as pd

CENSORED = "censored"


@takes_counts
def to_rows(ds: xr.Dataset) -> pd.DataFrame:
    """Return one row for every cell, week and cause (or censoring) that has firms, for lifelines, R or a spreadsheet.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`. Dask-backed counts are computed.

    Returns
    -------
    pandas.DataFrame
        The coordinates of the cell, ``week``, ``end`` ("censored" or the cause) and ``firms``, the frequency weight;
        where firms enter late, ``entry``, the week at whose end they do, matched with exits in their order (which
        leaves risk sets as they are). Firms that reach the horizon are censored there. Cells with invalid firms are
        left out.

    Examples
    --------
    >>> from firmfate.survival import example, to_rows
    >>> rows = to_rows(example())
    >>> rows.head(2)
       execution  misalignment  week         end  firms
    0        0.0           0.0     1  insolvency      2
    1        0.0           0.0     1        exit      1
    >>> int(rows.firms.sum())
    1920
    """
    import pandas as pd

    labels.counts_of(ds)
    counts = labels.counts_of(labels.computed(ds))
    present = np.nan_to_num(counts.firms.values.ravel()) > 0
    arrays, _ = counts.table(np.flatnonzero(present))
    cell, entry, week, kind, firms = observed_spells(arrays)
    names = np.array([*map(str, labels.causes_of(counts)), CENSORED])
    columns = {name: column[present][cell] for name, column in cell_frame(counts.firms).items()}
    if counts.entered is not None:
        columns["entry"] = entry
    return pd.DataFrame({**columns, "week": week, "end": names[kind], "firms": firms.astype(np.int64)})


class Spells(NamedTuple):
    """Firms alike in when they are first and last observed, and how they leave; each (row,)."""

    cell: NDArray[np.int_]
    entry: NDArray[np.int_]  # 0: from the first week on
    week: NDArray[np.int_]
    kind: NDArray[np.int_]  # position of the cause; behind the last, a censoring
    firms: Floats


def observed_spells(counts: CellCounts) -> Spells:
    """Return the spells of firms, those that reach the horizon among the censored.

    Counts do not hold which entry goes with which exit. Who enters first is taken to leave first: risk sets, on which
    all estimates of hazards depend, and likelihoods of lifetimes given survival to entry are the same for any matching.

    Parameters
    ----------
    counts : CellCounts
        Of cells with firms, ``events (cell, cause, week)``; fractions of firms are taken.
    """
    events = counts.events.astype(np.float64)
    firms = counts.firms.astype(np.float64)
    left = np.zeros_like(events[:, 0]) if counts.censored is None else counts.censored.astype(np.float64)
    left[:, -1] += firms - events.sum(axis=(1, 2)) - left.sum(axis=-1)
    every = np.concatenate([events, left[:, None]], axis=1)
    cell, week, kind = np.nonzero(every.transpose(0, 2, 1) > ROUNDING)
    exits = Spells(cell, np.zeros_like(cell), week + 1, kind, every[cell, kind, week])
    if counts.entered is None or not counts.entered.any():
        return exits
    entries = np.concatenate([(firms - counts.entered.sum(axis=-1))[:, None], counts.entered], axis=-1)
    matched = [_first_in_first_out(exits, place, entries[place]) for place in range(len(entries))]
    return Spells(*(np.concatenate(column) for column in zip(*matched, strict=True)))


def _first_in_first_out(exits: Spells, cell: int, entries: Floats) -> Spells:
    """Match a cell's entries (week 0..) with its exits, both in the order of weeks."""
    here = exits.cell == cell
    begin = np.flatnonzero(entries > ROUNDING)
    entered, gone = entries[begin].cumsum(), exits.firms[here].cumsum()
    marks = np.unique(np.concatenate([entered, gone]).round(9))
    number = np.diff(marks, prepend=0.0)
    middle = marks - number / 2
    week, kind = exits.week[here], exits.kind[here]
    of_exit = np.minimum(np.searchsorted(gone, middle), len(gone) - 1)
    of_entry = np.minimum(np.searchsorted(entered, middle), len(entered) - 1)
    # Within the bins of resampled counts, entries and exits may be a fraction of a firm out of order.
    entry = np.minimum(begin[of_entry], week[of_exit] - 1)
    some = number > ROUNDING
    return Spells(np.full(some.sum(), cell), entry[some], week[of_exit][some], kind[of_exit][some], number[some])
