"""Indices without the noise of replicates: of Ishigami's function with noise, where those of the values are wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_deviation, of_mean, times

import firmfate
from firmfate.errors import EstimateError
from firmfate.sensitivity import noise_free_indices, sobol_indices
from firmfate.sensitivity.noise_free import indices_of_batches
from firmfate.survival import rmst

sobol = pytest.importorskip("SALib.sample.sobol")
FIRST, TOTAL = np.array([0.3139, 0.4424, 0.0]), np.array([0.5576, 0.4424, 0.2437])
SECOND = np.array([[np.nan, 0.0, 0.2437], [0.0, np.nan, 0.0], [0.2437, 0.0, np.nan]])
"""Of Ishigami and Homma (1990), a = 7 and b = 0.1."""
NOISE = 20.0
"""Standard deviation of a batch's noise; that of the function is 3.7, of 16 batches' mean noise 5."""
BATCHES = 16
Indices = dict[str, np.ndarray]


def ishigami(points: int, seed: int, *, second: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return points of Saltelli's design, (cells, 3), and Ishigami's function at them."""
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-np.pi, np.pi]] * 3}
    x = sobol.sample(problem, points, calc_second_order=second, seed=seed)
    return x, np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def own(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Noise of every point for itself."""
    return NOISE * random.standard_normal((BATCHES, len(x)))


def common(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Noise that points share, as under common random numbers, to an extent that depends on the third axis."""
    level, slope = random.standard_normal((2, BATCHES, 1))
    return 10 * (level + slope * x[:, 2] / np.pi)


BIAS = {own: 0.01, common: 0.04}
"""Of indices at most: by 1,024 points; and as a share of a variance in which the noise's slope is about a tenth."""


@pytest.mark.bounded(power=0.99, against="an index that is off by 0.2 more")
@pytest.mark.parametrize("noise", [own, common])
def test_ishigami_with_noise(noise: Callable[[np.random.Generator, np.ndarray], np.ndarray], bounded: Bounded) -> None:
    """Means over repetitions are right but for a small bias; of the noisy values, they are not."""
    (x, exact), repetitions, truth = ishigami(1024, seed=1), 60, np.concatenate([FIRST, TOTAL])

    def noisy(sample: int, repetitions: int) -> Iterator[np.ndarray]:
        random = np.random.default_rng(2 + 100 * sample)
        return (exact + noise(random, x) for _ in range(repetitions * times(sample)))

    @functools.cache
    def repeated(sample: int) -> list[Indices]:
        return [indices_of_batches(values, 3, 5) for values in noisy(sample, repetitions)]

    def estimates(sample: int) -> np.ndarray:
        return np.array([np.concatenate([one["first"], one["total"]]) for one in repeated(sample)])

    def naive(sample: int) -> np.ndarray:
        found = []
        for values in noisy(sample, repetitions if noise is own else 4 * repetitions):
            blocks = values.mean(axis=0).reshape(-1, 5)
            blocks = blocks - blocks[:, [0, -1]].mean()
            found.append(((blocks[:, :1] - blocks[:, 1:4]) ** 2).mean(axis=0) / (blocks[:, [0, -1]] ** 2).mean() / 2)
        return np.array(found)

    assert not bounded.refuses(lambda sample: of_mean(estimates(sample), truth, BIAS[noise]))
    assert bounded.refuses(lambda sample: of_mean(naive(sample), TOTAL, BIAS[noise]))
    spread = estimates(0).std(axis=0, ddof=1)
    bounded.sees(chance_of_deviation(0.2 / spread.max() * repetitions**0.5, repetitions - 1), truth.size)
    said = np.sqrt(np.mean([
        np.concatenate([one["first_se_firms"], one["total_se_firms"]]) ** 2 for one in repeated(0)
    ], axis=0))  # fmt: skip
    assert ((said > 0.7 * spread) & (said < 2.0 * spread)).all()
    assert np.mean([one["noise_share"] for one in repeated(0)]) > 0.1


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="an index that is off by 0.3 more")
@pytest.mark.parametrize("noise", [own, common])
def test_pairs_of_axes_with_noise(
    noise: Callable[[np.random.Generator, np.ndarray], np.ndarray], bounded: Bounded
) -> None:
    """The same of second order; SALib's indices of the noisy values are the negative control."""
    analysis = pytest.importorskip("SALib.analyze.sobol")
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-np.pi, np.pi]] * 3}
    x, exact = ishigami(1024, seed=1, second=True)
    pair, repetitions = np.triu_indices(3, 1), 30

    @functools.cache
    def repeated(sample: int) -> tuple[list[Indices], np.ndarray]:
        random, naive = np.random.default_rng(2 + 100 * sample), []
        values = [exact + noise(random, x) for _ in range(repetitions * times(sample))]
        for one in values[: 8 * times(sample)]:
            noisy = analysis.analyze(problem, one.mean(axis=0), calc_second_order=True, num_resamples=2, seed=1)
            naive.append(noisy["S2"][pair])
        return [indices_of_batches(one, 3, 8) for one in values], np.array(naive)

    def estimates(sample: int) -> np.ndarray:
        return np.array([one["second"][pair] for one in repeated(sample)[0]])

    assert not bounded.refuses(lambda sample: of_mean(estimates(sample), SECOND[pair], 0.02))  # 0.02 of 1,024 points
    assert bounded.refuses(lambda sample: of_mean(estimates(sample), SECOND[pair] + 0.3, 0.02))
    spread = estimates(0).std(axis=0, ddof=1)
    bounded.sees(chance_of_deviation(0.3 / spread.max() * repetitions**0.5, repetitions - 1), 3)
    said = np.sqrt(np.mean([one["second_se_firms"][pair] ** 2 for one in repeated(0)[0]], axis=0))
    assert ((said > 0.6 * spread) & (said < 2.0 * spread)).all()
    if noise is own:  # what points share cancels in products of two of them, but for their slope
        assert bounded.refuses(lambda sample: of_mean(repeated(sample)[1], SECOND[pair], 0.02))


def test_pairs_of_axes_without_noise_are_those_of_salib() -> None:
    analysis = pytest.importorskip("SALib.analyze.sobol")
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-np.pi, np.pi]] * 3}
    _, exact = ishigami(512, seed=3, second=True)
    found = indices_of_batches(np.tile(exact, (BATCHES, 1)), 3, 8)
    other = analysis.analyze(problem, exact, calc_second_order=True, num_resamples=2, seed=1)
    pair = np.triu_indices(3, 1)
    np.testing.assert_allclose(found["second"], found["second"].T)
    assert np.isnan(np.diag(found["second"])).all()
    # SALib takes one of two products for a pair, and these indices the mean of both.
    np.testing.assert_allclose(found["second"][pair], other["S2"][pair], atol=0.05)
    np.testing.assert_allclose(found["second"][pair], SECOND[pair], atol=0.05)
    assert (found["second_se_points"][pair] < 0.1).all()
    np.testing.assert_allclose(found["second_se_firms"][pair], 0, atol=1e-9)


def test_without_noise_nothing_is_subtracted() -> None:
    _, exact = ishigami(256, seed=3)
    found = indices_of_batches(np.tile(exact, (BATCHES, 1)), 3, 5)
    blocks = exact.reshape(-1, 5) - exact.reshape(-1, 5)[:, [0, -1]].mean()
    total = ((blocks[:, :1] - blocks[:, 1:4]) ** 2).mean(axis=0) / (blocks[:, [0, -1]] ** 2).mean() / 2
    np.testing.assert_allclose(found["total"], total)
    np.testing.assert_allclose(found["total_se_firms"], 0, atol=1e-9)
    assert abs(float(found["noise_share"])) < 1e-12
    assert (found["total_se_points"] > 0).all()


@pytest.mark.slow
def test_a_design_of_second_order_has_pairs_of_its_axes(tmp_path: Path) -> None:
    study = firmfate.Study(
        name="pairs", model="car", years=10, replicates=256,
        saltelli={
            "points": 64, "second_order": True, "execution": [0, 1], "misalignment": [0, 1], "buffer_mean": [1.5, 1.6],
        },
    )  # fmt: skip
    with firmfate.run(study, into=tmp_path, progress=False) as ds:
        free, other = noise_free_indices(ds, rmst), sobol_indices(ds, rmst)
    assert free.second.dims == ("parameter", "other")
    assert free.other.values.tolist() == free.parameter.values.tolist()
    pair = free.sel(parameter="execution", other="misalignment")
    noisy = float(other.second.sel(parameter="execution", other="misalignment"))
    assert float(pair.second) == pytest.approx(noisy, abs=0.1)  # of 256 firms a cell there is little noise
    assert float(pair.second_se) > float(pair.second_se_points) > float(pair.second_se_firms) > 0


@pytest.mark.slow
def test_errors_say_that_firms_are_too_few(tmp_path: Path) -> None:
    """64 cars a cell, close to the misalignment at which execution has no effect: nearly all variance is noise."""
    study = firmfate.Study(
        name="few", model="car", years=20, replicates=64, common_random_numbers=False,
        saltelli={"points": 64, "execution": [0, 1], "misalignment": [0.55, 0.65]},
    )  # fmt: skip
    with firmfate.run(study, into=tmp_path, progress=False) as ds:
        free, noisy = noise_free_indices(ds, rmst), sobol_indices(ds, rmst)
    share = float(free.noise_share)
    assert 0.5 < share < 1.0
    assert float(noisy.total.sum()) > 1.5  # noise looks like an interaction of everything
    for name in ("first", "total"):
        assert set(free[name].dims) == {"parameter"}
        assert (free[f"{name}_se"] > 0.05).all()  # and the errors say that 64 firms are too few


def test_too_few_points_are_refused(tmp_path: Path) -> None:
    study = firmfate.Study(
        name="few", model="car", replicates=64, saltelli={"points": 4, "execution": [0, 1], "misalignment": [0, 1]}
    )
    with (
        firmfate.run(study, into=tmp_path, progress=False) as ds,
        pytest.raises(EstimateError, match="4 points of the design"),
    ):
        noise_free_indices(ds, rmst)
