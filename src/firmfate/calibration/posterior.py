"""The posterior of free parameters, given the exits of cohorts by age: Monte Carlo over an emulated likelihood.

The simulation knows no cohort, so one set of training points serves all: a Sobol sequence over the box, then points
drawn from the posteriors that a first emulator gives, widened (history matching: Andrianakis et al. 2015, PLoS
Computational Biology 11, e1003968). Draws are then simulated for real, which says what the emulator has done to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.calibration.emulator import Emulator
from firmfate.calibration.exits import concentration, exits_of, log_likelihood
from firmfate.calibration.posterior_groups import posterior_groups
from firmfate.calibration.sampling import sampled
from firmfate.calibration.simulated_survival import SimulatedSurvival
from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.calibration.training import simulated_exits
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange, Ranges, ranges_of

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

MISFIT = ParameterRange(0.001, 0.05, log=True)
"""The prior of the misfit, standard deviation of a share of one half: a tenth of a percentage point to five."""

WIDENED = 0.5
"""Standard deviation of what is added to draws that become training points, in those of their posterior."""

PLAUSIBLE = 4.0
"""Distance of simulated from counted shares, in variances of the largest misfit, beyond which points are left out."""

FEWEST_STEPS = 8


def calibrate_posterior(
    model: str,
    targets: SurvivalTable,
    free: Ranges,
    *,
    parameters: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    steps_per_week: float | None = None,
    misfit: ParameterRange | tuple[float, float] | tuple[float, float, bool] = MISFIT,
    points: int = 2_048,
    firms: int = 4_000,
    waves: int = 2,
    walkers: int = 64,
    steps: int = 4_000,
    checked: int = 64,
    seed: int = 20261123,
    threads: int = 1,
    folder: str | Path | None = None,
    progress: bool = False,
) -> xr.DataTree:
    """Draw from the posterior of free parameters, given the exits of a cohort by age.

    The prior is even over the box of ranges, on a logarithmic scale where a range says so. The likelihood is
    Dirichlet-multinomial: the cohort's sampling error, the emulator's error, and a misfit of the model whose size is
    drawn with the parameters.

    Parameters
    ----------
    model : str
        As a study names it.
    targets : SurvivalTable
        With the number of firms, as of `establishment_table`.
    free : mapping
        Key of a parameter, or ``population.KEY.ARGUMENT`` -> (low, high) or (low, high, log).
    parameters, population : mapping
        What is fixed: the tables [parameters] and [population] of a study.
    steps_per_week : float, optional
        The model's own where not given.
    misfit : tuple
        Range of the misfit: the standard deviation, over models as good as this one, of a share of one half.
    points : int
        Training points of each wave, a power of two. Memory and time of a step grow with them.
    firms : int
        Firms simulated at each training point and at each draw that is checked.
    waves : int
        1: training points over the box alone; each further wave draws as many from the posterior found before.
    walkers : int
        Walkers in each of two ensembles, at least twice as many as there are free parameters and the misfit.
    steps : int
        Steps of every walker; the first half is left out.
    checked : int
        Draws that are simulated for real in the end.
    seed : int
    threads : int
        The result does not depend on it.
    folder : path, optional
        Where simulated training points are kept, so that an interrupted run goes on, and others reuse them.
    progress : bool
        Show a bar for each ensemble.

    Returns
    -------
    xarray.DataTree
        Groups as ArviZ names them, over ``chain`` (a walker), ``draw`` and ``age`` (years): ``posterior``, one
        variable a free parameter, and ``misfit``; ``posterior_predictive``, ``alive``, shares of new cohorts of the
        same size; ``sample_stats``, ``lp``; ``observed_data``, ``alive``; ``emulated``, ``share``, of exits between
        ages, of which the last are alive at the end. Beside them ``summary`` over ``parameter``: ``mean``, ``sd``,
        limits, ``r_hat``, ``ess_bulk``, ``ess_tail``; ``directions``: by what factor the standard deviation of the
        prior has shrunk along each principal direction of the box, strongest first; ``emulator``: its error, and of
        draws simulated for real ``difference``, the largest at any age of the mean survival, emulated less simulated,
        ``effective_share``, and what else `check_of` describes.

    Raises
    ------
    EstimateError
        Where too few points could be simulated, there are too few walkers or steps, the table has no numbers
        of firms, or emcee or arviz-stats is not installed.
    StudyError
        Where a range leaves what the model allows.

    Examples
    --------
    >>> from firmfate.calibration import calibrate_posterior, establishment_table
    >>> found = calibrate_posterior("car", establishment_table(cohorts=2013), {"drift": (-0.5, 0)}, firms=500,
    ...                             points=64, waves=1, walkers=8, steps=40, checked=8)
    >>> found["posterior"]["drift"].sizes
    Frozen({'chain': 16, 'draw': 20})
    """
    return calibrate_posteriors(
        model, [targets], free, parameters=parameters, population=population, steps_per_week=steps_per_week,
        misfit=misfit, points=points, firms=firms, waves=waves, walkers=walkers, steps=steps, checked=checked,
        seed=seed, threads=threads, folder=folder, progress=progress,
    )[0]  # fmt: skip


def calibrate_posteriors(
    model: str,
    targets: Sequence[SurvivalTable],
    free: Ranges,
    *,
    parameters: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    steps_per_week: float | None = None,
    misfit: ParameterRange | tuple[float, float] | tuple[float, float, bool] = MISFIT,
    points: int = 2_048,
    firms: int = 4_000,
    waves: int = 2,
    walkers: int = 64,
    steps: int = 4_000,
    checked: int = 64,
    seed: int = 20261123,
    threads: int = 1,
    folder: str | Path | None = None,
    progress: bool = False,
) -> list[xr.DataTree]:
    """Draw from the posterior given each of several cohorts, whose training points are the same.

    Parameters
    ----------
    model : str
    targets : sequence of SurvivalTable
        Each has a posterior of its own; their ages may differ.
    free, parameters, population, steps_per_week, misfit, points, firms, waves, walkers, steps, checked, seed, threads,
    folder, progress
        As of `calibrate_posterior`.

    Returns
    -------
    list of xarray.DataTree
        One a table, as `calibrate_posterior` returns it.

    Raises
    ------
    EstimateError, StudyError
        As `calibrate_posterior`.
    """
    ranges, box = ranges_of(free), ParameterRange(*misfit)
    counted = [exits_of(table) for table in targets]
    _refuse(len(ranges), len(targets), points, waves, walkers, steps)
    ages = np.unique(np.concatenate([table.ages for table in targets]))
    simulated = SimulatedSurvival(
        model, ages, ranges, parameters=parameters, population=population, steps_per_week=steps_per_week,
        threads=threads,
    )  # fmt: skip
    kept: dict[str, Any] = {"firms": firms, "seed": seed, "folder": None if folder is None else Path(folder)}
    likelihoods = [
        _Likelihood(exits, np.searchsorted(ages, table.ages), box)
        for exits, table in zip(counted, targets, strict=True)
    ]
    cube = _first_points(len(ranges), points, seed)
    exits = simulated_exits(simulated, cube, **kept)
    judged = np.ones(len(cube), bool)

    def drawn(emulator: Emulator, length: int, wave: int) -> list[tuple[Floats, Floats]]:
        def one(place: int) -> tuple[Floats, Floats]:
            return sampled(
                lambda units: likelihoods[place](emulator, units), len(ranges) + 1, walkers=walkers, steps=length,
                seed=seed + 1_000 * wave + place, progress=progress and len(targets) == 1,
            )  # fmt: skip

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(len(targets))))

    for wave in range(1, waves):
        first = drawn(Emulator(cube, exits, firms, judged), max(FEWEST_STEPS, steps // 4), wave)
        more = _widened([points_[..., :-1] for points_, _ in first], points, seed + wave)
        near = np.min([each.distance(exits, firms) for each in likelihoods], axis=0)
        plausible = judged | (near < PLAUSIBLE / float(concentration(box.high)))
        fresh = simulated_exits(simulated, more, first=wave * points, **kept)
        judged = np.concatenate([np.zeros(int(plausible.sum()), bool), np.ones(len(more), bool)])
        cube, exits = np.concatenate([cube[plausible], more]), np.concatenate([exits[plausible], fresh])
    emulator = Emulator(cube, exits, firms, judged)
    chains = drawn(emulator, steps, waves)
    chosen = [_evenly(points_, checked) for points_, _ in chains]
    real = simulated_exits(
        simulated, np.concatenate(chosen)[:, :-1], first=waves * points, **kept
    ).reshape(len(targets), checked, -1)  # fmt: skip
    settings = {
        "model": model, "points": points, "firms": firms, "waves": waves, "walkers": walkers, "steps": steps,
        "seed": str(seed),
    }  # fmt: skip
    return [
        posterior_groups(
            table, {**ranges, "misfit": box}, points_, density, likelihood, emulator, chosen[place], real[place],
            {**settings, "target": table.name},
        )
        for place, (table, likelihood, (points_, density)) in enumerate(
            zip(targets, likelihoods, chains, strict=True)
        )
    ]  # fmt: skip


@dataclass(frozen=True)
class _Likelihood:
    """The log likelihood of one table at points of the unit cube, the misfit last.

    Attributes
    ----------
    exits : (ages + 1,) array
        Counted.
    places : (ages,) array
        Of the table's ages among those of the training points.
    misfit : ParameterRange
    """

    exits: Floats
    places: NDArray[np.int64]
    misfit: ParameterRange

    def misfits(self, points: Floats) -> Floats:
        return np.asarray(np.vectorize(self.misfit.value, otypes=[float])(points[..., -1]))

    def own(self, exits: Floats) -> Floats:
        """Return exits, or shares, between the table's ages, (..., ages + 1), of those between all ages."""
        starts = np.concatenate([[0], self.places + 1])
        return np.asarray(np.add.reduceat(exits, starts, axis=-1))

    def __call__(self, emulator: Emulator, points: Floats) -> Floats:
        shares = self.own(emulator.shares(points[:, :-1]))
        return log_likelihood(self.exits, shares, self.misfits(points), emulator.error)

    def distance(self, exits: Floats, firms: int) -> Floats:
        """Return how far simulated shares are from those counted, as 1/concentration, (points,)."""
        off = np.sqrt(self.own(exits) / firms) - np.sqrt(self.exits / self.exits.sum())
        return np.asarray(np.nan_to_num(4.0 * (off**2).sum(axis=1) / len(self.places), nan=np.inf))


def _refuse(free: int, tables: int, points: int, waves: int, walkers: int, steps: int) -> None:
    if not free or not tables:
        raise EstimateError("a posterior needs at least one free parameter and one table")
    if points < 2 or points & (points - 1):
        raise EstimateError(f"points = {points}; allowed: a power of two, such as 2,048")
    if waves < 1:
        raise EstimateError(f"waves = {waves}; allowed: an integer from 1")
    if walkers < 2 * (free + 1) or walkers % 2:
        raise EstimateError(
            f"walkers = {walkers}; allowed: an even number from {2 * (free + 1)}, twice the number of free "
            "parameters and the misfit"
        )
    if steps < FEWEST_STEPS:
        raise EstimateError(f"steps = {steps}; allowed: an integer from {FEWEST_STEPS}")


def _first_points(free: int, points: int, seed: int) -> Floats:
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(free, rng=np.random.Generator(np.random.Philox(seed))).random(points))


def _widened(chains: Sequence[Floats], points: int, seed: int) -> Floats:
    """Return points drawn from posteriors in turn, each moved by a part of its posterior's spread, (points, free)."""
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 7])))
    found = []
    for place, chain in enumerate(chains):
        own = len(range(place, points, len(chains)))
        flat = chain.reshape(-1, chain.shape[-1])
        moves = random.multivariate_normal(
            np.zeros(flat.shape[1]), np.atleast_2d(np.cov(flat.T)) * WIDENED**2, size=own, method="eigh"
        )
        moved = flat[random.integers(len(flat), size=own)] + moves
        found.append(np.abs(1.0 - np.abs(1.0 - np.mod(moved, 2.0))))  # reflected at the sides of the cube
    return np.concatenate(found)


def _evenly(chain: Floats, draws: int) -> Floats:
    """Return draws evenly over all walkers and steps, (draws, free + 1)."""
    flat = np.swapaxes(chain, 0, 1).reshape(-1, chain.shape[-1])
    return np.asarray(flat[np.linspace(0, len(flat) - 1, draws).round().astype(int)])
