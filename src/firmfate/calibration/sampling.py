"""Sampling of a log density over the unit cube by ensembles of walkers (emcee)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import EstimateError

Floats = NDArray[np.float64]

ENSEMBLES = 2
"""Independent ensembles of walkers, from different starts."""

SCREEN = 4_096
"""Points of a Sobol sequence, of which each ensemble starts from the best."""

KEPT = 250
"""Draws of a walker that are kept, at most, evenly over its second half."""


def sampled(
    density: Callable[[Floats], Floats], free: int, *, walkers: int, steps: int, seed: int, progress: bool = False
) -> tuple[Floats, Floats]:
    """Return points (chain, draw, free) and their log density (chain, draw), chains being the walkers of all ensembles.

    The sampler is emcee's (Goodman & Weare 2010; ter Braak 2006), which needs no slopes and moves all walkers at once.

    Parameters
    ----------
    density : callable
        Points in the cube (points, free) -> log density (points,), up to a constant.
    free : int
    walkers : int
        Of an ensemble.
    steps : int
        Of every walker; the first half is left out.
    seed : int
    progress : bool
        Show a bar for each ensemble.

    Raises
    ------
    EstimateError
        Where emcee is not installed, or the density is 0 nearly everywhere.
    """
    try:
        import emcee
    except ImportError as fault:
        raise EstimateError("a posterior needs emcee and arviz-stats: pip install 'firmfate[posterior]'") from fault
    from scipy.stats import qmc

    def inside(points: Floats) -> Floats:
        within = ((points >= 0) & (points <= 1)).all(axis=1)
        found = np.full(len(points), -np.inf)
        if within.any():
            found[within] = density(points[within])
        return found

    moves = [(emcee.moves.DEMove(), 0.6), (emcee.moves.DESnookerMove(), 0.1), (emcee.moves.StretchMove(), 0.3)]
    half = steps // 2
    thin = max(1, half // KEPT)
    chains, densities = [], []
    for ensemble in range(ENSEMBLES):
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, ensemble])))
        screen = qmc.Sobol(free, rng=random).random(SCREEN)
        height = inside(screen)
        if int(np.isfinite(height).sum()) < walkers:
            raise EstimateError("the likelihood is 0 over the whole box; widen the ranges of the free parameters")
        start = screen[np.argsort(-height)[:walkers]]
        state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, ensemble, 1]))).get_state()
        sampler = emcee.EnsembleSampler(walkers, free, inside, vectorize=True, moves=moves)
        first = emcee.State(start, random_state=state)
        sampler.run_mcmc(first, steps, progress=progress, skip_initial_state_check=True)
        chains.append(np.swapaxes(sampler.get_chain(discard=steps - half, thin=thin), 0, 1))
        densities.append(np.swapaxes(sampler.get_log_prob(discard=steps - half, thin=thin), 0, 1))
    return np.concatenate(chains), np.concatenate(densities)
