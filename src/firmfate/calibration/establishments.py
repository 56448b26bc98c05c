"""Establishments by sector, cohort and age as the Bureau of Labor Statistics counts them, and tables to fit to."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.errors import EstimateError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

SOURCE = (
    "US Bureau of Labor Statistics, Business Employment Dynamics, table 7: survival of private sector establishments "
    "by opening year; a work of the US government, in the public domain"
)
OLDEST = 2023
"""March of the last count: a cohort is known up to the age that it reached then."""


def read_establishments() -> xr.Dataset:
    """Read how many establishments of each cohort are alive at each age, by sector.

    A cohort is the establishments that opened in the 12 months to March of its year. They are counted each March: at
    age 0 for the first time. An establishment is one place of business; a firm may have several, and a branch that its
    owner closes, or that changes hands and number, is an exit.

    Returns
    -------
    xarray.Dataset
        ``establishments`` and ``employment`` (jobs), each (sector: 20, cohort: 30, age: 30), NaN after March 2023;
        ``cohort`` 1994 .. 2023, ``age`` 0 .. 29 years; the sectors beside ``Total Private``
        add up to 95-100 % of it, as some establishments are not classified at first.

    Examples
    --------
    >>> from firmfate.calibration import read_establishments
    >>> counted = read_establishments().establishments.sel(sector="Manufacturing", cohort=2013)
    >>> counted.sel(age=[0, 1, 10]).values
    array([15584., 12865.,  6800.])
    """
    import pandas as pd

    with (files("firmfate") / "data" / "establishments.csv.xz").open("rb") as file:
        frame = pd.read_csv(file, comment="#", compression="xz", index_col=["sector", "cohort", "age"])
    ds: xr.Dataset = frame.to_xarray().astype(np.float64)
    ds["age"].attrs = {"units": "year", "long_name": "age, from the first March on"}
    ds["cohort"].attrs = {"units": "year", "long_name": "opened in the 12 months to March of"}
    ds["establishments"].attrs = {"units": "1", "long_name": "establishments alive", "source": SOURCE}
    ds["employment"].attrs = {"units": "1", "long_name": "jobs at the establishments alive", "source": SOURCE}
    ds.attrs = {"source": SOURCE, "title": "Establishments by sector, year of opening and age"}
    return ds


def establishment_table(
    sector: str = "Total Private", cohorts: int | range = 1994, *, oldest: int | None = None
) -> SurvivalTable:
    """Return the survival of a cohort of establishments, or of several together.

    Parameters
    ----------
    sector : str
        As `read_establishments` names it.
    cohorts : int or range
        One cohort, or several, whose counts are added up over the ages that all have reached.
    oldest : int, optional
        Age in years at which the table ends; by default the last that all cohorts have reached.

    Returns
    -------
    SurvivalTable
        With ``firms``, the establishments counted at age 0. Where a count rises with age, because establishments
        reopened or were found late, the earlier counts are raised to it: nobody then leaves and comes back.

    Raises
    ------
    EstimateError
        Where there is no such sector or cohort, or the cohorts have reached no common age above 0.

    Examples
    --------
    >>> from firmfate.calibration import establishment_table
    >>> table = establishment_table("Manufacturing", range(1994, 2001))
    >>> table.firms, len(table.ages), table.surviving[[0, -1]].round(3)
    (185024, 23, array([0.82 , 0.199]))
    """
    counted = read_establishments()["establishments"]
    known = [str(name) for name in counted["sector"].values]
    if sector not in known:
        hint = did_you_mean(sector, known) or "; allowed: " + ", ".join(known)
        raise EstimateError(f"no sector is called '{sector}'{hint}")
    wanted = range(cohorts, cohorts + 1) if isinstance(cohorts, int) else cohorts
    first, last = int(counted["cohort"].min()), int(counted["cohort"].max())
    if not len(wanted) or min(wanted) < first or max(wanted) > last:
        raise EstimateError(f"cohorts = {cohorts!r}; allowed: years from {first} to {last}")
    reached = OLDEST - max(wanted)
    end = reached if oldest is None else oldest
    if not 1 <= end <= reached:
        raise EstimateError(f"oldest = {end} years; the cohorts have reached {reached}; allowed: 1 to {reached}")
    alive = counted.sel(sector=sector, cohort=list(wanted), age=slice(0, end)).values
    alive = np.maximum.accumulate(alive[:, ::-1], axis=1)[:, ::-1].sum(axis=0)
    years = f"{min(wanted)}" if len(wanted) == 1 else f"{min(wanted)}-{max(wanted)}"
    return SurvivalTable(
        ages=np.arange(1.0, end + 1), surviving=alive[1:] / alive[0], firms=int(alive[0]), name=f"{sector} {years}"
    )
