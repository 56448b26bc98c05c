"""The emulator's regression: its correlations are Matern's, and it finds a known function again."""

from __future__ import annotations

import numpy as np
import pytest

from firmfate.calibration import gaussian_process
from firmfate.calibration.gaussian_process import GaussianProcess
from firmfate.calibration.matern import correlate


def test_correlations_are_those_of_the_kernel_at_all_distances():
    distance = np.concatenate([np.linspace(0, 5, 400), np.linspace(5, 300, 200)])
    products = np.zeros((1, len(distance)), np.float32)
    correlate()(products, np.zeros(1, np.float32), (distance**2).astype(np.float32))
    exact = (1 + distance + distance**2 / 3) * np.exp(-distance)
    np.testing.assert_allclose(products[0], exact, atol=3e-6)


@pytest.mark.parametrize(("noise", "rounded"), [(1e-2, 0.01), (1e-4, 1e-6)])
def test_predictions_are_those_of_double_precision(noise, rounded):
    """With much noise correlations are single, with little weights are large, and single ones would be off by it."""
    random = np.random.Generator(np.random.Philox(5))
    known, asked = random.uniform(size=(200, 3)), random.uniform(size=(50, 3))
    process = GaussianProcess(known, curved(known) + random.normal(0, noise**0.5, (200, 2)), noise)
    exact = gaussian_process._kernel(asked, known, process.lengths) @ process._weights
    exact += gaussian_process._linear(asked) @ process._slopes
    np.testing.assert_allclose(process(asked), exact, atol=rounded * noise**0.5)
    # The mean of many noisy points is nearer to the truth than one of them; no straight line is.
    assert ((process(asked) - curved(asked)) ** 2).mean() < noise / 4
    assert ((gaussian_process._linear(asked) @ process._slopes - curved(asked)) ** 2).mean() > noise


def curved(points):
    return np.stack([np.sin(3 * points[:, 0]) * points[:, 1], points[:, 2] ** 2], axis=1)
