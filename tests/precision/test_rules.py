"""How many firms a width takes: the parts of the rule by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from firmfate.precision.allocation import Allowed, following
from firmfate.precision.reached import Measured
from firmfate.precision.rules import exact_limit, firms_needed, half_width, next_firms
from firmfate.study.targets import Target
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
    ("n", "needed", "next_"),
    [
        (4096, 20_000, 22_016),  # a tenth more than predicted, in equal batches of 128
        (4096, 4_097, 5120),  # at least a quarter more than now
        (4096, 10**9, 65_536),  # at most 16 times
        (4096, np.nan, 4096),  # nothing is needed
    ],
)
def test_the_next_round(n: int, needed: float, next_: int) -> None:
    assert next_firms(n, needed, 128) == next_


def test_work_allowed_goes_to_the_cells_that_want_most() -> None:
    now, wanted = np.array([1024, 1024, 1024]), np.array([1024, 4096, 8192])
    assert Allowed(None, 20_000).limited(now, wanted, 128).tolist() == [1024, 4096, 8192]
    assert Allowed(None, 9_300).limited(now, wanted, 128).tolist() == [1024, 4096, 4096]
    assert Allowed(None, 5_000).limited(now, wanted, 128).tolist() == [1024, 1920, 1920]
    assert Allowed(None, 3_072).limited(now, wanted, 128).tolist() == [1024, 1024, 1024]
    assert Allowed(5_000, None).limited(now, wanted, 128).tolist() == [1024, 4096, 5000]


def measured(key: str, cells: list[list[int]], needed: list[float]) -> Measured:
    """A target whose places all need more."""
    places = len(needed)
    yes, none = np.ones(places, bool), np.zeros(places, bool)
    return Measured(
        Target(key, key.partition(".")[0], 0.1, 1040), 0.95, half=np.ones(places), firms=np.full(places, 1024.0),
        counts=yes, never=none, narrow=np.isnan(needed), needed=np.array(needed), cells=np.array(cells),
        alike=(np.array(cells),) if len(cells[0]) > 1 else (),
    )  # fmt: skip


def test_cells_grow_as_they_need_and_those_of_a_difference_together() -> None:
    now, allowed = np.full(6, 1024), Allowed(10**6, None)
    alone = measured("rmst", [[0], [1], [2], [3], [4], [5]], [np.nan, 2000, np.nan, 3000, np.nan, np.nan])
    pairs = measured("difference.execution", [[0, 3], [1, 4], [2, 5]], [np.nan, 1500, np.nan])
    apart = following([alone], now, allowed, batches=128, alike=False)
    assert apart.tolist() == [1024, 2304, 1024, 3328, 1024, 1024]
    together = following([alone, pairs], now, allowed, batches=128, alike=False)
    assert together.tolist() == [3328, 2304, 1024, 3328, 2304, 1024]
    assert following([alone], now, allowed, batches=128, alike=True).tolist() == [3328] * 6
