"""Statistical tests whose false-alarm rate is bounded, and whose power against a named alternative is computed.

A test is marked ``bounded(alarm=, power=, against=)`` and takes the fixture of that name. What it has simulated goes in
as exact p-values, times their number. One that its first sample does not decide goes on with more (Gandy & Scott 2020,
*Unit testing for MCMC and other Monte Carlo methods*, arXiv:2001.06465, and their R package mcunit). It fails with a
probability of `alarm` at most where all is right, for any numbers in place of its seeds. A test whose stated power is
not computed, or is less, fails. ``python -m tests.evidence.alarms`` writes the table of `tests/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

ALARM = 1e-5
ROUNDS = 3
"""Samples at most, where a mark says nothing else."""
GROWTH = 4
"""Of every sample but the first, in sizes of the first."""

PValues = Callable[[int], Iterable[float]]
"""Number of the sample, from 0 -> p-values; samples of different numbers must be independent of each other."""
Chance = Callable[[float, int], float]
"""(level, size in those of the first sample) -> probability that a p-value is at most that level."""


def times(sample: int) -> int:
    """Return how large a sample is, in sizes of the first."""
    return GROWTH if sample else 1


def levels(alarm: float, rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Return of every sample the p-value up to which the test fails, and that up to which it goes on.

    Where p-values are at most x with a probability of at most x, each sample adds alarm / rounds at most.
    """
    fails = alarm / rounds
    on = fails ** (1 / rounds)
    return [(fails / on**sample, on + fails / on**sample) for sample in range(rounds)]


@dataclass
class Bounded:
    """What a test compares by.

    Parameters
    ----------
    alarm : float
        Probability that it fails where all is right, at most.
    stated : float
        Power that its mark states.
    rounds : int
        Samples at most.
    """

    alarm: float = ALARM
    stated: float = 0.0
    rounds: int = ROUNDS
    powers: list[float] = field(default_factory=list)

    def refuses(self, p_values: PValues) -> bool:
        """Return whether what is compared is not as it should be: the least of the p-values is too small."""
        for sample, (fails, on) in enumerate(levels(self.alarm, self.rounds)):
            found = np.array(list(p_values(sample)))
            least = float(found.min() * found.size)
            if least <= fails:
                return True
            if least > on:
                return False
        return False

    def sees(self, chance: Chance, comparisons: int = 1) -> float:
        """Return the power where one of the comparisons is off as an alternative says; less than is stated fails."""
        power, going_on = 0.0, 1.0
        for sample, (fails, on) in enumerate(levels(self.alarm, self.rounds)):
            failed = chance(fails / comparisons, times(sample))
            power += going_on * failed
            going_on *= max(0.0, chance(min(1.0, on / comparisons), times(sample)) - failed)
        assert power >= self.stated, f"the power is {power:.4f}"
        self.powers.append(power)
        return power


def of_share(hits: ArrayLike, count: int, share: ArrayLike, side: str = "both") -> list[float]:
    """Return exact p-values of numbers of hits, each of so many tries that hit with a share.

    `side` is "both"; or "low" or "high", where only too few or too many hits are wrong.
    """
    hits = np.asarray(hits)
    low, high = stats.binom.cdf(hits, count, share), stats.binom.sf(hits - 1, count, share)
    found = {"low": low, "high": high, "both": np.minimum(1.0, 2 * np.minimum(low, high))}[side]
    return np.ravel(found).tolist()


def chance_of_share(count: int, share: float, true: float, side: str = "both") -> Chance:
    """Return the chance of `of_share` where the share is another."""

    def chance(level: float, grown: int) -> float:
        tries = count * grown
        each = level / 2 if side == "both" else level
        # ppf is the least number whose cumulative probability is at least the level.
        low = stats.binom.ppf(each, tries, share)
        low -= stats.binom.cdf(low, tries, share) > each
        high = stats.binom.isf(each, tries, share) + 1
        high += stats.binom.sf(high - 1, tries, share) > each
        below = float(stats.binom.cdf(low, tries, true)) if side != "high" else 0.0
        above = float(stats.binom.sf(high - 1, tries, true)) if side != "low" else 0.0
        return below + above

    return chance


def of_deviation(deviation: ArrayLike, freedom: float = np.inf) -> list[float]:
    """Return p-values of deviations in standard errors: normal, or Student's with so many degrees of freedom."""
    return np.ravel(2 * stats.t.sf(np.abs(np.asarray(deviation)), freedom)).tolist()


def chance_of_deviation(deviation: float, freedom: float = np.inf) -> Chance:
    """Return the chance of `of_deviation` where the first sample is off by so many standard errors, on average."""

    # What a standard error that is estimated is of the true one, at evenly spaced quantiles.
    even = (np.arange(4_000) + 0.5) / 4_000
    spread = np.ones(1) if np.isinf(freedom) else np.sqrt(stats.chi2.ppf(even, freedom) / freedom)

    def chance(level: float, grown: int) -> float:
        beyond, mean = stats.t.isf(level / 2, freedom) * spread, abs(deviation) * grown**0.5
        return float(np.mean(stats.norm.sf(beyond - mean) + stats.norm.cdf(-beyond - mean)))

    return chance
