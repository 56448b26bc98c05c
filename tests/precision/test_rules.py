"""How many firms a width takes: the parts of the rule by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from firmfate.precision.rules import exact_limit, firms_needed, half_width, next_firms
from firmfate.survival.core.limits import wilson

Z = stats.norm.ppf(0.975)


@pytest.mark.parametrize("n", [1024, 4096])
def test_the_interval_of_a_share_contains_wilsons_and_is_never_narrower(n: int) -> None:
    seen = np.arange(n + 1)
    half = half_width(seen, seen, n, Z)
    centre = (seen + Z**2 / 2) / (n + Z**2)
    lower, upper = wilson(seen / n, np.full(n + 1, n), Z)
    assert (half > 0).all()
    assert (centre - half <= lower + 1e-12).all()
    assert (centre + half >= upper - 1e-12).all()


def test_a_variance_of_zero_is_none() -> None:
    assert half_width(0, 0, 4096, Z) == pytest.approx(Z * np.sqrt(Z**2 / 2) / 4096, rel=2e-3)
    same = half_width(4096 * 0.5, 4096 * 0.25, 4096, Z)  # every firm lives for half of the horizon
    assert same == pytest.approx(Z * Z / 2 / 4096, rel=2e-3)


def test_the_exact_limit_is_that_of_clopper_and_pearson() -> None:
    for n in (1, 100, 40_000):
        assert exact_limit(n, 0.95) == pytest.approx(stats.beta.ppf(0.975, 1, n))


def test_the_need_falls_as_the_square_of_the_width() -> None:
    assert firms_needed(1000, 0.02, 0.01) == pytest.approx(4000)


@pytest.mark.parametrize(
    ("n", "needed", "most", "next_"),
    [
        (4096, 20_000, 10**6, 22_016),  # a tenth more than predicted, in equal batches of 128
        (4096, 4_097, 10**6, 5120),  # at least a quarter more than now
        (4096, 10**9, 10**9, 65_536),  # at most 16 times
        (4096, 20_000, 10_000, 10_000),  # at most what is allowed
        (10_000, 20_000, 10_000, 10_000),  # and nothing more then
    ],
)
def test_the_next_round(n: int, needed: float, most: int, next_: int) -> None:
    assert next_firms(n, needed, 128, most) == next_
