"""The posterior of free parameters, given the exits of cohorts by age: sequential Monte Carlo, emulated likelihood.

The simulation knows no cohort, so one set of training points serves all: a Sobol sequence over the box, then points
drawn from the posteriors that a first emulator gives, widened (history matching: Andrianakis et al. 2015, PLoS
Computational Biology 11, e1003968). Draws are then simulated for real, which says what the emulator has done to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.calibration.emulator import Emulator
from firmfate.calibration.exits import ExitLikelihood, error_of, exits_of, roots_of
from firmfate.calibration.posterior_groups import posterior_groups
from firmfate.calibration.sampling import Sample, sampled
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

NEAR = 128
"""Points held out, nearest to a table, that say how far off the emulator is for it."""

RUNS = 8
"""Independent runs, of which what they disagree in is the error of the sampling."""

PRIOR = 8
"""Points of the prior for each particle, from which a run starts."""

FEWEST_PARTICLES = 20


def calibrate_posterior(model: str, targets: SurvivalTable, free: Ranges, **options: Any) -> xr.DataTree:
    """Draw from the posterior of free parameters, given the exits of one cohort by age.

    Parameters
    ----------
    model : str
    targets : SurvivalTable
    free : mapping
    **options
        As of `calibrate_posteriors`, which describes what is drawn, and raises the same.

    Returns
    -------
    xarray.DataTree

    Examples
    --------
    >>> from firmfate.calibration import calibrate_posterior, establishment_table
    >>> found = calibrate_posterior("car", establishment_table(cohorts=2013), {"drift": (-0.5, 0)}, firms=500,
    ...                             points=64, waves=1, particles=50, moves=4, checked=8)
    >>> found["posterior"]["drift"].sizes
    Frozen({'chain': 8, 'draw': 50})
    """
    return calibrate_posteriors(model, [targets], free, **options)[0]


@contextmanager
def _one_thread_a_product() -> Iterator[None]:
    """Have matrix products take one thread: runs are side by side already, and sums depend on how many add them up."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as fault:
        raise EstimateError("a posterior needs threadpoolctl: pip install 'firmfate[posterior]'") from fault

    with threadpool_limits(1, user_api="blas"):
        yield


@_one_thread_a_product()
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
    particles: int = 1_000,
    moves: int = 20,
    checked: int = 64,
    seed: int = 20261123,
    threads: int = 1,
    folder: str | Path | None = None,
) -> list[xr.DataTree]:
    """Draw from the posterior of free parameters given each of several cohorts, whose training points are the same.

    The prior is even over the box of ranges, on a logarithmic scale where a range says so. The likelihood is normal in
    square roots of shares of exits: the cohort's sampling error, the emulator's error, and a misfit of the model whose
    size is drawn with the parameters.

    Parameters
    ----------
    model : str
        As a study names it.
    targets : sequence of SurvivalTable
        With numbers of firms, as of `establishment_table`. Each has a posterior of its own; their ages may differ.
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
    particles : int
        Draws of each of eight independent runs.
    moves : int
        Of every particle at each power of the likelihood; four times as many at the last.
    checked : int
        Draws that are simulated for real in the end.
    seed : int
    threads : int
        The result does not depend on it.
    folder : path, optional
        Where simulated training points are kept, so that an interrupted run goes on, and others reuse them.

    Returns
    -------
    list of xarray.DataTree
        One a table. Groups as ArviZ names them, over ``chain`` (an independent run), ``draw`` and ``age`` (years):
        ``posterior``, one variable a free parameter, and ``misfit``; ``posterior_predictive``, ``alive``, shares of new
        cohorts of the same size; ``sample_stats``, ``lp``; ``runs`` over ``chain``, ``log_evidence``, ``powers`` and
        ``accepted``; ``observed_data``, ``alive``; ``emulated``, ``share``, of exits between ages, of which the last
        are alive at the end. Beside them ``summary`` over ``parameter``: ``mean``, ``sd``, limits, ``r_hat``,
        ``ess_bulk``, ``ess_tail``; ``directions``: by what factor the standard deviation of the
        prior has shrunk along each principal direction of the box, strongest first; ``emulator``: its error, and of
        draws simulated for real ``difference``, the largest at any age of the mean survival, emulated less simulated,
        ``chi_squared``, and what else `check_of` describes.

    Raises
    ------
    EstimateError
        Where too few points could be simulated, there are too few particles or moves, the table has no numbers
        of firms, or arviz-stats or threadpoolctl is not installed.
    StudyError
        Where a range leaves what the model allows.

    Examples
    --------
    See `calibrate_posterior`.
    """
    ranges, box = ranges_of(free), ParameterRange(*misfit)
    counted = [exits_of(table) for table in targets]
    _refuse(len(ranges), len(targets), points, waves, particles, moves)
    ages = np.unique(np.concatenate([table.ages for table in targets]))
    simulated = SimulatedSurvival(
        model, ages, ranges, parameters=parameters, population=population, steps_per_week=steps_per_week,
        threads=threads,
    )  # fmt: skip
    kept: dict[str, Any] = {"firms": firms, "seed": seed, "folder": None if folder is None else Path(folder)}
    every = [
        _Target(exits, np.searchsorted(ages, table.ages), box) for exits, table in zip(counted, targets, strict=True)
    ]
    cube = _sobol(len(ranges), points, seed)
    exits = simulated_exits(simulated, cube, **kept)
    judged = np.ones(len(cube), bool)
    for wave in range(1, waves):
        scouts = _runs(Emulator(cube, exits, firms, judged), every, firms, particles, max(1, moves // 4), seed, threads)
        more = _widened([np.concatenate([run.cube for run in runs]) for runs in scouts], points, seed + wave)
        fresh = simulated_exits(simulated, more, first=wave * points, **kept)
        judged = np.concatenate([np.zeros(len(cube), bool), np.ones(len(more), bool)])
        cube, exits = np.concatenate([cube, more]), np.concatenate([exits, fresh])
    emulator = Emulator(cube, exits, firms, judged)
    drawn = _runs(emulator, every, firms, particles, moves, seed, threads)
    chosen = [_evenly(np.stack([run.cube for run in runs]), checked) for runs in drawn]
    real = simulated_exits(
        simulated, np.concatenate(chosen), first=waves * points, **kept
    ).reshape(len(targets), checked, -1)  # fmt: skip
    settings = {
        "model": model, "points": points, "firms": firms, "waves": waves, "particles": particles, "moves": moves,
        "seed": str(seed),
    }  # fmt: skip
    return [
        posterior_groups(
            table, simulated.free, box, runs, target.exits, target.error(emulator, firms),
            partial(target.emulated, emulator), chosen[place], target.own(real[place]),
            {**settings, "target": table.name},
        )
        for place, (table, target, runs) in enumerate(zip(targets, every, drawn, strict=True))
    ]  # fmt: skip


@dataclass(frozen=True)
class _Target:
    """What one table asks of an emulator.

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

    def own(self, exits: Floats) -> Floats:
        """Return exits, or shares, between the table's ages, (..., ages + 1), of those between all ages."""
        starts = np.concatenate([[0], self.places + 1])
        return np.asarray(np.add.reduceat(exits, starts, axis=-1))

    def roots(self, shares: Floats) -> Floats:
        return np.asarray(np.sqrt(self.own(shares)))

    def emulated(self, emulator: Emulator, units: Floats) -> Floats:
        return self.roots(emulator.shares(units))

    def error(self, emulator: Emulator, firms: int) -> Floats:
        """Return the covariance of the emulator's roots around this table."""
        emulated, simulated = self.roots(emulator.held), roots_of(self.own(emulator.held_exits))
        far = ((emulated - roots_of(self.exits)) ** 2).sum(axis=1)
        near = np.argsort(far, kind="stable")[:NEAR]
        return error_of(emulated[near], simulated[near], firms)


def _runs(
    emulator: Emulator, every: Sequence[_Target], firms: int, particles: int, moves: int, seed: int, threads: int
) -> list[list[Sample]]:
    """Draw from the posterior of each table in independent runs, all of which start from the same points."""
    points = 2 ** int(np.ceil(np.log2(PRIOR * particles)))
    starts = [_sobol(emulator.free, points, np.random.SeedSequence([seed, 11, run])) for run in range(RUNS)]
    likelihoods = [ExitLikelihood(target.exits, target.misfit, target.error(emulator, firms)) for target in every]
    with ThreadPoolExecutor(threads) as pool:
        shares = list(pool.map(emulator.shares, starts))

        def one(place: tuple[int, int]) -> Sample:
            target, likelihood, run = every[place[0]], likelihoods[place[0]], place[1]
            return sampled(
                lambda units: likelihood(target.emulated(emulator, units)), starts[run],
                likelihood(target.roots(shares[run])), particles=particles, moves=moves, seed=[seed, *place],
            )  # fmt: skip

        found = list(pool.map(one, [(table, run) for table in range(len(every)) for run in range(RUNS)]))
    return [found[place : place + RUNS] for place in range(0, len(found), RUNS)]


def _refuse(free: int, tables: int, points: int, waves: int, particles: int, moves: int) -> None:
    if not free or not tables:
        raise EstimateError("a posterior needs at least one free parameter and one table")
    if points < 2 or points & (points - 1):
        raise EstimateError(f"points = {points}; allowed: a power of two, such as 2,048")
    if waves < 1:
        raise EstimateError(f"waves = {waves}; allowed: an integer from 1")
    if particles < FEWEST_PARTICLES:
        raise EstimateError(f"particles = {particles}; allowed: an integer from {FEWEST_PARTICLES}")
    if moves < 1:
        raise EstimateError(f"moves = {moves}; allowed: an integer from 1")


def _sobol(free: int, points: int, seed: int | np.random.SeedSequence) -> Floats:
    """Return scrambled points of Sobol's sequence, (points, free)."""
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(free, rng=np.random.Generator(np.random.Philox(seed))).random(points))


def _widened(samples: Sequence[Floats], points: int, seed: int) -> Floats:
    """Return points drawn from posteriors in turn, each moved by a part of its posterior's spread, (points, free)."""
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 7])))
    found = []
    for place, sample in enumerate(samples):
        own = len(range(place, points, len(samples)))
        moves = random.multivariate_normal(
            np.zeros(sample.shape[1]), np.atleast_2d(np.cov(sample.T)) * WIDENED**2, size=own, method="eigh"
        )
        moved = sample[random.integers(len(sample), size=own)] + moves
        found.append(np.abs(1.0 - np.abs(1.0 - np.mod(moved, 2.0))))  # reflected at the sides of the cube
    return np.concatenate(found)


def _evenly(chains: Floats, draws: int) -> Floats:
    """Return draws evenly over all runs, (draws, free)."""
    flat = np.swapaxes(chains, 0, 1).reshape(-1, chains.shape[-1])
    return np.asarray(flat[np.linspace(0, len(flat) - 1, draws).round().astype(int)])
