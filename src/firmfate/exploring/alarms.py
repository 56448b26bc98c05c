"""What is printed of the alarms in each cell: the estimates of `firmfate.analysis`, over firms that died."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis import alarm_shares, green_dashboards, warning_time
from firmfate.analysis.formatting import Estimate, format_estimate
from firmfate.analysis.green_kpis import marks_of


def rows(ds: xr.Dataset) -> list[dict[str, object]]:
    """Return rows for a table, each with ``name``, ``unit`` and a text for every cell, flattened; none without alarms.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts.
    """
    if "alarms" not in ds or "warning_steps_sum" not in ds:
        return []
    found = [
        ("died without an alarm", "% of deaths", alarm_shares(ds).sel(alarm_kind="none"), 100.0),
        ("warning before death", "weeks", warning_time(ds).sel(alarm_kind="later"), 1.0),
    ]
    if marks := marks_of(ds):
        green = green_dashboards(ds).sel(alarm_kind="later")
        name = marks[0].removesuffix("_count").replace("_", " ").replace("kpi", "KPIs")
        found.append((f"{name} at the alarm", "number", green, 1.0))
    dims = ds["firms"].dims
    return [
        {"name": name, "unit": unit, "texts": _texts(estimates.transpose(*dims, ...), scale)}
        for name, unit, estimates, scale in found
    ]


def _texts(found: xr.Dataset, scale: float) -> list[str]:
    columns = (found[name].values.ravel() for name in ("estimate", "se", "lower", "upper"))
    numbers = np.stack(list(columns), axis=1)
    return [format_estimate(Estimate(*one).scaled(scale), short=True) for one in numbers.tolist()]
