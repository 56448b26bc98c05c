"""The probability of a rare event, from independent runs of splitting."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from firmfate.errors import EstimateError, FirmfateError, UnreliableErrorWarning, check_int, did_you_mean
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.simulation.given_values import given_parameters, values_of
from firmfate.simulation.many_firms import horizon
from firmfate.splitting.compiled import Stages
from firmfate.splitting.importance import Importance, importance_program
from firmfate.splitting.rare_event import RareEvent, limits
from firmfate.splitting.runs import MOST_LEVELS, one_run, pilot

LEAST_PILOT = 1000
"""Firms at each level of the pilot, at least: of few firms, none comes nearer."""
UNRELIABLE = 0.25
"""Relative standard error above which runs vary so much that it is itself not known."""


def rare_event_probability(
    model: str | Model,
    *,
    importance: Importance,
    cause: str | None = None,
    execution: ArrayLike | None = None,
    misalignment: ArrayLike | None = None,
    parameters: Mapping[str, float] | None = None,
    weeks: int = 1040,
    steps_per_week: float | None = None,
    levels: ArrayLike | None = None,
    firms: int = 1000,
    runs: int = 32,
    seed: int = 0,
    threads: int | None = None,
) -> RareEvent:
    """Estimate the probability that a firm has an event, where it is too rare for simulating firm by firm.

    Fixed-effort multilevel splitting: firms that come near the event are copied, and their copies go on with random
    numbers of their own. At every level equally many firms begin. The estimate is unbiased for any importance function
    and any levels that are set in advance; how good they are decides about its error.

    Parameters
    ----------
    model : str or Model
    importance : str or callable
        How near a firm is to the event, from what it is between two steps. The name of a stock or an auxiliary, with
        ``-`` before it where less is nearer: ``"-distance"``. Or a function of some of ``(s, p, draw, week)``, in this
        order, written like those of a model.
    cause : str, optional
        The event; any of the model's causes where not given. Firms that end by another do not have it.
    execution, misalignment : scalar or (1, parts) array
        A share, as of `firmfate.simulate`.
    parameters : mapping
        Any parameter -> a number.
    weeks : int
        Horizon.
    steps_per_week : float, optional
        An integer, or 1/k for steps of k weeks; the model's own where not given.
    levels : (levels,) array, optional
        Importances, ascending. Where not given, a pilot of 1,000 firms a level, or of as many as `firms`, with random
        numbers of its own, sets them so that about a fifth of the firms come from each to the next.
    firms : int
        Firms that begin at each level of a run.
    runs : int
        Independent runs, 2 or more; the standard error comes from them.
    seed : int
        0 .. 2**64 - 1.
    threads : int, optional
        All cores where not given. Results do not depend on it.

    Returns
    -------
    RareEvent

    Warns
    -----
    UnreliableErrorWarning
        Where few runs make most of the estimate.

    Raises
    ------
    FirmfateError
        Where an argument is not one of those allowed.
    EstimateError
        Where no firm of the pilot comes nearer to the event, no run had it, or the arithmetic of a firm has failed.

    References
    ----------
    Garvels (2000), The splitting method in rare event simulation. PhD thesis, University of Twente.
    L'Ecuyer, Demers & Tuffin (2007), Rare events, splitting, and quasi-Monte Carlo. ACM Trans. Model. Comput. Simul.
    17(2), 9. doi:10.1145/1225275.1225280

    Examples
    --------
    >>> import firmfate
    >>> found = firmfate.rare_event_probability(
    ...     "car", importance="-distance", parameters={"buffer_mean": 2.8, "buffer_sd": 0}, weeks=520, misalignment=0
    ... )
    >>> 1e-8 < found.probability < 1e-5, found.relative_error < 0.3
    (True, True)
    """
    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    firms, runs = check_int("firms", firms, least=2, most=1_000_000), check_int("runs", runs, least=2, most=2**24)
    seed = check_int("seed", seed, most=2**64 - 1)
    workers = cores() if threads is None else check_int("threads", threads, least=1)
    table, _ = values_of(model, given_parameters(model, execution, misalignment, parameters or {}), dt)
    if len(table) != 1:
        raise FirmfateError(
            "rare_event_probability is of one cell: each parameter is a single number (or one a division, (1, parts))"
        )
    given = None if levels is None else _checked(levels)
    number = _cause(model, cause)
    stages = Stages(model, importance_program(model, importance), table[0], dt=dt, steps=steps, cause=number, key=seed)
    found = pilot(stages, max(firms, LEAST_PILOT), given)
    with ThreadPoolExecutor(min(workers, runs)) as pool:
        done = list(pool.map(lambda run: one_run(stages, found.levels, firms, run), range(1, runs + 1)))
    estimates = np.array([run.estimate for run in done])
    shares = np.mean([run.shares for run in done], axis=0)
    if not estimates.any():
        raise EstimateError(
            f"no run of {runs} had the event; of {firms:,} firms at a level these shares came to the next: "
            f"{', '.join(f'{share:.2g}' for share in shares)}: take more firms, more levels, or another importance"
        )
    mean, error = float(estimates.mean()), float(estimates.std(ddof=1) / math.sqrt(runs))
    if error > UNRELIABLE * mean:
        warnings.warn(
            f"few of {runs} runs make most of the estimate: the standard error is {error / mean:.0%} of it, and itself "
            "uncertain; take more firms, or an importance that shows better how near they are",
            UnreliableErrorWarning,
            stacklevel=2,
        )
    return RareEvent(
        f"{cause or 'event'} within {weeks:,} weeks", mean, error, *limits(mean, error, runs),
        np.array(found.levels), shares, estimates, firms, sum(run.firm_steps for run in done), found.firm_steps,
        found.plain_steps * (1 - mean) * mean / error**2 if error > 0 else math.inf,
    )  # fmt: skip


def _cause(model: Model, cause: str | None) -> int:
    names = [row.name for row in model.causes]
    if cause is None:
        return 0
    if cause not in names:
        raise FirmfateError(
            f"cause = {cause!r} is no cause of the model '{model.name}'{did_you_mean(cause, names)}; allowed: "
            f"{', '.join(names)}"
        )
    return names.index(cause) + 1


def _checked(levels: ArrayLike) -> tuple[float, ...]:
    try:
        found = np.asarray(levels, np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim != 1 or len(found) >= MOST_LEVELS or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise FirmfateError(f"levels = {levels!r}; allowed: up to {MOST_LEVELS - 1} finite numbers that ascend")
    return tuple(found.tolist())
