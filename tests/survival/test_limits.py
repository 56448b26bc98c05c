"""Limits near certainty: exact coverage, summed over all counts that can be, with the plain limits as control."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom
from tests.bounded import Bounded, chance_of_share, shares

from firmfate.survival import kaplan_meier, rmst, time_lost


def exact_coverage(p: float, n: int, limits: str) -> float:
    """Probability that the limits of S after one week hold 1 - p, for n firms of which Binomial(n, p) end."""
    ended = np.arange(0, int(binom.ppf(1 - 1e-12, n, p)) + 1)
    ds = xr.Dataset(
        {
            "events": (("cell", "cause", "week"), ended[:, None, None]),
            "firms": ("cell", np.full(ended.size, n)),
        }
    )
    found = kaplan_meier(ds, limits=limits).isel(week=1)
    inside = (found.lower <= 1 - p) & (1 - p <= found.upper)
    return float((binom.pmf(ended, n, p) * inside).sum())


@pytest.mark.parametrize(("p", "n"), [(1e-4, 10_000), (1e-3, 10_000), (0.5, 100), (1 - 1e-3, 1000)])
def test_horizon_limits_cover(p: float, n: int) -> None:
    assert 0.915 < exact_coverage(p, n, "auto") < 0.985


def test_plain_limits_do_not() -> None:
    """The 63 % and 92 % that made Wilson's limits the choice."""
    assert exact_coverage(1e-4, 10_000, "plain") == pytest.approx(0.632, abs=0.002)
    assert exact_coverage(1e-4, 10_000, "auto") == pytest.approx(0.920, abs=0.002)


@pytest.mark.bounded(power=0.95, against="95 % limits that cover 87 %", claims=2)
def test_means_of_rare_losses_cover(bounded: Bounded) -> None:
    """One firm in 5,000 is lost, in a random week: normal limits of the weeks lost miss often, ours do not."""
    repetitions, n, weeks, p = 4000, 5000, 20, 4e-5
    true = ((1 - p) ** np.arange(weeks)).sum()

    @functools.cache
    def covered(sample: int, tries: int) -> tuple[float, float]:
        """Return how often our limits, and normal ones, contain the mean."""
        random = np.random.Generator(np.random.Philox(8 + sample))
        events = random.binomial(n, p, (tries, 1, weeks))  # so rare that weeks are as good as independent
        ds = xr.Dataset({"events": (("cell", "cause", "week"), events), "firms": ("cell", np.full(tries, n))})
        ours, lost = rmst(ds), time_lost(ds).isel(cause=0)
        np.testing.assert_allclose(weeks - lost.lower, ours.upper, rtol=1e-12)
        normal = abs(ours.estimate - true) <= 1.96 * ours.se
        return float(((ours.lower <= true) & (true <= ours.upper)).mean()), float(normal.mean())

    # Of so few losses the coverage is no exact 95 %.
    assert not bounded.refuses(shares(lambda *drawn: covered(*drawn)[0], repetitions, 0.9, "low"))
    assert not bounded.refuses(shares(lambda *drawn: covered(*drawn)[0], repetitions, 0.99, "high"))
    assert bounded.refuses(shares(lambda *drawn: covered(*drawn)[1], repetitions, 0.9, "low"))
    bounded.sees(chance_of_share(repetitions, 0.9, 0.87, "low"))


def test_the_level_is_the_level(small: xr.Dataset) -> None:
    wide, narrow = (kaplan_meier(small, level=level) for level in (0.99, 0.5))
    some = wide.se > 0
    assert (wide.lower.where(some, -1) < narrow.lower).all()
    assert (wide.upper.where(some, 2) > narrow.upper).all()
