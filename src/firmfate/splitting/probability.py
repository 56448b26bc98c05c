"""The probability of a rare event, from independent runs of splitting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from firmfate.errors import EstimateError, FirmfateError, check_int, did_you_mean, is_finite
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.simulation.given_values import given_parameters, values_of
from firmfate.simulation.many_firms import horizon
from firmfate.splitting.compiled import Floats, Stages
from firmfate.splitting.importance import Importance, importance_program
from firmfate.splitting.runs import MOST_LEVELS, Pilot, one_run, pilot

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class RareEvent:
    """A probability by splitting, with its error and its cost.

    Attributes
    ----------
    event : str
        What of which probability.
    probability, standard_error : float
        The mean of the runs' estimates, and its standard error, from how they vary.
    lower, upper : float
        95 % limits: of Student's t for the logarithm, so that both are above 0.
    levels : (levels,) array
        Importances, ascending.
    shares : (levels + 1,) array
        Share of firms that came from each level to the next, the last to the event; means of the runs.
    estimates : (runs,) array
        What each run gives.
    firms : int
        Firms at each level of a run.
    firm_steps, pilot_firm_steps : int
        Steps of all firms of the runs, and of the pilot.
    plain_firm_steps : float
        Steps that as many independent firms would take as give the same relative error; NaN where there was no pilot.

    Examples
    --------
    >>> import firmfate
    >>> found = firmfate.rare_event_probability(
    ...     "car", importance="-distance", parameters={"buffer_mean": 2.0, "buffer_sd": 0}, weeks=520, firms=200, runs=8
    ... )
    >>> found.lower < found.probability < found.upper, found.estimates.shape
    (True, (8,))
    """

    event: str
    probability: float
    standard_error: float
    lower: float
    upper: float
    levels: Floats
    shares: Floats
    estimates: Floats
    firms: int
    firm_steps: int
    pilot_firm_steps: int
    plain_firm_steps: float

    @property
    def relative_error(self) -> float:
        """Standard error over probability."""
        return self.standard_error / self.probability

    def __str__(self) -> str:
        power = math.floor(math.log10(self.probability))
        unit = 10.0**power
        digits = max(1, -math.floor(math.log10(max(self.standard_error / unit, 1e-9))) + 1)

        def shown(x: float) -> str:
            return f"{x / unit:.{digits}f}e{power:+03d}"

        steps = f"{self.firm_steps + self.pilot_firm_steps:.2g} firm-steps"
        if math.isfinite(self.plain_firm_steps):
            steps += f"; firms that are not split would take {self.plain_firm_steps:.2g} for the same error"
        return (
            f"P({self.event}) = {shown(self.probability)}, standard error {shown(self.standard_error)}, "
            f"95 % limits {shown(self.lower)} to {shown(self.upper)}\n"
            f"{len(self.estimates)} runs of {self.firms:,} firms at each of {len(self.levels)} levels and the start: "
            f"{steps}"
        )


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
    levels: Sequence[float] | None = None,
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
    levels : sequence of float, optional
        Importances, ascending. Where not given, a pilot with random numbers of its own sets them so that about a fifth
        of the firms come from each to the next.
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

    Raises
    ------
    FirmfateError
        Where an argument is not one of those allowed.
    EstimateError
        Where no run had the event, or the arithmetic of a firm has failed.

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
    >>> 1e-8 < found.probability < 1e-5, found.relative_error < 0.1
    (True, True)
    """
    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    firms, runs = check_int("firms", firms, least=2, most=2**31 - 1), check_int("runs", runs, least=2, most=2**24)
    seed = check_int("seed", seed, most=2**64 - 1)
    workers = cores() if threads is None else check_int("threads", threads, least=1)
    table, _ = values_of(model, given_parameters(model, execution, misalignment, parameters or {}), dt)
    if len(table) != 1:
        raise FirmfateError(
            "rare_event_probability is of one cell: each parameter is a single number (or one a division, (1, parts))"
        )
    given = None if levels is None else _checked(levels)
    number = _cause(model, cause)
    stages = Stages(
        model, importance_program(model, importance), table[0], dt=dt, steps=steps, cause=number, key=seed
    )
    found = pilot(stages, firms) if given is None else Pilot(given, 0, math.nan)
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
    return RareEvent(
        f"{cause or 'event'} within {weeks:,} weeks", mean, error, *limits(mean, error, runs),
        np.array(found.levels), shares, estimates, firms, sum(run.firm_steps for run in done), found.firm_steps,
        found.plain_steps * (1 - mean) * mean / error**2 if error > 0 else math.nan,
    )  # fmt: skip


def limits(mean: float, error: float, runs: int) -> tuple[float, float]:
    """Return 95 % limits of a probability from a mean of runs and its standard error."""
    from scipy.stats import t

    factor = math.exp(float(t.ppf((1 + LEVEL) / 2, runs - 1)) * error / mean)
    return mean / factor, min(1.0, mean * factor)


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


def _checked(levels: Sequence[float]) -> tuple[float, ...]:
    found = tuple(levels) if isinstance(levels, Sequence | np.ndarray) and not isinstance(levels, str) else (math.nan,)
    ascend = all(is_finite(x) for x in found) and all(low < high for low, high in zip(found, found[1:], strict=False))
    if not ascend or len(found) >= MOST_LEVELS:
        raise FirmfateError(f"levels = {levels!r}; allowed: up to {MOST_LEVELS - 1} finite numbers that ascend")
    return tuple(map(float, found))
