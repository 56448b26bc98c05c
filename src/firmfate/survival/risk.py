"""What stands below a survival plot: `risk_table`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.traits import takes_counts


@takes_counts
def risk_table(ds: xr.Dataset, *, weeks: Sequence[int]) -> xr.Dataset:
    """Count firms at risk, events and censorings at chosen weeks, as R's ``summary(survfit, times)`` does.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`.
    weeks : sequence of int
        Ascending weeks from 0 to the horizon.

    Returns
    -------
    xarray.Dataset
        ``at_risk (axes..., week)``: firms alive and observed when the week begins (in week 0, those that are from the
        first week on); ``events``, ``censored`` and, where firms enter late, ``entered (axes..., week)``: since the
        week listed before, up to and including this one. Those who reach the horizon alive are censored there. NaN in
        a cell without valid firms.

    Examples
    --------
    >>> from firmfate.survival import example, risk_table
    >>> table = risk_table(example(), weeks=[0, 52, 104]).sel(execution=1.0, misalignment=1.0)
    >>> table.at_risk.values, table.events.values, table.censored.values
    (array([320., 120.,  46.]), array([  0., 203.,  74.]), array([ 0.,  0., 43.]))
    """
    counts = labels.counts_of(ds)
    listed = labels.integers(weeks)
    fits = listed is not None and listed.ndim == 1 and listed.size > 0
    if listed is None or not fits or listed[0] < 0 or listed[-1] > counts.weeks or (np.diff(listed) <= 0).any():
        raise EstimateError(f"weeks = {weeks}: a list of ascending integer weeks from 0 to {counts.weeks}")
    firms = counts.firms.where(counts.firms > 0)
    ended = _running(counts.events.sum("cause"))
    lost = _running(counts.censored) if counts.censored is not None else 0 * ended
    if counts.entered is None:
        late, at_risk = None, firms - (ended + lost).shift(week=1, fill_value=0)
    else:
        late = _running(counts.entered)
        first = firms - late.isel(week=-1, drop=True)
        at_risk = first + (late - ended - lost).shift(week=1, fill_value=0)
    # Whoever has neither an event nor a censoring leaves at the horizon.
    lost = lost.where(lost["week"] < counts.weeks, firms - ended.isel(week=-1, drop=True))
    counted = {"events": ended, "censored": lost, **({} if late is None else {"entered": late})}
    table = xr.Dataset({"at_risk": at_risk.clip(0), **counted}).sel(week=listed)
    for name in counted:
        table[name] = (table[name] - table[name].shift(week=1, fill_value=0)).where(firms.notnull())
    table = table.transpose(*counts.axes, "week")
    table["week"].attrs = {"units": "week", "long_name": "week of life"}
    words = {
        "at_risk": "firms alive and observed when the week begins",
        "events": "firms with an event since the week listed before",
        "censored": "firms censored since the week listed before",
        "entered": "firms that have entered since the week listed before",
    }
    for name in map(str, table.data_vars):
        table[name].attrs = {"units": "1", "long_name": words[name]}
    return table


def _running(weekly: xr.DataArray) -> xr.DataArray:
    """Running sums at weeks 0..H."""
    sums = weekly.astype(np.float64).cumsum("week").drop_vars("week", errors="ignore")
    padded = sums.pad(week=(1, 0), constant_values=0.0)
    return padded.assign_coords(week=np.arange(padded.sizes["week"]))
