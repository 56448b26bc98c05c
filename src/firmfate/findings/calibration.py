"""Calibration: values of named parameters with which a simulated population survives as an observed one.

The distance between simulated and observed survival is made small by simulated least squares (McFadden 1989,
Econometrica 57, 995-1026): every evaluation meets the same luck, so the distance is a function of the parameters. A
Sobol sequence screens the box of ranges; from its best points SciPy's trust-region least squares goes down. Fits are
then judged on firms that they have not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.findings.simulated import Free, SimulatedSurvival
from firmfate.findings.survival_tables import SurvivalTable

Floats = NDArray[np.float64]

STEP = 0.02
"""Half step of the central differences, in the unit cube: far above the resolution of some thousand firms."""

FRESH = 5
"""Times as many firms judge a fit as made it."""


def calibrate(
    model: str,
    targets: SurvivalTable,
    free: Mapping[str, Free | tuple[float, float] | tuple[float, float, bool]],
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
        The best fit is repeated with other luck, and another cohort drawn from the table's own error.
    seed : int
    threads : int

    Returns
    -------
    xarray.Dataset
        Over ``fit`` (best first), ``parameter``, ``age`` (years), ``refit`` and ``direction``:

        ``value`` (fit, parameter); ``fitted`` (fit, age), the survival of fresh firms; ``observed``, ``observed_se``
        (age); ``rms``, ``max_error`` (fit), shares, on fresh firms; ``at_bound`` (fit, parameter), within 1 % of an
        end of the range; ``low``, ``high`` (parameter); ``refitted`` (refit, parameter), ``refit_error`` (refit),
        ``se`` (parameter) their standard deviation; ``pull`` (direction), the singular values of d(survival)/d(unit
        cube) over the error of the simulation: directions with a pull below 2 are not pinned down.

    Raises
    ------
    EstimateError
        Where no point of the screen could be simulated.
    StudyError
        Where a range leaves what the model allows.

    Examples
    --------
    >>> from firmfate.findings.survival_tables import read_survival_table
    >>> table = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    >>> found = calibrate("car", table, {"buffer_mean": (0, 2), "buffer_sd": (0.5, 1.5), "drift": (-0.5, 0)},
    ...                   parameters={"execution": 0, "misalignment": 0}, firms=2000, screen=32, starts=1, refits=2)
    >>> bool(found.max_error[0] < 0.05)
    True
    """
    spans = {key: span if isinstance(span, Free) else Free(*span) for key, span in free.items()}
    if not spans:
        raise EstimateError("calibrate needs at least one free parameter")
    simulated = SimulatedSurvival(
        model, targets.ages, spans, parameters=parameters, population=population, steps_per_week=steps_per_week,
        threads=threads,
    )  # fmt: skip
    begin = _screened(simulated, targets, firms=max(500, firms // 8), points=screen, starts=starts, seed=seed)
    units = np.array([_refined(simulated, targets.surviving, start, firms=firms, seed=seed) for start in begin])
    fresh = simulated.curves(units, firms=FRESH * firms, seed=seed + 1)
    order = np.argsort(_rms(fresh, targets.surviving))
    units, fresh = units[order], fresh[order]

    random = np.random.Generator(np.random.Philox(seed))
    cohorts = [targets.redrawn(random) for _ in range(refits)]
    again = np.array(
        [
            _refined(simulated, cohort, units[0], firms=firms, seed=seed + 2 + place)
            for place, cohort in enumerate(cohorts)
        ]
    ).reshape(refits, len(spans))
    judged = simulated.curves(again, firms=FRESH * firms, seed=seed + 1)
    return _dataset(simulated, targets, units, fresh, again, judged, _pull(simulated, targets, units[0], firms, seed))


def calibrated_tables(
    found: xr.Dataset, *, model: str, parameters: Mapping[str, Any], population: Mapping[str, Any], fit: int = 0
) -> dict[str, Any]:
    """Return the tables [parameters] and [population] of a study with the values of a fit."""
    spans = {
        str(key): Free(float(found["low"].sel(parameter=key)), float(found["high"].sel(parameter=key)))
        for key in found["parameter"].values
    }
    ages = found["age"].values.astype(np.float64)
    template = SimulatedSurvival(model, ages, spans, parameters=parameters, population=population)
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
    """Go down from a point of the unit cube by trust-region least squares."""
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


def _pull(simulated: SimulatedSurvival, targets: SurvivalTable, unit: Floats, firms: int, seed: int) -> Floats:
    """Return by how many errors survival changes along each principal direction of the cube, strongest first."""
    slopes = _slopes(simulated, unit, firms=firms, seed=seed)
    curve = simulated.curves(unit[np.newaxis], firms=firms, seed=seed)[0]
    error = np.sqrt(np.mean(curve * (1.0 - curve) / firms + np.diag(targets.covariance)))
    pull: Floats = np.linalg.svd(slopes, compute_uv=False) / (np.sqrt(len(targets.ages)) * error)
    return pull


def _known(curves: Floats) -> Floats:
    """Put no survivors where nothing could be simulated: far from any table, and finite."""
    return np.nan_to_num(curves, nan=0.0)


def _rms(curves: Floats, surviving: Floats) -> Floats:
    return np.asarray(np.sqrt(np.mean((curves - surviving) ** 2, axis=-1)))


def _dataset(
    simulated: SimulatedSurvival,
    targets: SurvivalTable,
    units: Floats,
    fresh: Floats,
    again: Floats,
    judged: Floats,
    pull: Floats,
) -> xr.Dataset:
    keys = list(simulated.free)
    values = np.array([[simulated.values(unit)[key] for key in keys] for unit in units])
    refitted = np.array([[simulated.values(unit)[key] for key in keys] for unit in again]).reshape(
        len(again), len(keys)
    )
    few = len(refitted) < 2
    spread = np.full(len(keys), np.nan) if few else refitted.std(axis=0, ddof=1)
    share = {"units": "1"}
    return xr.Dataset(
        {
            "value": (("fit", "parameter"), values, {"long_name": "fitted value, in the parameter's own unit"}),
            "fitted": (
                ("fit", "age"),
                fresh,
                {**share, "long_name": "share alive, fresh firms with the fitted values"},
            ),
            "observed": ("age", targets.surviving, {**share, "long_name": f"share alive, {targets.name}"}),
            "observed_se": (
                "age",
                np.sqrt(np.diag(targets.covariance)),
                {**share, "long_name": "sampling and rounding"},
            ),
            "rms": ("fit", _rms(fresh, targets.surviving), {**share, "long_name": "root mean squared difference"}),
            "max_error": (
                "fit",
                np.abs(fresh - targets.surviving).max(axis=1),
                {**share, "long_name": "largest difference of fitted and observed survival at any age"},
            ),
            "at_bound": (
                ("fit", "parameter"),
                (units < 0.01) | (units > 0.99),
                {"long_name": "at an end of its range"},
            ),
            "low": ("parameter", [simulated.free[key].low for key in keys]),
            "high": ("parameter", [simulated.free[key].high for key in keys]),
            "refitted": (("refit", "parameter"), refitted, {"long_name": "value with other luck and another cohort"}),
            "refit_error": ("refit", np.abs(judged - targets.surviving).max(axis=1) if len(again) else []),
            "se": ("parameter", spread, {"long_name": "standard deviation of the refitted values"}),
            "pull": ("direction", pull, {"long_name": "change of survival along a direction of the ranges, in errors"}),
        },
        coords={"parameter": keys, "age": ("age", targets.ages, {"units": "year"}), "fit": np.arange(len(units))},
        attrs={"target": targets.name},
    )
