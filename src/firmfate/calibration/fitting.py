"""Calibration: values of named parameters with which a simulated population survives as an observed one.

The distance between simulated and observed survival is minimised by simulated least squares (McFadden 1989,
Econometrica 57, 995-1026): every evaluation uses the same random numbers, so the distance is a function of the
parameters. A Sobol sequence screens the box of ranges; SciPy's trust-region least squares starts from its best points.
Fits are then validated on firms with other random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.calibration.simulated_survival import SimulatedSurvival
from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange, Ranges, ranges_of

Floats = NDArray[np.float64]

STEP = 0.02
"""Half step of the central differences, in the unit cube: far above the resolution of some thousand firms."""

VALIDATION = 5
"""How many times as many firms validate a fit as are simulated at each evaluation."""


def calibrate(
    model: str,
    targets: SurvivalTable,
    free: Ranges,
    *,
    parameters: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    steps_per_week: float | None = None,
    firms: int = 20_000,
    screen: int = 512,
    starts: int = 4,
    refits: int = 8,
    seed: int = 20261123,
    threads: int = 1,
) -> xr.Dataset:
    """Fit free parameters of a population to a survival table.

    Parameters
    ----------
    model : str
        As a study names it.
    targets : SurvivalTable
    free : mapping
        Key of a parameter, or ``population.KEY.ARGUMENT`` -> (low, high) or (low, high, log).
    parameters, population : mapping
        What is fixed: the tables [parameters] and [population] of a study.
    steps_per_week : float, optional
        The model's own where not given.
    firms : int
        Firms simulated at each evaluation; the screen takes an eighth of them.
    screen : int
        Points of the screen, a power of two.
    starts : int
        How many of its best points are refined: several fits that are equally good show what the table leaves open.
    refits : int
        How often the best fit is repeated with other random numbers and another cohort drawn from the table's error.
    seed : int
    threads : int

    Returns
    -------
    xarray.Dataset
        Over ``fit`` (best first), ``parameter``, ``age`` (years), ``refit`` and ``direction``:

        ``value`` (fit, parameter); ``fitted`` (fit, age), the survival of firms with other random numbers than those
        of the fit; ``observed``, ``observed_se`` (age); ``rms``, ``max_error`` (fit), shares, of ``fitted``;
        ``at_bound`` (fit, parameter), within 1 % of a limit of the range; ``low``, ``high`` (parameter); ``refitted``
        (refit, parameter), ``refit_error`` (refit), ``se`` (parameter), the standard deviation of ``refitted``;
        ``signal_to_noise`` (direction), the singular values of d(survival)/d(unit cube) over the error of the
        simulation: directions with a value below 2 are not identified.

    Raises
    ------
    EstimateError
        Where no point of the screen could be simulated.
    StudyError
        Where a range leaves what the model allows.

    Examples
    --------
    >>> from firmfate.calibration import calibrate, read_survival_table
    >>> table = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    >>> found = calibrate("car", table, {"buffer_mean": (0, 2), "buffer_sd": (0.5, 1.5), "drift": (-0.5, 0)},
    ...                   parameters={"execution": 0, "misalignment": 0}, firms=2000, screen=32, starts=1, refits=2)
    >>> bool(found.max_error[0] < 0.05)
    True
    """
    ranges = ranges_of(free)
    if not ranges:
        raise EstimateError("calibrate needs at least one free parameter")
    simulated = SimulatedSurvival(
        model, targets.ages, ranges, parameters=parameters, population=population, steps_per_week=steps_per_week,
        threads=threads,
    )  # fmt: skip
    start_points = _screened(simulated, targets, firms=max(500, firms // 8), points=screen, starts=starts, seed=seed)
    units = np.array([_refined(simulated, targets.surviving, start, firms=firms, seed=seed) for start in start_points])
    validated = simulated.curves(units, firms=VALIDATION * firms, seed=seed + 1)
    order = np.argsort(_rms(validated, targets.surviving))
    units, validated = units[order], validated[order]

    random = np.random.Generator(np.random.Philox(seed))
    cohorts = [targets.redrawn(random) for _ in range(refits)]
    refitted = np.array(
        [
            _refined(simulated, cohort, units[0], firms=firms, seed=seed + 2 + place)
            for place, cohort in enumerate(cohorts)
        ]
    ).reshape(refits, len(ranges))
    refits_validated = simulated.curves(refitted, firms=VALIDATION * firms, seed=seed + 1)
    signal = _signal_to_noise(simulated, targets, units[0], firms, seed)
    return _dataset(simulated, targets, units, validated, refitted, refits_validated, signal)


def calibrated_tables(
    found: xr.Dataset, *, model: str, parameters: Mapping[str, Any], population: Mapping[str, Any], fit: int = 0
) -> dict[str, Any]:
    """Return the tables [parameters] and [population] of a study with the values of a fit.

    Examples
    --------
    >>> import numpy as np
    >>> from firmfate.calibration import SurvivalTable, calibrate, calibrated_tables
    >>> table = SurvivalTable(ages=np.array([1.0, 5.0]), surviving=np.array([0.8, 0.5]), firms=400)
    >>> fixed = {"execution": 0, "misalignment": 0}
    >>> found = calibrate("car", table, {"drift": (-0.5, 0)}, parameters=fixed, firms=256, screen=8, starts=1, refits=0)
    >>> tables = calibrated_tables(found, model="car", parameters=fixed, population={})
    >>> tables["parameters"] == {**fixed, "drift": float(found.value[0, 0])}
    True
    """
    ranges = {
        str(key): ParameterRange(float(found["low"].sel(parameter=key)), float(found["high"].sel(parameter=key)))
        for key in found["parameter"].values
    }
    ages = found["age"].values.astype(np.float64)
    template = SimulatedSurvival(model, ages, ranges, parameters=parameters, population=population)
    values = found["value"].isel(fit=fit)
    tables = template.tables({str(key): float(values.sel(parameter=key)) for key in found["parameter"].values})
    return {name: tables[name] for name in ("parameters", "population") if tables.get(name)}


def _screened(
    simulated: SimulatedSurvival, targets: SurvivalTable, *, firms: int, points: int, starts: int, seed: int
) -> Floats:
    """Return the best points of a Sobol sequence, (starts, free)."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(len(simulated.free), rng=np.random.Generator(np.random.Philox(seed)))
    cube: Floats = sequence.random(points)
    distance = _rms(simulated.curves(cube, firms=firms, seed=seed), targets.surviving)
    if not np.isfinite(distance).any():
        raise EstimateError("no point of the screen could be simulated; narrow the ranges of the free parameters")
    best: Floats = cube[np.argsort(np.nan_to_num(distance, nan=np.inf))[:starts]]
    return best


def _refined(simulated: SimulatedSurvival, surviving: Floats, start: Floats, *, firms: int, seed: int) -> Floats:
    """Minimise the distance from a point of the unit cube on by trust-region least squares."""
    from scipy.optimize import least_squares

    def residuals(unit: Floats) -> Floats:
        return _known(simulated.curves(unit[np.newaxis], firms=firms, seed=seed)[0]) - surviving

    def slopes(unit: Floats) -> Floats:
        return _slopes(simulated, unit, firms=firms, seed=seed)

    start = np.clip(start, 0.005, 0.995)
    found = least_squares(residuals, start, jac=slopes, bounds=(0.0, 1.0), xtol=1e-3, ftol=1e-4, max_nfev=12)
    return np.asarray(found.x)


def _slopes(simulated: SimulatedSurvival, unit: Floats, *, firms: int, seed: int) -> Floats:
    """Return d(survival)/d(unit cube), (ages, free), by central differences inside the cube."""
    eye = np.eye(len(unit)) * STEP
    up, down = np.clip(unit + eye, 0, 1), np.clip(unit - eye, 0, 1)
    curves = _known(simulated.curves(np.concatenate([up, down]), firms=firms, seed=seed))
    widths = (up - down).sum(axis=1)
    slopes: Floats = ((curves[: len(unit)] - curves[len(unit) :]) / widths[:, np.newaxis]).T
    return slopes


def _signal_to_noise(
    simulated: SimulatedSurvival, targets: SurvivalTable, unit: Floats, firms: int, seed: int
) -> Floats:
    """Return by how many errors survival changes along each principal direction of the cube, strongest first."""
    slopes = _slopes(simulated, unit, firms=firms, seed=seed)
    curve = simulated.curves(unit[np.newaxis], firms=firms, seed=seed)[0]
    error = np.sqrt(np.mean(curve * (1.0 - curve) / firms + np.diag(targets.covariance)))
    ratios: Floats = np.linalg.svd(slopes, compute_uv=False) / (np.sqrt(len(targets.ages)) * error)
    return ratios


def _known(curves: Floats) -> Floats:
    """Replace NaN, where nothing could be simulated, by no survivors: far from any table, and finite."""
    return np.nan_to_num(curves, nan=0.0)


def _rms(curves: Floats, surviving: Floats) -> Floats:
    return np.asarray(np.sqrt(np.mean((curves - surviving) ** 2, axis=-1)))


def _dataset(
    simulated: SimulatedSurvival,
    targets: SurvivalTable,
    units: Floats,
    validated: Floats,
    refits: Floats,
    refits_validated: Floats,
    signal_to_noise: Floats,
) -> xr.Dataset:
    keys = list(simulated.free)
    values = np.array([[simulated.values(unit)[key] for key in keys] for unit in units])
    refitted = np.array([[simulated.values(unit)[key] for key in keys] for unit in refits]).reshape(
        len(refits), len(keys)
    )
    few = len(refitted) < 2
    spread = np.full(len(keys), np.nan) if few else refitted.std(axis=0, ddof=1)
    share = {"units": "1"}
    return xr.Dataset(
        {
            "value": (("fit", "parameter"), values, {"long_name": "fitted value, in the parameter's own unit"}),
            "fitted": (
                ("fit", "age"),
                validated,
                {**share, "long_name": "share alive, other firms with the fitted values"},
            ),
            "observed": ("age", targets.surviving, {**share, "long_name": f"share alive, {targets.name}"}),
            "observed_se": (
                "age",
                np.sqrt(np.diag(targets.covariance)),
                {**share, "long_name": "sampling and rounding"},
            ),
            "rms": ("fit", _rms(validated, targets.surviving), {**share, "long_name": "root mean squared difference"}),
            "max_error": (
                "fit",
                np.abs(validated - targets.surviving).max(axis=1),
                {**share, "long_name": "largest difference of fitted and observed survival at any age"},
            ),
            "at_bound": (
                ("fit", "parameter"),
                (units < 0.01) | (units > 0.99),
                {"long_name": "at a limit of its range"},
            ),
            "low": ("parameter", [simulated.free[key].low for key in keys]),
            "high": ("parameter", [simulated.free[key].high for key in keys]),
            "refitted": (
                ("refit", "parameter"),
                refitted,
                {"long_name": "value with other random numbers and another cohort"},
            ),
            "refit_error": ("refit", np.abs(refits_validated - targets.surviving).max(axis=1) if len(refits) else []),
            "se": ("parameter", spread, {"long_name": "standard deviation of the refitted values"}),
            "signal_to_noise": (
                "direction",
                signal_to_noise,
                {"long_name": "change of survival along a direction of the ranges, in errors"},
            ),
        },
        coords={"parameter": keys, "age": ("age", targets.ages, {"units": "year"}), "fit": np.arange(len(units))},
        attrs={"target": targets.name},
    )
