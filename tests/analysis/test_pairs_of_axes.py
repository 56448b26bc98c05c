"""Tables of pairs of axes: one place for grids, scattered cells and Sobol indices of second order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from firmfate.analysis.pairs_of_axes import joint_effects, symmetric


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_each_pair_stands_where_its_axes_cross(axes: int) -> None:
    pairs = list(itertools.combinations(range(axes), 2))
    found = symmetric([10 * i + j for i, j in pairs], axes)
    assert np.isnan(np.diag(found)).all()
    for i, j in pairs:
        assert found[i, j] == found[j, i] == 10 * i + j


def test_without_values_there_is_nothing_of_any_pair() -> None:
    none = joint_effects(np.empty(0), np.empty(0), 3, "_se")
    assert list(none) == ["interaction_se", "joint_share_se"]
    assert all(np.isnan(values).all() and values.shape == (3, 3) for _, values, _ in none.values())
