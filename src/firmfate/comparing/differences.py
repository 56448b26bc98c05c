"""Differences between two runs, or a run and observed survival, in every cell that they have in common."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from firmfate.calibration import SurvivalTable
from firmfate.comparing.common_cells import common_cells
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import open_run
from firmfate.errors import EstimateError
from firmfate.survival import contrast, cumulative_incidence, kaplan_meier, rmst
from firmfate.survival.core.limits import check_level, normal_quantile, wilson
from firmfate.survival.simulated import as_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

YEARS = (1, 2, 5, 10, 20, 50)
"""Ages at which survival is compared, as far as both runs reach."""

RUN = "run"
SIDES = ("first", "second")


def compare(
    first: xr.Dataset | str | Path, second: xr.Dataset | str | Path | SurvivalTable, *, level: float = 0.95
) -> xr.Dataset:
    """Compare two runs, or a run and an observed cohort: the first less the second, in every common cell.

    Parameters
    ----------
    first : xarray.Dataset or path
        Counts, what `firmfate.simulate` returns, or a run directory.
    second : xarray.Dataset, path or SurvivalTable
        Another run, perhaps of another version of the model; or survival by age (`firmfate.calibration`).
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        For each of ``lifetime`` (years, mean within the shorter horizon; not for a cohort), ``survival`` (share alive,
        over ``year``) and ``incidence`` (share with an event of a cause by the horizon, over ``cause``; not for a
        cohort): the value of both sides, ``NAME (side, axes...)``, with ``NAME_side_se``, ``_side_lower`` and
        ``_side_upper`` (side, axes...), and the first less the second, ``NAME_difference``, ``_se``, ``_lower``,
        ``_upper`` (axes...). ``distinguishable (axes...)`` says where the
        lifetimes differ, or for a cohort the survival at some age, by limits that hold for all cells at once
        (Bonferroni). ``attrs["pairing"]`` says how the errors were made: by leaving the same batch of firms out of both
        runs, which is right whether or not they share random numbers, where both hold the same numbers of firms;
        otherwise variances add up, which overstates the errors of runs that share random numbers. A cohort's limits are
        Wilson's. Where all or none of it are alive, its standard error and that of the difference are NaN, and limits
        alone are given; of a cohort whose size is unknown all three are NaN, and the difference has the errors of the
        run and of the rounding alone.

    Raises
    ------
    EstimateError
        Where the runs have other axes or no cell in common, or batches are too few for standard errors.
    RunDirectoryError
        Where a path is no run.

    Examples
    --------
    >>> from firmfate.comparing import compare
    >>> from firmfate.survival import example
    >>> found = compare(example(), example())
    >>> float(abs(found.lifetime_difference).max()), bool(found.distinguishable.any())
    (0.0, False)
    """
    check_level(level)
    ds = _opened(first)
    if isinstance(second, SurvivalTable):
        return _against_cohort(ds, second, level)
    compared = _opened(second)
    one, other = common_cells(ds, compared)
    per_week = [int(run.attrs.get("steps_per_week", 1)) for run in (one, other)]
    paired = per_week[0] == per_week[1] and np.array_equal(one["batch_firms"].values, other["batch_firms"].values)
    # Of two numbers of batches, those that one run lacks hold none of its firms.
    both = xr.concat([one, other], dim=RUN, join="outer", fill_value=0, combine_attrs="drop_conflicts")
    both = both.assign_coords({RUN: list(SIDES)})
    asked: dict[str, tuple[Callable[..., Any], float]] = {
        "lifetime": (rmst, WEEKS_PER_YEAR), "survival": (partial(_survival_at, years=_years(both)), 1.0),
        "incidence": (_incidence_at_the_horizon, 1.0),
    }  # fmt: skip
    found = xr.Dataset()
    for name, (estimator, scale) in asked.items():
        values = (estimator(both, level=level) / scale).rename({RUN: "side"})
        found[name] = values["estimate"]
        for part in ("se", "lower", "upper"):
            found[f"{name}_side_{part}"] = values[part]
        difference = _difference(both, estimator, paired, level) / scale
        for part in ("estimate", "se", "lower", "upper"):
            found[_named(name, part)] = difference[part]
    strict = _difference(both, rmst, paired, 1 - (1 - level) / max(1, both["firms"].isel({RUN: 0}).size))
    found["distinguishable"] = (strict["lower"] > 0) | (strict["upper"] < 0)
    titles = [_title(ds), _title(compared)]
    if titles[0] == titles[1] and not any(isinstance(run, xr.Dataset) for run in (first, second)):
        titles = [f"{titles[0]} in {run}" for run in (first, second)]
    found.attrs = {
        "first": titles[0], "second": titles[1], "level": level,
        "horizon_years": both.sizes["week"] / WEEKS_PER_YEAR,
        "pairing": "batches of the same firms" if paired else "none: variances add up",
    }  # fmt: skip
    return _described(found)


def _opened(run: xr.Dataset | str | Path) -> xr.Dataset:
    return as_counts(run) if isinstance(run, xr.Dataset) else open_run(run)


def _title(ds: xr.Dataset) -> str:
    return f"{ds.attrs.get('title', 'a run')} ({ds.attrs.get('model', 'a model')})"


def _named(name: str, part: str) -> str:
    return f"{name}_difference" if part == "estimate" else f"{name}_{part}"


def _years(ds: xr.Dataset) -> list[int]:
    return [year for year in YEARS if year * WEEKS_PER_YEAR <= ds.sizes["week"]]


def _survival_at(ds: xr.Dataset, *, years: list[int], level: float = 0.95) -> xr.Dataset:
    found = kaplan_meier(ds, level=level).sel(week=[year * WEEKS_PER_YEAR for year in years])
    return found.rename(week="year").assign_coords(year=years)


def _incidence_at_the_horizon(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    return cumulative_incidence(ds, level=level).isel(week=-1, drop=True)


def _difference(both: xr.Dataset, estimator: Callable[..., Any], paired: bool, level: float) -> xr.Dataset:
    sides = ({RUN: SIDES[0]}, {RUN: SIDES[1]})
    found = contrast(both, estimator, between=sides, paired=paired, level=level)
    return found[["estimate", "se", "lower", "upper"]]


def _against_cohort(ds: xr.Dataset, table: SurvivalTable, level: float) -> xr.Dataset:
    """Compare survival at the cohort's ages: the run's error and the cohort's add up."""
    weeks = np.rint(table.ages * WEEKS_PER_YEAR).astype(int)
    reached = weeks <= ds.sizes["week"]
    if not reached.any():
        raise EstimateError(f"{table.name} gives survival from {table.ages[0]:g} years on, after the run's horizon")
    found = kaplan_meier(ds, level=level).sel(week=weeks[reached])
    strictly = 1 - (1 - level) / found["estimate"].size
    strict = kaplan_meier(ds, level=strictly).sel(week=weeks[reached])
    found, strict = (one.rename(week="year").assign_coords(year=table.ages[reached]) for one in (found, strict))
    of_cohort = _of_cohort(table, reached, level)
    sides = xr.concat([found[list(of_cohort)], of_cohort], dim="side").assign_coords(side=list(SIDES))
    out = xr.Dataset({"survival": sides["estimate"], "survival_difference": found["estimate"] - of_cohort["estimate"]})
    for part in ("se", "lower", "upper"):
        out[f"survival_side_{part}"] = sides[part]
    known = of_cohort["se"] if table.firms else table.rounding_variance**0.5
    out["survival_se"] = (found["se"] ** 2 + known**2) ** 0.5
    out["survival_lower"], out["survival_upper"] = _limits_of_both(found, table, reached, level)
    lower, upper = _limits_of_both(strict, table, reached, strictly)
    out["distinguishable"] = ((lower > 0) | (upper < 0)).any("year")
    out.attrs = {
        "first": _title(ds), "second": table.name, "level": level, "horizon_years": float(table.ages[reached][-1]),
        "pairing": "none: variances add up",
    }  # fmt: skip
    return _described(out)


def _of_cohort(table: SurvivalTable, reached: NDArray[np.bool_], level: float) -> xr.Dataset:
    """Return a cohort's shares, standard errors and Wilson's limits, wider by the rounding; unknown errors are NaN."""
    share = table.surviving[reached]
    se = lower = upper = np.full(share.shape, np.nan)
    z, rounded = normal_quantile(level), table.rounding_variance**0.5
    if table.firms:
        se = np.where((share > 0) & (share < 1), np.diag(table.covariance)[reached] ** 0.5, np.nan)
        lower, upper = wilson(share, np.full(share.shape, table.firms), z)
    lower = np.maximum(share - np.hypot(share - lower, z * rounded), 0.0)
    upper = np.minimum(share + np.hypot(upper - share, z * rounded), 1.0)
    parts = {"estimate": share, "se": se, "lower": lower, "upper": upper}
    return xr.Dataset({name: ("year", values) for name, values in parts.items()})


def _limits_of_both(
    found: xr.Dataset, table: SurvivalTable, reached: NDArray[np.bool_], level: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Limits of a difference from those of both sides (Zou and Donner 2008): without events they show no certainty."""
    cohort = _of_cohort(table, reached, level)
    more, less = cohort["upper"] - cohort["estimate"], cohort["estimate"] - cohort["lower"]
    if not table.firms:
        more = less = xr.full_like(more, normal_quantile(level) * table.rounding_variance**0.5)
    difference = found["estimate"] - cohort["estimate"]
    below = ((found["estimate"] - found["lower"]) ** 2 + more**2) ** 0.5
    above = ((found["upper"] - found["estimate"]) ** 2 + less**2) ** 0.5
    return difference - below, difference + above


def _described(ds: xr.Dataset) -> xr.Dataset:
    """Say of every variable what it is, in which unit."""
    words = {
        "lifetime": ("year", "mean lifetime within the horizon"),
        "survival": ("1", "share of firms alive at the end of the year"),
        "incidence": ("1", "share of firms with an event of the cause by the horizon"),
    }
    parts = {"difference": "first less second", "se": "standard error of the difference",
             "lower": "lower limit of the difference", "upper": "upper limit of the difference",
             "side_se": "standard error", "side_lower": "lower limit", "side_upper": "upper limit"}  # fmt: skip
    for name, (unit, meaning) in words.items():
        if name in ds:
            ds[name].attrs = {"units": unit, "long_name": meaning}
        for part, what in parts.items():
            if (of := f"{name}_{part}") in ds:
                ds[of].attrs = {"units": unit, "long_name": f"{meaning}: {what}"}
    ds["distinguishable"].attrs = {
        "units": "1",
        "long_name": "whether the sides differ, by limits for all cells at once",
    }
    if "year" in ds.coords:
        ds["year"].attrs = {"units": "year", "long_name": "years since the start"}
    return ds
