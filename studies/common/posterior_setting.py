"""What all fits of the posterior's study share: tables, free parameters, population, and how draws are chosen."""

from __future__ import annotations

import numpy as np
import xarray as xr

from common.firm_ranges import FIRM_RANGES
from firmfate.parameter_range import ParameterRange

COHORTS = range(1994, 2001)
OLDEST = 20
FREE = {
    **FIRM_RANGES,
    "cost_gain": ParameterRange(0, 0.1),
    "population.misalignment.high": ParameterRange(0.05, 1),
}
"""The ranges of baseline, that of robustness for `cost_gain`, and how far misalignment reaches in the population."""

MIXED = {"execution": {"uniform": [0, 1]}, "misalignment": {"uniform": {"low": 0.0, "high": 1.0}}}
TINY = 1_000
"""Firms below which a run only tries the study out."""


def size(firms: int, *, tiny: int, small: int, full: int) -> int:
    """Return what a run of so many firms a point takes of something."""
    return tiny if firms < TINY else full if firms >= 10 * TINY else small


def points(firms: int) -> int:
    """Return the training points of a wave."""
    return size(firms, tiny=128, small=2_048, full=8_192)


def waves(firms: int) -> int:
    """Return the waves of training points."""
    return size(firms, tiny=2, small=3, full=3)


def replicates(firms: int) -> int:
    """Return the firms of a cell in which effects are simulated."""
    return 64 if firms < TINY else firms // 10


def thinned(tree: xr.DataTree, draws: int) -> xr.Dataset:
    """Return draws of the posterior, evenly over all runs, with the emulated shares of exits."""
    both = tree["posterior"].to_dataset().assign(share=tree["emulated"]["share"])
    flat = both.stack(all=("chain", "draw")).reset_index("all", drop=True)
    places = np.linspace(0, flat.sizes["all"] - 1, draws).round().astype(int)
    chosen = flat.isel(all=places).rename(all="draw").drop_vars(["chain", "draw"], errors="ignore")
    return chosen.assign_coords(draw=np.arange(draws)).transpose("draw", ...)


def bands(tree: xr.DataTree) -> xr.DataArray:
    """Return limits and median of the predicted survival, (limit, age)."""
    alive = tree["posterior_predictive"]["alive"].quantile([0.025, 0.5, 0.975], dim=("chain", "draw"))
    found: xr.DataArray = alive.astype(np.float64).rename(quantile="limit")
    return found
