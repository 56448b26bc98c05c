"""Gains are found where there are some, and none where firms are independent."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.variance.measured import FIRMS, by_control, gains, known


@pytest.mark.parametrize(("shared", "gain"), [(-0.5, 2.0), (0.0, 1.0), (0.5, 2 / 3)])
def test_the_gain_of_pairs_follows_from_their_correlation(shared: float, gain: float) -> None:
    random = np.random.default_rng(1)
    pairs = random.multivariate_normal([0, 0], [[1, shared], [shared, 1]], (4, FIRMS // 2)).reshape(4, FIRMS)
    assert gains(pairs, 2) == pytest.approx(np.full(4, gain), rel=0.1)
    assert known(pairs) == pytest.approx(np.full(4, 1 / (1 - shared)), rel=0.1)


def test_the_gain_of_a_control_follows_from_its_correlation() -> None:
    random = np.random.default_rng(1)
    control = random.standard_normal((1, FIRMS))
    values = 0.8 * control + 0.6 * random.standard_normal((1, FIRMS))
    assert by_control(values, control) == pytest.approx([1 / (1 - 0.64)], rel=0.1)
