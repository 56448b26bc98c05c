"""The effect of execution on aligned and misaligned firms of `firm`, at points of a space of parameters.

Every point gets the same four to ten cells, weak and strong firms at some misalignments, with the same random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.parameter_range import ParameterRange
from firmfate.simulation import simulate
from firmfate.survival.core.sign_changes import sign_changes
from firmfate.survival.jackknife import covariance, estimated, sums_without

Floats = NDArray[np.float64]

WEAK, STRONG = 0.05, 1.0
MISALIGNMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
BATCHES = 16
PIECE = 40_000
"""Firms simulated at once, about."""

ESTIMANDS = ("aligned", "misaligned", "turning")
"""dRMST/d(execution) with aligned and with misaligned KPIs, years; and the misalignment at which it changes its sign,
from 0 (execution harms everywhere) to 1 (nowhere)."""


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
    found = estimated(estimands_of(ds["lifetime"].mean("batch")), map(estimands_of, means_without(ds["lifetime"])))
    ds["estimate"], ds["se"] = found["estimate"], found["se"]
    ds.attrs = {"firms": used, "years": years, "seed": str(seed)}
    return ds


def means_without(lifetime: xr.DataArray) -> Iterator[xr.DataArray]:
    """Yield mean lifetimes with one batch left out, for each batch."""
    without = sums_without(lifetime) / (lifetime.sizes["batch"] - 1)
    return (without.isel(batch=batch) for batch in range(lifetime.sizes["batch"]))


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


def saltelli_points(ranges: Mapping[str, ParameterRange], *, points: int, seed: int) -> dict[str, Floats]:
    """Return Saltelli's design, parameter -> values at points x (parameters + 2) points; `points` is a power of two.

    What a study asks for by ``[saltelli]``, for points that are simulated without one.
    """
    from SALib.sample import sobol

    problem = {"num_vars": len(ranges), "names": list(ranges), "bounds": [[0.0, 1.0]] * len(ranges)}
    unit = np.asarray(sobol.sample(problem, points, calc_second_order=False, seed=seed))
    return {
        key: np.array([span.value(at) for at in unit[:, column].tolist()])
        for column, (key, span) in enumerate(ranges.items())
    }


def boundary(ds: xr.Dataset, parameter: str, estimand: str) -> tuple[float, float]:
    """Return where along a sweep of one parameter an estimand is 0, and its standard error; NaN where it never is.

    Of several zeros, the one nearest to the middle point. The error is a jackknife over batches.
    """
    values = ds[parameter].values
    middle = values[len(values) // 2]

    def zero(mean: xr.DataArray) -> float:
        changes = sign_changes(values, estimands_of(mean).sel(estimand=estimand).values)
        return min((change.at for change in changes), key=lambda at: abs(at - middle), default=np.nan)

    left = np.array([zero(mean) for mean in means_without(ds["lifetime"])])
    return zero(ds["lifetime"].mean("batch")), float(np.sqrt(covariance(left[:, np.newaxis])[0, 0]))
