"""Fixed effort: at every level equally many firms begin, copied from the states in which firms came to it.

A run's estimate is the product of the shares that came from one level to the next. Each state at a level is copied
equally often, and what then is missing goes to states chosen at random without replacement; every state has the same
expected number of copies, so the product is unbiased, however many firms and levels there are (L'Ecuyer, Demers &
Tuffin 2007). A firm that has had the event has passed all levels; its copies need no more steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firmfate.errors import EstimateError
from firmfate.randomness import DESIGN, uniforms
from firmfate.splitting.compiled import Floats, Reached, Stages
from firmfate.splitting.function import AT_LEVEL, EVENT, FAILED

MOST_LEVELS = 100
SHARE = 0.2
"""Share of firms that come from a level to the next, as the pilot sets levels; the variance for given work is nearly
flat from 0.1 to 0.3."""

PILOT = 0
"""Number of the pilot's run; those of the estimate follow it."""


class Run(NamedTuple):
    """What a run has found: the share of firms that came from each level to the next, the last to the event; and the
    steps of all its firms."""

    shares: tuple[float, ...]
    firm_steps: int

    @property
    def estimate(self) -> float:
        """Probability of the event."""
        return float(np.prod(self.shares))


class Pilot(NamedTuple):
    """What the pilot has found: levels, steps of all its firms, and the mean steps of a firm that is not split."""

    levels: tuple[float, ...]
    firm_steps: int
    plain_steps: float


def one_run(stages: Stages, levels: tuple[float, ...], firms: int, number: int) -> Run:
    """Return what one run finds.

    Parameters
    ----------
    stages : Stages
    levels : tuple of float
        Importances, ascending.
    firms : int
        Firms at each level.
    number : int
        Of the run; runs of different numbers share no random numbers.

    Raises
    ------
    EstimateError
        Where the arithmetic of a firm has failed.
    """
    shares: list[float] = []
    steps = 0
    states, happened = stages.born(first_replicate(number, 0), firms), 0
    for stage, level in enumerate((*levels, np.inf)):
        reached = _refused(stages.advanced(states, first_replicate(number, stage), level))
        steps += int(reached.lived.sum(dtype=np.int64))
        at_level = reached.states[reached.status == AT_LEVEL]
        happened += int((reached.status == EVENT).sum())
        shares.append((len(at_level) + happened) / firms)
        if len(at_level) + happened == 0:
            shares += [0.0] * (len(levels) + 1 - len(shares))
            break
        states, happened = copied(at_level, happened, firms, stages.key, first_replicate(number, stage + 1))
    return Run(tuple(shares), steps)


def first_replicate(number: int, stage: int) -> int:
    """Return the replicate number of a stage's first firm: the low half of 64 bits counts its firms."""
    return (number * (MOST_LEVELS + 1) + stage) << 32


def copied(states: Floats, happened: int, firms: int, key: int, first: int) -> tuple[Floats, int]:
    """Return as many firms as begin at a level, copied from those that have come to it.

    Parameters
    ----------
    states : (n, width) array
        Of those that have not had the event.
    happened : int
        How many have had it.
    firms : int
    key, first : int
        Of the random numbers that choose among states.

    Returns
    -------
    ((m, width) array, int)
        Copies without the event, and how many copies have had it; `firms` in all.
    """
    count = len(states) + happened
    each, more = divmod(firms, count)
    copies = np.full(count, each)
    if more:
        numbers = uniforms(key, np.arange(first, first + count, dtype=np.uint64), name="splitting", stream=DESIGN)
        copies[np.argsort(numbers, kind="stable")[:more]] += 1
    return np.repeat(states, copies[: len(states)], axis=0), int(copies[len(states) :].sum())


def pilot(stages: Stages, firms: int, given: tuple[float, ...] | None = None) -> Pilot:
    """Set levels so that about a fifth of the firms come from each to the next.

    Each stage is stepped twice with the same random numbers: to the horizon, which shows how near each firm comes, and
    to the level that a fifth of them pass. The run of the pilot is no part of an estimate, so that does not bias it
    (Cérou & Guyader 2007 set levels within the run). Where levels are given, firms are stepped to the horizon once, for
    the cost of firms that are not split.

    Raises
    ------
    EstimateError
        Where no firm comes nearer to the event, or the arithmetic of one has failed.
    """
    levels: list[float] = []
    steps, plain_steps = 0, 0.0
    states, happened = stages.born(first_replicate(PILOT, 0), firms), 0
    for stage in range(MOST_LEVELS):
        first = first_replicate(PILOT, stage)
        farthest = _refused(stages.advanced(states, first))
        steps += int(farthest.lived.sum(dtype=np.int64))
        plain_steps = plain_steps or float(farthest.lived.mean())
        if given is not None:
            return Pilot(given, steps, plain_steps)
        events = happened + int((farthest.status == EVENT).sum())
        level = _next_level(farthest, events, firms, levels[-1] if levels else -np.inf)
        if level is None:
            return Pilot(tuple(levels), steps, plain_steps)
        levels.append(level)
        reached = stages.advanced(states, first, level)
        steps += int(reached.lived.sum(dtype=np.int64))
        at_level = reached.states[reached.status == AT_LEVEL]
        happened += int((reached.status == EVENT).sum())
        states, happened = copied(at_level, happened, firms, stages.key, first_replicate(PILOT, stage + 1))
    raise EstimateError(
        f"{MOST_LEVELS} levels do not lead to the event, the last at an importance of {levels[-1]:g}: it may be "
        "impossible, or importance does not grow with it"
    )


def _next_level(farthest: Reached, events: int, firms: int, last: float) -> float | None:
    """Return the importance above the last level that a fifth of the firms reach, events included; none where as many
    have the event, or where it is what is left to come."""
    wanted = int(np.ceil(SHARE * firms)) - events
    best = np.sort(farthest.best[farthest.status != EVENT])[::-1]
    above = best[(best > last) & (best < np.inf)]
    if wanted <= 0 or (events > 0 and not len(above)):
        return None
    if not len(above):
        raise EstimateError(
            f"of {firms:,} firms of the pilot, none had the event or came beyond an importance of {last:g}: take more "
            "firms, or an importance that shows better how near they are; it grows towards the event, as '-distance' "
            "does where less distance is nearer"
        )
    return float(above[min(wanted, len(above)) - 1])


def _refused(reached: Reached) -> Reached:
    failed = int((reached.status == FAILED).sum())
    if failed:
        raise EstimateError(
            f"the arithmetic of {failed:,} of {len(reached.status):,} firms has failed: there is no estimate"
        )
    return reached
