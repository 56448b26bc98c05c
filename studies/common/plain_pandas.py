"""Mean lifetimes from a result file by plain pandas, for `rederive.py` of the studies: no estimator of the package."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr


def mean_lifetime(file: Path, cells: Sequence[str], years: float | None = None) -> pd.Series:
    """Return years lived up to a horizon, on average, by cell: the dead lived until their week, all others to the end.

    Parameters
    ----------
    file : path
        A ``result.nc``.
    cells : sequence of str
        Its axes, or ``["cell"]``; the levels of the index, in this order.
    years : float, optional
        The horizon; that of the study if not given.
    """
    with xr.open_dataset(file) as ds:
        ends = ds["events"].sum("cause").to_series().astype("int64")
        firms = ds["firms"].to_series().astype("int64")
    week = ends.index.get_level_values("week")
    last = week.max() if years is None else round(years * 52)
    lived = (ends * week.to_numpy().clip(max=last)).groupby(level=list(cells)).sum()
    dead = ends.groupby(level=list(cells)).sum()
    firms = firms if len(cells) == 1 else firms.reorder_levels(list(cells)).sort_index()
    return (lived + (firms - dead) * last) / firms / 52
