"""Screens of many parameters by elementary effects: Morris (1991, Technometrics 33, 161-174), computed by SALib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.parameter_range import Ranges, ranges_of
from firmfate.sensitivity.by_point import (
    Estimator,
    Floats,
    Z,
    check_seed,
    estimates_of,
    over_other_dims,
    points_of,
    problem_of,
    salib,
)


@dataclass(frozen=True, eq=False)
class MorrisDesign:
    """Trajectories through the box of some parameters, each of whose steps changes one parameter.

    Attributes
    ----------
    points : dict
        Parameter -> (points,) array, trajectory by trajectory; trajectories may meet.
    levels : int
        Values that every parameter takes.

    Examples
    --------
    See `morris_design`.
    """

    points: Mapping[str, Floats]
    levels: int

    @property
    def cells(self) -> list[dict[str, float]]:
        """The points, each once, as a study lists its cells."""
        rows = dict.fromkeys(zip(*(values.tolist() for values in self.points.values()), strict=True))
        return [dict(zip(self.points, row, strict=True)) for row in rows]


def morris_design(ranges: Ranges, *, trajectories: int, seed: int, levels: int = 4) -> MorrisDesign:
    """Draw trajectories for a screen.

    Parameters
    ----------
    ranges : mapping
        Parameter -> `ParameterRange`, (low, high) or (low, high, log).
    trajectories : int
        From 2 on; each has one point more than there are parameters; 10 to 50 are usual.
    seed : int
        From 1 on.
    levels : int
        Values that every parameter takes, an even number.

    Raises
    ------
    EstimateError
        Where SALib is not installed, or an argument is not what is allowed.

    Examples
    --------
    >>> from firmfate.sensitivity import elementary_effects, morris_design
    >>> design = morris_design({"misalignment": (0, 1), "cash_buffer": (3, 30, True)}, trajectories=4, seed=1)
    >>> len(design.points["misalignment"]), len(design.cells)  # trajectories meet
    (12, 6)
    >>> {key: round(value, 3) for key, value in design.cells[0].items()}
    {'misalignment': 0.333, 'cash_buffer': 3.0}

    A study lists them, and `elementary_effects` takes its counts:

    >>> import firmfate
    >>> from firmfate.survival import rmst
    >>> study = firmfate.Study(study={"name": "screen", "years": 5, "replicates": 200}, cells=design.cells)
    >>> ds = firmfate.run(study, into="runs/screen", progress=False)
    >>> found = elementary_effects(ds, rmst, design)
    >>> found["mu"].sel(parameter="misalignment").item() < 0 < found["mu"].sel(parameter="cash_buffer").item()
    True
    """
    check_seed(seed)
    if trajectories < 2:
        raise EstimateError(f"trajectories = {trajectories}: an integer from 2 on; errors are from their spread")
    if levels < 2 or levels % 2:
        raise EstimateError(f"levels = {levels}: an even number from 2 on")
    spans = ranges_of(ranges)
    unit = np.asarray(
        salib("sample.morris").sample(problem_of(list(spans)), trajectories, num_levels=levels, seed=seed)
    )
    points = {
        key: np.array([span.value(at) for at in unit[:, column].tolist()])
        for column, (key, span) in enumerate(spans.items())
    }
    return MorrisDesign(points, levels)


def elementary_effects(
    ds: xr.Dataset, f: Estimator, design: MorrisDesign, *, seed: int = 1, resamples: int = 500, **options: Any
) -> xr.Dataset:
    """Estimate how much going through all of a parameter's range changes an estimate, over a screen.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of cells that hold the points of the design, in any order.
    f : callable
        An estimator of `firmfate.survival`, or any function of a dataset of counts that returns a Dataset with
        ``estimate``, or a DataArray, over ``cell`` and any other dims.
    design : MorrisDesign
        The screen.
    seed : int
        Of the bootstrap, from 1 on.
    resamples : int
        Of the bootstrap.
    **options
        Passed to `f`, for example ``tau=520``.

    Returns
    -------
    xarray.Dataset
        Over the estimate's other dims and ``parameter``, in the estimate's unit: ``mu_star``, the mean size of an
        effect, and ``mu_star_se`` (bootstrap over trajectories); ``mu``, the mean with its sign, and ``mu_se``;
        ``sigma``, the standard deviation over trajectories, which is large where the effect depends on others. Errors
        are those of the trajectories; firms' random numbers are held fixed.

    Raises
    ------
    EstimateError
        Where SALib is not installed, cells lack points of the design, or a cell has no estimate.

    Examples
    --------
    See `morris_design`.
    """
    check_seed(seed)
    names = [key.replace(".", "_") for key in design.points]
    unit = np.stack(list(design.points.values()), axis=-1)
    estimates = estimates_of(ds, f, options)
    estimates = estimates.isel(cell=_places(unit, names, points_of(ds)))
    analysis, problem = salib("analyze.morris"), problem_of(names)

    def analyse(vector: Floats) -> dict[str, Any]:
        found = analysis.analyze(problem, unit, vector, num_levels=design.levels, num_resamples=resamples, seed=seed)
        mu_star_se = np.asarray(found["mu_star_conf"], dtype=np.float64) / Z
        trajectories = len(unit) / (len(names) + 1)
        return {**found, "mu_star_se": mu_star_se, "mu_se": np.asarray(found["sigma"]) / trajectories**0.5}

    measures = ("mu_star", "mu_star_se", "mu", "mu_se", "sigma")
    found = over_other_dims(estimates, analyse, dict.fromkeys(measures, ("parameter",)))
    for name in measures:
        found[name].attrs = {"units": estimates.attrs.get("units", "1")}
    return found.assign_coords(parameter=names)


def _places(points: Floats, names: list[str], cells: Mapping[str, Floats]) -> list[int]:
    """Return in which cell each point of a design lies; values in studies have 12 significant digits."""
    if missing := [name for name in names if name not in cells]:
        raise EstimateError(f"the cells have no axis {', '.join(missing)}; their axes: {', '.join(cells)}")
    table = np.stack([cells[name] for name in names], axis=-1)
    found = []
    for place, point in enumerate(points):
        hits = np.flatnonzero(np.isclose(table, point, rtol=1e-9, atol=1e-12).all(axis=1))
        if not hits.size:
            where = ", ".join(f"{name} {value:g}" for name, value in zip(names, point.tolist(), strict=True))
            raise EstimateError(f"no cell holds point {place} of the design: {where}")
        found.append(int(hits[0]))
    return found
