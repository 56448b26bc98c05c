"""The posterior of free parameters, given the exits of a cohort by age: Monte Carlo over a simulated likelihood.

Every value of the parameters is simulated with the same random numbers, so that the likelihood is a function of them;
what those numbers leave open is part of it (`firmfate.calibration.exits`). The sampler is emcee's ensemble of walkers
(Goodman & Weare 2010; ter Braak 2006), which needs no slopes and moves all walkers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.calibration.exits import draw_alive, exits_of, log_likelihood
from firmfate.calibration.posterior_summary import directions, summary
from firmfate.calibration.simulated_survival import SimulatedSurvival
from firmfate.calibration.survival_tables import SurvivalTable
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange, Ranges, ranges_of

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

MISFIT = ParameterRange(0.001, 0.05, log=True)
"""The prior of the misfit, standard deviation of a share of one half: a tenth of a percentage point to five."""

ENSEMBLES = 2
"""Independent ensembles of walkers, from different starts."""


def calibrate_posterior(
    model: str,
    targets: SurvivalTable,
    free: Ranges,
    *,
    parameters: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    steps_per_week: float | None = None,
    misfit: ParameterRange | tuple[float, float] | tuple[float, float, bool] = MISFIT,
    firms: int = 2_000,
    walkers: int = 32,
    steps: int = 1_000,
    screen: int = 512,
    seed: int = 20261123,
    threads: int = 1,
    progress: bool = False,
) -> xr.DataTree:
    """Draw from the posterior of free parameters, given the exits of a cohort by age.

    The prior is even over the box of ranges, on a logarithmic scale where a range says so. The likelihood is
    Dirichlet-multinomial: the cohort's sampling error, the simulation's, and a misfit of the model whose size is
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
    firms : int
        Firms simulated at each evaluation.
    walkers : int
        Walkers in each of two ensembles, at least twice as many as there are free parameters and the misfit.
    steps : int
        Steps of every walker; the first half is left out.
    screen : int
        Points of a Sobol sequence, a power of two, of which each ensemble starts from the best.
    seed : int
    threads : int
        The result does not depend on it.
    progress : bool
        Show a bar for each ensemble.

    Returns
    -------
    xarray.DataTree
        Groups as ArviZ names them, over ``chain`` (a walker), ``draw`` and ``age`` (years): ``posterior``, one
        variable a free parameter, and ``misfit``; ``posterior_predictive``, ``alive``, shares of new cohorts of the
        same size; ``sample_stats``, ``lp``; ``observed_data``, ``alive``; ``simulated``, ``exits``, the simulated
        counts between ages, of which the last are alive at the end. Beside them ``summary`` over ``parameter``:
        ``mean``, ``sd``, limits, ``r_hat``, ``ess_bulk``, ``ess_tail``; ``directions``: by what factor the standard
        deviation of the prior has shrunk along each principal direction of the box, strongest first.

    Raises
    ------
    EstimateError
        Where no point of the screen could be simulated, there are too few walkers or steps, the table has no numbers
        of firms, or emcee or arviz-stats is not installed.
    StudyError
        Where a range leaves what the model allows.

    Examples
    --------
    >>> from firmfate.calibration import calibrate_posterior, establishment_table
    >>> found = calibrate_posterior("car", establishment_table(cohorts=2013), {"drift": (-0.5, 0)}, firms=500,
    ...                             walkers=8, steps=40, screen=32)
    >>> found["posterior"]["drift"].sizes
    Frozen({'chain': 16, 'draw': 20})
    """
    ranges = ranges_of(free)
    exits = exits_of(targets)
    if not ranges:
        raise EstimateError("calibrate_posterior needs at least one free parameter")
    if walkers < 2 * (len(ranges) + 1) or walkers % 2:
        raise EstimateError(
            f"walkers = {walkers}; allowed: an even number from {2 * (len(ranges) + 1)}, twice the number of free "
            "parameters and the misfit"
        )
    if steps < 8:
        raise EstimateError(f"steps = {steps}; allowed: an integer from 8")
    simulated = SimulatedSurvival(
        model, targets.ages, ranges, parameters=parameters, population=population, steps_per_week=steps_per_week,
        threads=threads,
    )  # fmt: skip
    target = _Target(simulated, exits, ParameterRange(*misfit), firms, seed)
    chains = [
        _sampled(target, place, walkers=walkers, steps=steps, screen=screen, seed=seed, progress=progress)
        for place in range(ENSEMBLES)
    ]
    cube, density, counts = (np.concatenate(parts) for parts in zip(*chains, strict=True))
    settings = {
        "model": model,
        "target": targets.name,
        "firms": firms,
        "walkers": walkers,
        "steps": steps,
        "seed": str(seed),
    }
    return _tree(target, targets, cube, density, counts, settings)


class _Target:
    """The log posterior at points of the unit cube, the misfit last; with the simulated counts beside it."""

    def __init__(
        self, simulated: SimulatedSurvival, exits: Floats, misfit: ParameterRange, firms: int, seed: int
    ) -> None:
        self.simulated, self.exits, self.misfit, self.firms, self.seed = simulated, exits, misfit, firms, seed

    @property
    def ranges(self) -> dict[str, ParameterRange]:
        return {**self.simulated.free, "misfit": self.misfit}

    def misfits(self, points: Floats) -> Floats:
        return np.array([self.misfit.value(unit) for unit in np.clip(points[..., -1], 0, 1).ravel()]).reshape(
            points.shape[:-1]
        )

    def counts(self, points: Floats) -> Floats:
        """Return simulated exits between ages, and firms alive at the end, (points, ages + 1)."""
        alive = self.simulated.curves(points[:, :-1], firms=self.firms, seed=self.seed) * self.firms
        whole = np.concatenate([np.full((len(points), 1), float(self.firms)), np.rint(alive)], axis=1)
        return np.concatenate([-np.diff(whole, axis=1), whole[:, -1:]], axis=1)

    def __call__(self, points: Floats) -> Floats:
        """Return the log posterior and the counts, (points, 1 + ages + 1)."""
        inside = ((points >= 0) & (points <= 1)).all(axis=1)
        found = np.full((len(points), 1 + len(self.exits)), np.nan)
        found[:, 0] = -np.inf
        if inside.any():
            counts = self.counts(points[inside])
            found[inside, 0] = log_likelihood(self.exits, counts, self.misfits(points[inside]))
            found[inside, 1:] = counts
        return found


def _sampled(
    target: _Target, place: int, *, walkers: int, steps: int, screen: int, seed: int, progress: bool
) -> tuple[Floats, Floats, Floats]:
    """Return the second half of an ensemble's walk: points (walkers, draws, free + 1), log posterior, counts."""
    try:
        import emcee
    except ImportError as fault:
        raise EstimateError("a posterior needs emcee and arviz-stats: pip install 'firmfate[posterior]'") from fault
    from scipy.stats import qmc

    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, place])))
    free = len(target.ranges)
    points = qmc.Sobol(free, rng=random).random(screen)
    density = target(points)[:, 0]
    if np.isfinite(density).sum() < walkers:
        raise EstimateError(
            f"{int(np.isfinite(density).sum())} of {screen} points of the screen could be simulated, and {walkers} "
            "walkers have to start somewhere; narrow the ranges of the free parameters, or raise screen"
        )
    start = points[np.argsort(-density)[:walkers]]
    sampler = emcee.EnsembleSampler(
        walkers, free, target, vectorize=True,
        moves=[(emcee.moves.DEMove(), 0.6), (emcee.moves.DESnookerMove(), 0.1), (emcee.moves.StretchMove(), 0.3)],
    )  # fmt: skip
    state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, place, 1]))).get_state()
    sampler.run_mcmc(emcee.State(start, random_state=state), steps, progress=progress, skip_initial_state_check=True)
    kept = {"discard": steps - steps // 2}
    return (
        np.swapaxes(sampler.get_chain(**kept), 0, 1),
        np.swapaxes(sampler.get_log_prob(**kept), 0, 1),
        np.swapaxes(sampler.get_blobs(**kept), 0, 1),
    )


def _tree(
    target: _Target, targets: SurvivalTable, cube: Floats, density: Floats, counts: Floats, settings: Mapping[str, Any]
) -> xr.DataTree:
    import xarray as xr

    assert targets.firms is not None
    sizes = ("chain", "draw")
    axes = {"chain": np.arange(cube.shape[0]), "draw": np.arange(cube.shape[1])}
    age = {"age": ("age", targets.ages, {"units": "year"})}
    values = {
        key: np.vectorize(span.value, otypes=[float])(cube[..., place])
        for place, (key, span) in enumerate(target.ranges.items())
    }
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([int(settings["seed"]), 99])))
    alive = draw_alive(counts, values["misfit"], targets.firms, random)
    about = {"units": "1", "long_name": "share alive"}
    exit_ages = {"exit_age": np.append(targets.ages, np.inf)}
    groups = {
        "posterior": xr.Dataset({key: (sizes, drawn) for key, drawn in values.items()}, coords=axes),
        "posterior_predictive": xr.Dataset(
            {"alive": ((*sizes, "age"), alive.astype(np.float32), about)}, coords={**axes, **age}
        ),
        "simulated": xr.Dataset(
            {"exits": ((*sizes, "exit_age"), counts.astype(np.int32), {"units": "1"})}, coords={**axes, **exit_ages}
        ),
        "sample_stats": xr.Dataset({"lp": (sizes, density)}, coords=axes),
        "observed_data": xr.Dataset(
            {"alive": ("age", targets.surviving, about), "firms": ((), targets.firms, {"units": "1"})}, coords=age
        ),
        "summary": summary(values, target.ranges),
        "directions": directions(cube, list(target.ranges)),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {**settings, "inference_library": "emcee"}
    return tree
