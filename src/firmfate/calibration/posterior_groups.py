"""A posterior as a tree of datasets, in the groups of ArviZ, with what the emulator has done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.calibration.exits import ExitLikelihood, draw_alive, roots_of
from firmfate.calibration.posterior_summary import directions, summary
from firmfate.calibration.sampling import Sample
from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.parameter_range import ParameterRange

Floats = NDArray[np.float64]


def posterior_groups(
    table: SurvivalTable,
    ranges: Mapping[str, ParameterRange],
    misfit: ParameterRange,
    runs: Sequence[Sample],
    exits: Floats,
    error: Floats,
    roots_at: Callable[[Floats], Floats],
    checked: Floats,
    simulated: Floats,
    settings: Mapping[str, Any],
) -> xr.DataTree:
    """Return the draws of independent runs as the groups that `calibrate_posterior` describes.

    Parameters
    ----------
    table : SurvivalTable
    ranges : mapping
    misfit : ParameterRange
    runs : sequence of Sample
    exits : (ages + 1,) array
        Counted.
    error : (ages + 1, ages + 1) array
        Covariance of emulated roots.
    roots_at : callable
        Points in the unit cube (points, free) -> emulated roots (points, ages + 1).
    checked, simulated : (checked, free) and (checked, ages + 1) array
        Points that were simulated for real, and their exits.
    settings : mapping
    """
    assert table.firms is not None
    sizes, cube = ("chain", "draw"), np.stack([run.cube for run in runs])
    axes = {"chain": np.arange(cube.shape[0]), "draw": np.arange(cube.shape[1])}
    age = {"age": ("age", table.ages, {"units": "year"})}
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([int(settings["seed"]), 99])))
    roots = roots_at(cube.reshape(-1, cube.shape[-1]))
    sizes_of_misfit = ExitLikelihood(exits, misfit, error).misfits(roots, random)
    values = {
        key: np.vectorize(span.value, otypes=[float])(cube[..., place])
        for place, (key, span) in enumerate(ranges.items())
    }
    values["misfit"] = sizes_of_misfit.reshape(cube.shape[:2])
    alive = draw_alive(roots, sizes_of_misfit, table.firms, random, error=error).reshape(*cube.shape[:2], -1)
    about = {"units": "1", "long_name": "share alive"}
    exit_ages = {"exit_age": np.append(table.ages, np.inf)}
    shares = (roots**2).reshape(*cube.shape[:2], -1)
    per_run = {
        "log_evidence": ("chain", [run.log_evidence for run in runs], {"long_name": "up to a constant"}),
        "powers": ("chain", [run.powers for run in runs], {"long_name": "steps from the prior to the posterior"}),
        "accepted": ("chain", [run.accepted for run in runs], {"units": "1", "long_name": "share of moves"}),
    }
    groups = {
        "posterior": xr.Dataset({key: (sizes, drawn) for key, drawn in values.items()}, coords=axes),
        "posterior_predictive": xr.Dataset(
            {"alive": ((*sizes, "age"), alive.astype(np.float32), about)}, coords={**axes, **age}
        ),
        "emulated": xr.Dataset(
            {"share": ((*sizes, "exit_age"), shares.astype(np.float32), {"units": "1"})},
            coords={**axes, **exit_ages},
        ),
        "sample_stats": xr.Dataset({"lp": (sizes, np.stack([run.log_density for run in runs]))}, coords=axes),
        "runs": xr.Dataset(per_run, coords={"chain": axes["chain"]}),
        "observed_data": xr.Dataset(
            {"alive": ("age", table.surviving, about), "firms": ((), table.firms, {"units": "1"})}, coords=age
        ),
        "summary": summary(values, {**ranges, "misfit": misfit}),
        "directions": directions(cube, list(ranges)),
        "emulator": check_of(roots_at(checked), simulated, table.ages, int(settings["firms"]), error),
    }  # fmt: skip
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {**settings, "inference_library": "firmfate"}
    return tree


def check_of(roots: Floats, simulated: Floats, ages: Floats, firms: int, error: Floats) -> xr.Dataset:
    """Hold draws against firms that were simulated for them.

    Parameters
    ----------
    roots : (checked, ages + 1) array
        Emulated at the draws.
    simulated : (checked, ages + 1) array
        Exits of `firms` firms each that the emulator has not seen.
    ages : (ages,) array
    firms : int
    error : (ages + 1, ages + 1) array
        Covariance of emulated roots that the likelihood contains.

    Returns
    -------
    xarray.Dataset
        ``bias``, ``bias_se`` (age,), the mean over draws of emulated less simulated survival, and its standard error;
        ``spread`` (age,), the standard deviation of a draw's difference, less the simulation's own; ``difference``,
        ``difference_se`` (), the ``bias`` that is largest in size; ``error``, the emulator's at training points
        held out, as a standard deviation of a share of one half; ``error_covariance`` of square roots of shares;
        ``chi_squared``, ``chi_squared_se``, squared differences of roots over the variance that the emulator's error
        and the simulation's own give them, mean over directions and draws: above 1 the error is too small.
    """
    off = np.cumsum(simulated, axis=1)[:, :-1] / firms - np.cumsum(roots**2, axis=1)[:, :-1]
    alive = 1.0 - np.cumsum(roots**2, axis=1)[:, :-1]
    known = np.isfinite(off).all(axis=1)
    off, alive = off[known], alive[known]
    bias, bias_se = off.mean(axis=0), off.std(axis=0, ddof=1) / len(off) ** 0.5
    spread = np.sqrt(np.maximum(off.var(axis=0, ddof=1) - (alive * (1 - alive)).mean(axis=0) / firms, 0.0))
    middle = roots.mean(axis=0)
    tangent = np.linalg.svd(middle[np.newaxis])[2][1:].T
    variance = tangent.T @ (error + np.eye(len(error)) / (4.0 * firms)) @ tangent
    differences = (roots_of(simulated[known]) - roots[known]) @ tangent
    each = (differences * np.linalg.solve(variance, differences.T).T).mean(axis=1)
    worst = int(np.argmax(np.abs(bias)))
    share = {"units": "1"}
    return xr.Dataset(
        {
            "bias": ("age", bias, {**share, "long_name": "survival, emulated less simulated, mean over draws"}),
            "bias_se": ("age", bias_se, share),
            "spread": ("age", spread, {**share, "long_name": "standard deviation of a draw's difference"}),
            "difference": ((), bias[worst], {**share, "long_name": "largest bias at any age"}),
            "difference_se": ((), bias_se[worst], share),
            "error": ((), float(np.trace(error) / len(ages)) ** 0.5, {**share, "long_name": "of a share of one half"}),
            "error_covariance": (("exit_age", "exit_age_too"), error, share),
            "chi_squared": ((), each.mean(), {**share, "long_name": "squared differences over their variance"}),
            "chi_squared_se": ((), each.std(ddof=1) / len(each) ** 0.5, share),
        },
        coords={"age": ("age", ages, {"units": "year"})},
    )  # fmt: skip
