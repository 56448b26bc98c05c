"""What execution does, and what better management does to exits, on every draw of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from firmfate.analysis import Estimate
from firmfate.analysis.both_errors import share_of_draws
from firmfate.analysis.turning import sign_change
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange
from firmfate.simulation import simulate
from firmfate.survival import proportional_hazards

POPULATION = "population.misalignment.high"
EXECUTIONS = (0.05, 1.0)
MISALIGNMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SCORES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Executions that stand for an even spread over 0 to 1, of which one standard deviation is 0.283."""

SURVEYED = 10
"""Years over which exits of surveyed firms are counted."""

BATCHES = 8

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Averaged(NamedTuple):
    """A mean over draws with its Monte Carlo error, and what draws differ by.

    Attributes
    ----------
    mean : Estimate
    noise : float
        Monte Carlo error of one draw, root of the mean square.
    parameter : float
        Standard deviation between draws, less that noise.
    """

    mean: Estimate
    noise: float
    parameter: float


def prior_draws(free: Mapping[str, ParameterRange], draws: int, seed: int) -> xr.Dataset:
    """Return points of a Sobol sequence over the ranges, each variable (draw,)."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(len(free), rng=np.random.Generator(np.random.Philox(seed)))
    points = sequence.random_base2(int(np.ceil(np.log2(draws))))[:draws]
    return xr.Dataset(
        {key: ("draw", [span.value(unit) for unit in points[:, i]]) for i, (key, span) in enumerate(free.items())},
        coords={"draw": np.arange(draws)},
    )


def effects(draws: xr.Dataset, *, replicates: int, years: int, seed: int, threads: int) -> xr.Dataset:
    """Simulate strong and weak firms on every draw, with common random numbers.

    Returns
    -------
    xarray.Dataset
        ``effect``, ``effect_se`` (draw, misalignment), years that execution 1 adds to the mean lifetime of 0.05 within
        the horizon; ``turning``, ``turning_se`` (draw,), the misalignment at which it turns, NaN where it does not.
    """
    count = draws.sizes["draw"]
    draw, execution, misalignment = (
        grid.ravel() for grid in np.meshgrid(np.arange(count), EXECUTIONS, MISALIGNMENTS, indexing="ij")
    )
    lived = simulate(
        "firm", execution=execution, misalignment=misalignment, parameters=_parameters(draws, draw),
        weeks=years * WEEKS_PER_YEAR, seed=seed, replicates=replicates, threads=threads,
    )["event_week"].values.astype(np.float64)  # fmt: skip
    weeks = lived.reshape(count, len(EXECUTIONS), len(MISALIGNMENTS), replicates)
    gain = (weeks[:, 1] - weeks[:, 0]) / WEEKS_PER_YEAR
    by_batch = np.stack([gain[..., place::BATCHES].mean(axis=-1) for place in range(BATCHES)])
    dims = ("draw", "misalignment")
    # Where no firm lives longer or shorter, the effect is known to a week in all, not exactly.
    error = np.maximum(gain.std(axis=-1, ddof=1), 1 / WEEKS_PER_YEAR) / replicates**0.5
    ds = xr.Dataset(
        {"effect": (dims, gain.mean(axis=-1), {"units": "year"}), "effect_se": (dims, error)},
        coords={"draw": draws["draw"], "misalignment": list(MISALIGNMENTS)},
    )
    ds["turning"] = sign_change(ds["effect"])
    each = sign_change(xr.DataArray(by_batch, dims=("batch", *dims), coords=ds["effect"].coords))
    ds["turning_se"] = each.std("batch", ddof=1) / BATCHES**0.5
    return ds


def management(draws: xr.Dataset, *, replicates: int, years: int, seed: int, threads: int) -> xr.Dataset:
    """Simulate, on every draw, firms whose execution differs in its population of misalignment.

    Returns
    -------
    xarray.Dataset
        ``log_hazard_ratio``, ``log_hazard_ratio_se`` (draw,), NaN where there is none: of exit within `SURVEYED`
        years, for one standard deviation of execution.
    """
    spread, found = float(np.std(SCORES)), []
    even = np.random.default_rng(seed).uniform(size=(1, replicates, 1))
    for place in range(draws.sizes["draw"]):
        reach = float(draws[POPULATION][place])
        lived = simulate(
            "firm", execution=list(SCORES), misalignment=even * reach,
            parameters={key: float(values[0]) for key, values in _parameters(draws, np.array([place])).items()},
            weeks=min(SURVEYED, years) * WEEKS_PER_YEAR, seed=seed + 1, replicates=replicates, threads=threads,
        )  # fmt: skip
        try:
            fit = proportional_hazards(lived, "execution", ties="breslow")
            found.append((spread * float(fit["estimate"].item()), spread * float(fit["se"].item())))
        except EstimateError:  # in a corner of the prior all firms of a score end at once, or none
            found.append((np.nan, np.nan))
    ratio, error = np.array(found).T
    return xr.Dataset({"log_hazard_ratio": ("draw", ratio), "log_hazard_ratio_se": ("draw", error)})


def _parameters(draws: xr.Dataset, places: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    return {
        str(key): values.values[places]
        for key, values in draws.data_vars.items()
        if values.dims == ("draw",) and key not in (POPULATION, "misfit")
    }


def signs(ds: xr.Dataset) -> dict[str, Floats]:
    """Return the probability on each draw, (draw,), that execution helps the aligned, harms the misaligned, or both."""
    from scipy.stats import norm

    z = ds["effect"] / ds["effect_se"]
    helps, harms = norm.cdf(z.sel(misalignment=0.0)), norm.cdf(-z.sel(misalignment=1.0))
    return {"helps": helps, "harms": harms, "paradox": helps * harms}


def probability(each: Floats, weight: Floats, worth: float) -> Estimate:
    """Return the weighted mean of probabilities, with the binomial error of `worth` draws."""
    return share_of_draws(float((weight * each).sum()), worth)


def averaged(each: Floats, error: Floats, weight: Floats, worth: float) -> Averaged:
    """Average what draws give, (draw,), and its Monte Carlo error, over those where it is defined.

    Parameters
    ----------
    each, error, weight : (draw,) array
    worth : float
        Independent draws that these are worth.
    """
    known = np.isfinite(each)
    if not known.any():
        return Averaged(Estimate(np.nan, np.nan), np.nan, np.nan)
    weight = np.where(known, weight, 0.0) / weight[known].sum()
    each, error = np.where(known, each, 0.0), np.where(np.isfinite(error), error, 0.0)
    mean = float((weight * each).sum())
    spread = float((weight * (each - mean) ** 2).sum())
    noise = float((weight * error**2).sum())
    return Averaged(
        Estimate(mean, float(np.sqrt(spread / worth))), float(np.sqrt(noise)), float(np.sqrt(max(spread - noise, 0.0)))
    )
