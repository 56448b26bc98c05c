"""Sensitivity: how the effect of execution, aligned and misaligned, hangs on the parameters that were assumed.

Every point of a design gets the same four to ten cells, weak and strong firms at some misalignments, under the same
luck. Morris (1991, Technometrics 33, 161-174) screens many parameters by elementary effects; Sobol indices (Saltelli et
al. 2010, Computer Physics Communications 181, 259-270) part the variance between a few. Both by SALib.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.findings.simulated import Free
from firmfate.simulation import simulate
from firmfate.survival.core.sign_changes import sign_changes

Floats = NDArray[np.float64]

WEAK, STRONG = 0.05, 1.0
MISALIGNMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
BATCHES = 16
PIECE = 40_000
"""Firms simulated at once, about."""

ESTIMANDS = ("aligned", "misaligned", "turning")
"""dRMST/d(execution) with aligned and with misaligned KPIs, years; and the misalignment at which it turns, from 0
(execution harms everywhere) to 1 (nowhere)."""


def effects_at(
    points: Mapping[str, Sequence[float] | Floats],
    *,
    firms: int,
    years: float = 20,
    misalignments: Sequence[float] = MISALIGNMENTS,
    seed: int = 20261123,
    threads: int = 1,
) -> xr.Dataset:
    """Simulate weak and strong firms at every point, and return what execution does there.

    Parameters
    ----------
    points : mapping
        Parameter of `firm` -> its value at every point.
    firms : int
        A cell.
    years : float
        Horizon.
    misalignments : sequence of float
        Ascending, the first "aligned" and the last "misaligned".
    seed, threads : int

    Returns
    -------
    xarray.Dataset
        ``lifetime`` (point, execution, misalignment, batch), years; over ``estimand`` and point ``estimate`` and ``se``
        (jackknife over 16 batches); the points' coordinates.
    """
    table = {key: np.asarray(values, dtype=np.float64) for key, values in points.items()}
    count = len(next(iter(table.values())))
    execution, misalignment = (grid.ravel() for grid in np.meshgrid((WEAK, STRONG), misalignments, indexing="ij"))
    cells, weeks = len(execution), round(years * WEEKS_PER_YEAR)
    used = BATCHES * max(1, firms // BATCHES)
    each = max(1, PIECE // (cells * used))
    lifetime = np.empty((count, cells, BATCHES))
    for begin in range(0, count, each):
        block = slice(begin, min(count, begin + each))
        size = block.stop - block.start
        lived = simulate(
            "firm", execution=np.tile(execution, size), misalignment=np.tile(misalignment, size), weeks=weeks,
            parameters={key: np.repeat(values[block], cells) for key, values in table.items()}, threads=threads,
            seed=seed, replicates=used,
        )  # fmt: skip
        weekly = lived["event_week"].values.astype(np.float64).reshape(size, cells, used // BATCHES, BATCHES)
        lifetime[block] = weekly.mean(axis=2) / WEEKS_PER_YEAR
    ds = xr.Dataset(
        {"lifetime": (("point", "execution", "misalignment", "batch"), lifetime.reshape(count, 2, -1, BATCHES))},
        coords={
            "execution": [WEAK, STRONG], "misalignment": list(misalignments),
            **{key.replace(".", "_"): ("point", values) for key, values in table.items()},
        },
    )  # fmt: skip
    whole = estimands_of(ds["lifetime"].mean("batch"))
    total = ds["lifetime"].sum("batch")
    left = xr.concat(
        [estimands_of((total - ds["lifetime"].isel(batch=batch)) / (BATCHES - 1)) for batch in range(BATCHES)], "batch"
    )
    ds["estimate"] = whole
    ds["se"] = np.sqrt(((left - left.mean("batch")) ** 2).sum("batch") * (BATCHES - 1) / BATCHES)
    ds.attrs = {"firms": used, "years": years, "seed": str(seed)}
    return ds


def estimands_of(lifetime: xr.DataArray) -> xr.DataArray:
    """Return the estimands of mean lifetimes (execution, misalignment, ...): see `ESTIMANDS`."""
    gain = lifetime.sel(execution=STRONG, drop=True) - lifetime.sel(execution=WEAK, drop=True)
    slope = gain / (STRONG - WEAK)
    turning = xr.apply_ufunc(
        _turning, slope["misalignment"], slope, input_core_dims=[["misalignment"]] * 2, vectorize=True
    )
    ends = [slope.isel(misalignment=0, drop=True), slope.isel(misalignment=-1, drop=True), turning]
    found: xr.DataArray = xr.concat(ends, dim="estimand", coords="minimal", compat="override")
    return found.assign_coords(estimand=list(ESTIMANDS))


def _turning(misalignment: Floats, slope: Floats) -> float:
    """Return where slopes first fall below 0, linear between; the last misalignment where they never do."""
    below = np.flatnonzero(slope < 0)
    if not below.size:
        return float(misalignment[-1])
    at = int(below[0])
    if at == 0:
        return float(misalignment[0])
    share = slope[at - 1] / (slope[at - 1] - slope[at])
    return float(misalignment[at - 1] + share * (misalignment[at] - misalignment[at - 1]))


def morris_points(ranges: Mapping[str, Free], *, trajectories: int, seed: int) -> tuple[dict[str, Floats], Floats]:
    """Return Morris's design, parameter -> values, and its points in the unit cube, (points, parameters)."""
    sampler = _salib("SALib.sample.morris")
    unit = np.asarray(sampler.sample(_problem(ranges), trajectories, num_levels=4, seed=seed))
    return _values(ranges, unit), unit


def elementary_effects(ranges: Mapping[str, Free], unit: Floats, estimates: Floats, *, seed: int) -> xr.Dataset:
    """Return Morris's measures of one estimand over its design.

    Returns
    -------
    xarray.Dataset
        Over ``parameter``: ``mu_star``, the mean size of the effect of going through a parameter's whole range;
        ``mu_star_se`` (bootstrap over trajectories), ``mu`` with its sign, ``sigma``, its spread: large where the
        effect hangs on the others.
    """
    analysis = _salib("SALib.analyze.morris")
    found = analysis.analyze(_problem(ranges), unit, estimates, num_levels=4, num_resamples=500, seed=seed)
    columns = {
        "mu_star": found["mu_star"], "mu": found["mu"], "sigma": found["sigma"],
        "mu_star_se": np.asarray(found["mu_star_conf"], dtype=np.float64) / 1.96,
    }  # fmt: skip
    arrays = {name: ("parameter", np.asarray(values, dtype=np.float64)) for name, values in columns.items()}
    return xr.Dataset(arrays, coords={"parameter": list(ranges)})


def saltelli_points(ranges: Mapping[str, Free], *, points: int, seed: int) -> dict[str, Floats]:
    """Return Saltelli's design, parameter -> values at points x (parameters + 2) points; `points` is a power of two."""
    sampler = _salib("SALib.sample.sobol")
    unit = np.asarray(sampler.sample(_problem(ranges), points, calc_second_order=False, seed=seed))
    return _values(ranges, unit)


def sobol_indices(ranges: Mapping[str, Free], estimates: Floats, *, seed: int) -> xr.Dataset:
    """Return first-order and total Sobol indices of one estimand over Saltelli's design.

    Returns
    -------
    xarray.Dataset
        Over ``parameter``: ``first`` and ``total`` with ``first_se`` and ``total_se`` (bootstrap over points).
    """
    analysis = _salib("SALib.analyze.sobol")
    found = analysis.analyze(_problem(ranges), estimates, calc_second_order=False, num_resamples=500, seed=seed)
    columns = {
        "first": found["S1"], "first_se": found["S1_conf"] / 1.96, "total": found["ST"],
        "total_se": found["ST_conf"] / 1.96,
    }  # fmt: skip
    arrays = {name: ("parameter", np.asarray(values, dtype=np.float64)) for name, values in columns.items()}
    return xr.Dataset(arrays, coords={"parameter": list(ranges)})


def boundary(ds: xr.Dataset, parameter: str, estimand: str) -> tuple[float, float]:
    """Return where along a sweep of one parameter an estimand is 0, and its standard error; NaN where it never is.

    Of several zeros, the one nearest to the middle point. The error is a jackknife over batches.
    """
    values = ds[parameter].values
    middle = values[len(values) // 2]
    lifetime = ds["lifetime"]
    total = lifetime.sum("batch")

    def zero(mean: xr.DataArray) -> float:
        changes = sign_changes(values, estimands_of(mean).sel(estimand=estimand).values)
        return min((change.at for change in changes), key=lambda at: abs(at - middle), default=np.nan)

    left = np.array([zero((total - lifetime.isel(batch=batch)) / (BATCHES - 1)) for batch in range(BATCHES)])
    se = np.sqrt(((left - left.mean()) ** 2).sum() * (BATCHES - 1) / BATCHES)
    return zero(lifetime.mean("batch")), float(se)


def _problem(ranges: Mapping[str, Free]) -> dict[str, Any]:
    return {"num_vars": len(ranges), "names": list(ranges), "bounds": [[0.0, 1.0]] * len(ranges)}


def _values(ranges: Mapping[str, Free], unit: Floats) -> dict[str, Floats]:
    return {
        key: np.array([span.value(at) for at in unit[:, column].tolist()])
        for column, (key, span) in enumerate(ranges.items())
    }


def _salib(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise EstimateError("sensitivity needs SALib, which is not installed: pip install SALib") from None
