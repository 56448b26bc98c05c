"""Rows of counts for other programs, as lifelines, R or a spreadsheet: `to_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from firmfate.survival import labels
from firmfate.survival.designs import cell_frame

if TYPE_CHECKING:
    import pandas as pd

CENSORED = "censored"


def to_rows(ds: xr.Dataset) -> pd.DataFrame:
    """Return one row for every cell, week and way of ending that has firms, for lifelines, R or a spreadsheet.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`. Dask-backed counts are computed.

    Returns
    -------
    pandas.DataFrame
        The coordinates of the cell, ``week``, ``end`` ("censored" or the cause) and ``firms``, the frequency weight.
        Firms that reach the horizon are censored there. Cells with invalid firms are left out.

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
    firms = np.nan_to_num(counts.firms.values.ravel())
    events = counts.events.values.reshape(firms.size, *counts.events.shape[-2:]).astype(np.int64)
    left = np.zeros((firms.size, 1, counts.weeks), dtype=np.int64)
    if counts.censored is not None:
        left[:, 0] = counts.censored.values.reshape(firms.size, counts.weeks)
    left[:, 0, -1] += firms.astype(np.int64) - events.sum(axis=(1, 2)) - left[:, 0].sum(axis=-1)
    every = np.concatenate([events, left], axis=1)
    every[firms == 0] = 0
    cell, week, end = np.nonzero(every.transpose(0, 2, 1))
    names = np.array([*map(str, labels.causes_of(counts)), CENSORED])
    columns = {name: column[cell] for name, column in cell_frame(counts.firms).items()}
    return pd.DataFrame({**columns, "week": week + 1, "end": names[end], "firms": every[cell, end, week]})
