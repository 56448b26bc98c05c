"""Indices without the noise of replicates: of Ishigami's function with noise, where those of the values are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import firmfate
from firmfate.errors import EstimateError
from firmfate.sensitivity import noise_free_indices, sobol_indices
from firmfate.sensitivity.noise_free import indices_of_batches
from firmfate.survival import rmst

sobol = pytest.importorskip("SALib.sample.sobol")
FIRST, TOTAL = np.array([0.3139, 0.4424, 0.0]), np.array([0.5576, 0.4424, 0.2437])
"""Of Ishigami and Homma (1990), a = 7 and b = 0.1."""
NOISE = 20.0
"""Standard deviation of a batch's noise; that of the function is 3.7, of 16 batches' mean noise 5."""
BATCHES = 16


def ishigami(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of Saltelli's design, (cells, 3), and Ishigami's function at them."""
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-np.pi, np.pi]] * 3}
    x = sobol.sample(problem, points, calc_second_order=False, seed=seed)
    return x, np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def own(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Noise of every point for itself."""
    return NOISE * random.standard_normal((BATCHES, len(x)))


def common(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Noise that points share, as under common random numbers, to an extent that depends on the third axis."""
    level, slope = random.standard_normal((2, BATCHES, 1))
    return 10 * (level + slope * x[:, 2] / np.pi)


@pytest.mark.parametrize("noise", [own, common])
def test_ishigami_with_noise(noise: Callable[[np.random.Generator, np.ndarray], np.ndarray]) -> None:
    """Means over repetitions are right within four standard errors; of the noisy values, they are not."""
    x, exact = ishigami(1024, seed=1)
    random = np.random.default_rng(2)
    found, naive = [], []
    for _ in range(60):
        values = exact + noise(random, x)
        found.append(indices_of_batches(values, 3, 5))
        blocks = values.mean(axis=0).reshape(-1, 5)
        blocks = blocks - blocks[:, [0, -1]].mean()
        naive.append(((blocks[:, :1] - blocks[:, 1:4]) ** 2).mean(axis=0) / (blocks[:, [0, -1]] ** 2).mean() / 2)
    for name, truth in (("first", FIRST), ("total", TOTAL)):
        values = np.array([one[name] for one in found])
        error = np.sqrt(values.var(axis=0, ddof=1) / len(values))
        assert (np.abs(values.mean(axis=0) - truth) < 4 * error + 0.01).all(), name  # 0.01 of 1,024 points
        said = np.sqrt(np.mean([one[f"{name}_se_firms"] ** 2 for one in found], axis=0))
        assert (said > 0.7 * values.std(axis=0)).all()
        assert (said < 2.0 * values.std(axis=0)).all()
    assert np.abs(np.mean(naive, axis=0) - TOTAL).max() > 0.05
    assert np.mean([one["noise_share"] for one in found]) > 0.1


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
