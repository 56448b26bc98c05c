"""Statistical tests whose false-alarm rate is bounded, and whose power against a named alternative is computed.

A test is marked ``bounded(power=, against=)`` and takes the fixture of that name. What it has simulated goes in as
p-values, times their number; a test that asserts more than once that nothing is refused says ``claims=``. One that its
first sample does not decide goes on with more (Gandy & Scott 2020, *Unit testing for MCMC and other Monte Carlo
methods*, arXiv:2001.06465, and their R package mcunit); one that cannot draw again says ``rounds=1``. By these p-values
it fails with a probability of `ALARM` at most where all is right, for any numbers in place of its seeds: exactly so for
shares, and for other numbers as far as they are normal. What else it asserts is not in that probability. A test whose
stated power is not computed, or is less, fails, and so does one that has more claims than it says. ``python -m
tests.evidence.alarms`` writes the table of `tests/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
        Probability that one of its claims fails where all is right, at most.
    stated : float
        Power that its mark states.
    rounds : int
        Samples at most.
    claims : int
        How often, at most, it asserts that nothing is refused; each has as much of the probability.
    """

    alarm: float = ALARM
    stated: float = 0.0
    rounds: int = ROUNDS
    claims: int = 1
    powers: list[float] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)

    def refuses(self, p_values: PValues | Sequence[float]) -> bool:
        """Return whether what is compared is not as it should be: the least of the p-values is too small.

        P-values alone, without a function, are of a sample that cannot be drawn again.
        """
        assert callable(p_values) or self.rounds == 1, "more samples are to be drawn: a function is needed"
        self.refused.append(self._is_refused(p_values))
        return self.refused[-1]

    def _is_refused(self, p_values: PValues | Sequence[float]) -> bool:
        for sample, (fails, on) in enumerate(levels(self.alarm / self.claims, self.rounds)):
            found = np.array(list(p_values(sample) if callable(p_values) else p_values))
            assert np.isfinite(found).all(), f"p-values that are no numbers: {found}"
            least = float(found.min() * found.size)
            if least <= fails:
                return True
            if least > on:
                return False
        return False

    def sees(self, chance: Chance, comparisons: int = 1) -> float:
        """Return the power where one of the comparisons is off as an alternative says; less than is stated fails."""
        power, going_on = 0.0, 1.0
        for sample, (fails, on) in enumerate(levels(self.alarm / self.claims, self.rounds)):
            failed = chance(fails / comparisons, times(sample))
            power += going_on * failed
            going_on *= max(0.0, chance(min(1.0, on / comparisons), times(sample)) - failed)
        assert power >= self.stated, f"the power is {power:.4f}"
        self.powers.append(power)
        return power

    def finish(self) -> None:
        """Fail where a test that has passed has not done what its mark states."""
        assert self.refused, "nothing is compared"
        assert self.powers, "the power that is stated is not computed"
        claims = self.refused.count(False)
        assert claims <= self.claims, f"{claims} claims, and the mark states {self.claims}"


def of_share(hits: ArrayLike, count: int, share: ArrayLike, side: str = "both") -> list[float]:
    """Return exact p-values of numbers of hits, each of so many tries that hit with a share.

    `side` is "both"; or "low" or "high", where only too few or too many hits are wrong.
    """
    hits = np.asarray(hits, float)  # unsigned integers have no number before 0
    low, high = stats.binom.cdf(hits, count, share), stats.binom.sf(hits - 1, count, share)
    found = {"low": low, "high": high, "both": np.minimum(1.0, 2 * np.minimum(low, high))}[side]
    return np.ravel(found).tolist()


def shares(found: Callable[[int, int], ArrayLike], count: int, share: ArrayLike, side: str = "both") -> PValues:
    """Return `of_share` of samples: (number of the sample, tries) -> which share of the tries has hit, once or more."""

    def p_values(sample: int) -> list[float]:
        tries = count * times(sample)
        return of_share(np.rint(np.asarray(found(sample, tries)) * tries), tries, share, side)

    return p_values


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


def of_mean(values: ArrayLike, true: ArrayLike, within: ArrayLike = 0.0) -> list[float]:
    """Return Student's p-values of means over the first axis, which are `true`, or so far from it at most."""
    values = np.asarray(values)
    error = values.std(axis=0, ddof=1) / len(values) ** 0.5
    return of_deviation(np.maximum(np.abs(values.mean(axis=0) - true) - within, 0.0) / error, len(values) - 1)


def of_estimates(estimate: ArrayLike, se: ArrayLike, true: ArrayLike, freedom: float) -> list[float]:
    """Return p-values of means, over the first axis, of independent estimates that state their standard errors."""
    estimate, se = np.asarray(estimate), np.asarray(se)
    error = np.sqrt((se**2).sum(axis=0)) / len(se)
    return of_deviation((estimate.mean(axis=0) - true) / error, freedom * len(se))


def of_spread(ratio: ArrayLike, freedom: float) -> list[float]:
    """Return p-values of standard deviations of normal numbers, in true ones: chi-squared with so many degrees."""
    square = freedom * np.asarray(ratio) ** 2
    least = np.minimum(stats.chi2.cdf(square, freedom), stats.chi2.sf(square, freedom))
    return np.ravel(np.minimum(1.0, 2 * least)).tolist()


def chance_of_spread(factor: float, freedom: float) -> Chance:
    """Return the chance of `of_spread` where the standard deviation is so many times what it should be."""

    def chance(level: float, grown: int) -> float:
        degrees = freedom * grown
        low, high = stats.chi2.ppf(level / 2, degrees), stats.chi2.isf(level / 2, degrees)
        return float(stats.chi2.cdf(low / factor**2, degrees) + stats.chi2.sf(high / factor**2, degrees))

    return chance


def chance_of_deviation(deviation: float, freedom: float = np.inf) -> Chance:
    """Return the chance of `of_deviation` where the first sample is off by so many standard errors, on average."""

    # What a standard error that is estimated is of the true one, at evenly spaced quantiles.
    even = (np.arange(4_000) + 0.5) / 4_000
    spread = np.ones(1) if np.isinf(freedom) else np.sqrt(stats.chi2.ppf(even, freedom) / freedom)

    def chance(level: float, grown: int) -> float:
        beyond, mean = stats.t.isf(level / 2, freedom) * spread, abs(deviation) * grown**0.5
        return float(np.mean(stats.norm.sf(beyond - mean) + stats.norm.cdf(-beyond - mean)))

    return chance
