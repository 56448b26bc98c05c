"""A small stored dataset for examples and tests: 3 x 2 cells, 320 firms, two causes, 104 weeks."""

from __future__ import annotations

import csv
from importlib.resources import files

import xarray as xr

from firmfate.counts import COUNTS, attributes
from firmfate.survival.labels import DEPENDENCE
from firmfate.survival.observed import counts_from_table

BATCHES, WEEKS = 32, 104
HORIZONS = (52, 104)


def example() -> xr.Dataset:
    """Return counts of exponential lifetimes whose hazard rises with execution where there is misalignment.

    The firms are stored, one row each, in ``data/example.csv``. The hazard per week is 0.003 + 0.002 (1 + 8 E M) for
    an event by "exit" and "insolvency"; each firm has the same two random numbers in all cells.

    Returns
    -------
    xarray.Dataset
        As ``result.nc`` holds it: ``events``, ``firms``, ``invalid``, ``batch_firms``, ``batch_events``,
        ``batch_lifetime``.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> dict(example().sizes)
    {'execution': 3, 'misalignment': 2, 'cause': 2, 'week': 104, 'batch': 32, 'bin': 8, 'horizon': 2}
    """
    with files("firmfate").joinpath("data", "example.csv").open(encoding="utf-8") as file:
        firms = list(csv.DictReader(file))
    table = {
        "execution": [float(firm["execution"]) for firm in firms],
        "misalignment": [float(firm["misalignment"]) for firm in firms],
        "batch": [int(firm["firm"]) % BATCHES for firm in firms],
        "week": [int(firm["week"]) for firm in firms],
        "end": [firm["end"] for firm in firms],
    }
    ds = counts_from_table(
        table,
        duration="week",
        cause="end",
        covariates=["execution", "misalignment"],
        batch="batch",
        causes=["insolvency", "exit"],
        horizon=WEEKS,
        horizons=HORIZONS,
    )
    del ds.attrs[DEPENDENCE]  # as in a run, cells hold the same replicates
    ds["invalid"] = xr.zeros_like(ds["firms"])
    for name in map(str, ds.data_vars):
        ds[name] = ds[name].astype(COUNTS[name].dtype).assign_attrs(attributes(name))
    return ds
