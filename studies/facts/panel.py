"""A panel of replayed firms: what their books and their plants would show, by year and by quarter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from firmfate import replay
from firmfate.counts import WEEKS_PER_YEAR

QUARTER = WEEKS_PER_YEAR // 4
DAYS = 7 * WEEKS_PER_YEAR
GOODS = ("work_in_process", "rework", "finished_goods", "in_transit")
FLOWS = ("sale", "spend", "interest", "deliveries", "starts", "collected")
LEVELS = ("cash", "output", "available", "lead_time")


def panel(directory: Path, *, cells: Sequence[str], firms: int, batches: int) -> xr.Dataset:
    """Replay the first firms of every cell of a run, and add up their weeks.

    Parameters
    ----------
    directory : Path
        Of a run whose cells have names.
    cells : sequence of str
    firms, batches : int
        Firms a cell; a firm's batch is its replicate modulo `batches`.

    Returns
    -------
    xarray.Dataset
        Of every complete year, NaN after a firm's last one, (cell, firm, year): ``sales``, ``margin`` (profit as a
        share of sales; profit is what was billed less what was spent and paid as interest, and the change of the goods
        at the price of `unit_cost`), ``inventory_days``, ``cash_days``, ``utilisation``. Of every complete quarter,
        (cell, firm, quarter): ``sold``, ``bought``, ``lead_time``, ``cash_flow`` and ``billed``. ``event_week`` and
        ``cause`` (cell, firm), ``batch`` (firm).
    """
    parts = []
    for cell in cells:
        weeks = replay(directory, cell=cell, replicate=range(firms), variables=[*FLOWS, *LEVELS, *GOODS])
        parts.append(_summed(weeks))
    ds = xr.concat(parts, "cell", join="outer").assign_coords(cell=list(cells))
    return ds.assign_coords(batch=("firm", np.arange(firms) % batches))


def _summed(weeks: xr.Dataset) -> xr.Dataset:
    """Return the years and quarters of the firms of one cell."""
    known = {name: weeks[name].values for name in ("event_week", "cause", "unit_cost")}
    weeks = weeks.rename(trajectory="firm").reset_coords(drop=True)
    weeks["goods"] = sum((weeks[name] for name in GOODS), xr.zeros_like(weeks["sale"]))
    weeks["held"] = weeks["cash"].clip(min=0)
    weeks["used"] = weeks["output"] / weeks["available"]
    year = _complete(weeks, WEEKS_PER_YEAR).rename(step="year")
    quarter = _complete(weeks, QUARTER).rename(step="quarter")
    spent, profit = year["spend"] + year["interest"], year["sale"] - year["spend"] - year["interest"]
    profit = profit + known["unit_cost"][:, np.newaxis] * _gained(weeks["goods"])
    return xr.Dataset(
        {
            "sales": year["sale"],
            "margin": profit / year["sale"],
            "inventory_days": DAYS * year["goods"] / WEEKS_PER_YEAR / year["deliveries"],
            "cash_days": DAYS * year["held"] / WEEKS_PER_YEAR / spent,
            "utilisation": year["used"] / WEEKS_PER_YEAR,
            "sold": quarter["deliveries"],
            "bought": quarter["starts"],
            "billed": quarter["sale"],
            "lead_time": quarter["lead_time"] / QUARTER,
            "cash_flow": quarter["collected"] - quarter["spend"] - quarter["interest"],
            "event_week": ("firm", known["event_week"]),
            "cause": ("firm", known["cause"]),
        }
    ).drop_vars(["year", "quarter"])


def _gained(goods: xr.DataArray) -> xr.DataArray:
    """Return by how much goods grew in every year: from its first week to the next year's, or to its last."""
    first = goods.isel(step=slice(0, None, WEEKS_PER_YEAR)).rename(step="year").drop_vars("year")
    last = goods.isel(step=slice(WEEKS_PER_YEAR - 1, None, WEEKS_PER_YEAR)).rename(step="year").drop_vars("year")
    first, years = first.pad(year=(0, 1)), last.sizes["year"]
    return first.isel(year=slice(1, years + 1)).fillna(last) - first.isel(year=slice(0, years))


def _complete(weeks: xr.Dataset, length: int) -> xr.Dataset:
    """Return sums over `length` weeks, NaN where a firm did not live through all of them."""
    return weeks.coarsen(step=length, boundary="trim").reduce(np.sum)
