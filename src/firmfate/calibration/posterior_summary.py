"""What a posterior says of each parameter, how well it was sampled, and which directions the data have narrowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange

Floats = NDArray[np.float64]


def summary(values: Mapping[str, Floats], ranges: Mapping[str, ParameterRange]) -> xr.Dataset:
    """Summarise draws of parameters, each (chain, draw).

    Returns
    -------
    xarray.Dataset
        Over ``parameter``: ``mean``, ``sd``, ``median``, ``lower`` and ``upper`` (95 % limits), in the parameter's
        own unit; ``r_hat`` (rank-normalised, split; Vehtari et al. 2021), ``ess_bulk``, ``ess_tail``, with runs as
        chains; ``mcse``, the Monte Carlo error of the mean; ``low``, ``high``, the range of the prior.
    """
    try:
        from arviz_stats.base import array_stats
    except ImportError:
        raise EstimateError("a posterior needs arviz-stats: pip install 'firmfate[posterior]'") from None

    rows = {}
    for key, drawn in values.items():
        axes = {"chain_axis": 0, "draw_axis": 1}
        lower, median, upper = np.quantile(drawn, [0.025, 0.5, 0.975])
        rows[key] = {
            "mean": drawn.mean(),
            "sd": drawn.std(ddof=1),
            "median": median,
            "lower": lower,
            "upper": upper,
            "r_hat": array_stats.rhat(drawn, **axes),
            "ess_bulk": array_stats.ess(drawn, **axes, method="bulk"),
            "ess_tail": array_stats.ess(drawn, **axes, method="tail", prob=0.9),
            "mcse": array_stats.mcse(drawn, **axes),
            "low": ranges[key].low,
            "high": ranges[key].high,
        }
    names = next(iter(rows.values()))
    return xr.Dataset(
        {name: ("parameter", [float(row[name]) for row in rows.values()]) for name in names},
        coords={"parameter": list(rows)},
    )


def directions(cube: Floats, keys: Sequence[str]) -> xr.Dataset:
    """Return along which directions of the unit cube the posterior is narrower than the prior.

    Parameters
    ----------
    cube : (chain, draw, parameter) array
        Draws in the unit cube, where the prior is even.
    keys : sequence of str

    Returns
    -------
    xarray.Dataset
        ``narrowed`` (direction), the standard deviation of the prior over that of the posterior, strongest first:
        directions below 2 are not identified; ``weight`` (direction, parameter), unit vectors.
    """
    points = cube.reshape(-1, cube.shape[-1])
    spread, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points.T)))
    narrowed = np.sqrt(1.0 / 12.0 / np.maximum(spread, 1e-12))
    return xr.Dataset(
        {
            "narrowed": ("direction", narrowed, {"long_name": "standard deviation of the prior over the posterior's"}),
            "weight": (("direction", "parameter"), vectors.T),
        },
        coords={"parameter": list(keys)},
    )
