"""A posterior as a tree of datasets, in the groups of ArviZ, with what the emulator has done to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.calibration.exits import draw_alive, log_likelihood, shares_of
from firmfate.calibration.posterior_summary import directions, summary
from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.parameter_range import ParameterRange

if TYPE_CHECKING:
    from firmfate.calibration.emulator import Emulator

Floats = NDArray[np.float64]


class Likelihood(Protocol):
    """What is asked of a table's likelihood."""

    @property
    def exits(self) -> Floats: ...

    def misfits(self, points: Floats) -> Floats: ...

    def own(self, exits: Floats) -> Floats: ...


def posterior_groups(
    table: SurvivalTable,
    ranges: Mapping[str, ParameterRange],
    cube: Floats,
    density: Floats,
    likelihood: Likelihood,
    emulator: Emulator,
    checked: Floats,
    simulated: Floats,
    settings: Mapping[str, Any],
) -> xr.DataTree:
    """Return draws (chain, draw, parameter) of the unit cube as the groups that `calibrate_posterior` describes."""
    assert table.firms is not None
    sizes = ("chain", "draw")
    axes = {"chain": np.arange(cube.shape[0]), "draw": np.arange(cube.shape[1])}
    age = {"age": ("age", table.ages, {"units": "year"})}
    values = {
        key: np.vectorize(span.value, otypes=[float])(cube[..., place])
        for place, (key, span) in enumerate(ranges.items())
    }
    flat = emulator.shares(cube.reshape(-1, cube.shape[-1])[:, :-1])
    shares = likelihood.own(flat).reshape(*cube.shape[:2], -1)
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([int(settings["seed"]), 99])))
    alive = draw_alive(shares, values["misfit"], table.firms, random, error=emulator.error)
    about = {"units": "1", "long_name": "share alive"}
    exit_ages = {"exit_age": np.append(table.ages, np.inf)}
    groups = {
        "posterior": xr.Dataset({key: (sizes, drawn) for key, drawn in values.items()}, coords=axes),
        "posterior_predictive": xr.Dataset(
            {"alive": ((*sizes, "age"), alive.astype(np.float32), about)}, coords={**axes, **age}
        ),
        "emulated": xr.Dataset(
            {"share": ((*sizes, "exit_age"), shares.astype(np.float32), {"units": "1"})},
            coords={**axes, **exit_ages},
        ),
        "sample_stats": xr.Dataset({"lp": (sizes, density)}, coords=axes),
        "observed_data": xr.Dataset(
            {"alive": ("age", table.surviving, about), "firms": ((), table.firms, {"units": "1"})}, coords=age
        ),
        "summary": summary(values, ranges),
        "directions": directions(cube, list(ranges)),
        "emulator": check_of(
            likelihood, checked, emulator, likelihood.own(simulated), table.ages, int(settings["firms"])
        ),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {**settings, "inference_library": "emcee"}
    return tree


def check_of(
    likelihood: Likelihood, points: Floats, emulator: Emulator, exits: Floats, ages: Floats, firms: int
) -> xr.Dataset:
    """Hold draws against firms that were simulated for them.

    Parameters
    ----------
    likelihood
        Of the table.
    points : (checked, free + 1) array
        Draws, in the unit cube.
    emulator : Emulator
    exits : (checked, ages + 1) array
        Simulated at these draws, by `firms` firms each that the emulator has not seen.
    ages : (ages,) array
    firms : int

    Returns
    -------
    xarray.Dataset
        ``bias``, ``bias_se`` (age,), the mean over draws of emulated less simulated survival, and its standard error;
        ``spread`` (age,), the standard deviation of a draw's difference, less the simulation's own; ``difference``,
        ``difference_se`` (), the ``bias`` that is largest in size; ``error``, ``error_se``, that of the shares at
        training points held out, as a standard deviation of a share of one half, which the likelihood contains;
        ``effective_share``, the share of draws that weights of simulated over emulated likelihood leave effective.
        The simulation's own error makes it smaller: where that is large beside the misfit, it says little.
    """
    emulated = likelihood.own(emulator.shares(points[:, :-1]))
    off = np.cumsum(exits, axis=1)[:, :-1] / firms - np.cumsum(emulated, axis=1)[:, :-1]
    alive = 1.0 - np.cumsum(emulated, axis=1)[:, :-1]
    known = np.isfinite(off).all(axis=1)
    off, alive = off[known], alive[known]
    bias, bias_se = off.mean(axis=0), off.std(axis=0, ddof=1) / len(off) ** 0.5
    spread = np.sqrt(np.maximum(off.var(axis=0, ddof=1) - (alive * (1 - alive)).mean(axis=0) / firms, 0.0))
    misfit = likelihood.misfits(points)
    real = log_likelihood(likelihood.exits, shares_of(exits), misfit, 1.0 / firms)
    gain = real - log_likelihood(likelihood.exits, emulated, misfit, emulator.error)
    weight = np.exp(gain - gain.max())
    worst = int(np.argmax(np.abs(bias)))
    share = {"units": "1"}
    return xr.Dataset(
        {
            "bias": ("age", bias, {**share, "long_name": "survival, emulated less simulated, mean over draws"}),
            "bias_se": ("age", bias_se, share),
            "spread": ("age", spread, {**share, "long_name": "standard deviation of a draw's difference"}),
            "difference": ((), bias[worst], {**share, "long_name": "largest bias at any age"}),
            "difference_se": ((), bias_se[worst], share),
            "error": ((), 0.5 * emulator.error**0.5, {**share, "long_name": "of a share of one half, held out"}),
            "error_se": ((), 0.25 * emulator.error_se / max(emulator.error, 1e-12) ** 0.5, share),
            "effective_share": ((), weight.sum() ** 2 / (weight**2).sum() / len(weight), share),
            "held_out": ((), emulator.held_out, {**share, "long_name": "training points held out"}),
        },
        coords={"age": ("age", ages, {"units": "year"})},
    )
