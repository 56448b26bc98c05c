"""Fits and effects by sector of the posterior's study."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from common import posterior_sectors
from common.posterior_effects import averaged, probability, signs


def test_names_of_sectors_differ_and_the_total_is_last():
    names = posterior_sectors.sectors()
    assert len(names) == 20
    assert len({posterior_sectors.key_of(name) for name in names}) == 20
    assert names[-1] == "Total Private"


def test_the_largest_difference_is_found_with_the_error_of_its_age():
    # The second table ends at age 1; the sign of a difference does not count.
    fits = xr.Dataset(
        {
            "alive": (("sector", "cohorts", "age"), [[[0.8, 0.6], [0.9, np.nan]]]),
            "predicted": (
                ("sector", "cohorts", "limit", "age"),
                [[[[0.78, 0.5], [0.81, 0.57], [0.84, 0.64]], [[0.8, 0.0], [0.88, 0.0], [0.96, 0.0]]]],
            ),
            "ess_bulk": (("sector", "cohorts", "parameter"), [[[400.0, 100.0], [25.0, 100.0]]]),
        },
        coords={"limit": [0.025, 0.5, 0.975]},
    )
    largest, error = posterior_sectors.differences(fits)
    assert largest.values[0] == pytest.approx([3.0, 2.0])
    each = np.sqrt(np.pi / 2) * np.array([14.0, 16.0]) / 3.92
    assert error.values[0] == pytest.approx(each / np.array([10.0, 5.0]))


def test_the_parameter_error_is_what_the_noise_leaves():
    mean, noise, parameter = averaged(
        np.array([1.0, 3.0, np.nan]), np.array([0.6, 0.6, np.nan]), np.array([0.25, 0.25, 0.5]), 100.0
    )
    assert (mean.estimate, mean.se) == pytest.approx((2.0, 0.1))
    assert (noise, parameter) == pytest.approx((0.6, 0.8))
    # Noise larger than the spread leaves none.
    assert averaged(np.array([1.0, 3.0]), np.full(2, 1.5), np.full(2, 0.5), 2.0).parameter == 0
    assert np.isnan(averaged(np.array([np.nan]), np.array([np.nan]), np.array([1.0]), 1.0).parameter)


def test_probabilities_of_signs_know_the_noise_of_each_draw():
    ds = xr.Dataset(
        {
            "effect": (("draw", "misalignment"), [[1.0, -1.0], [0.0, 5.0]]),
            "effect_se": (("draw", "misalignment"), [[0.1, 0.1], [1.0, 1.0]]),
        },
        coords={"misalignment": [0.0, 1.0]},
    )
    found = signs(ds)
    assert found["helps"] == pytest.approx([1.0, 0.5], abs=1e-6)
    assert found["harms"] == pytest.approx([1.0, 0.0], abs=1e-6)
    assert found["paradox"] == pytest.approx([1.0, 0.0], abs=1e-6)
    value = probability(found["helps"], np.full(2, 0.5), 50.0)
    assert value.estimate == pytest.approx(0.75, abs=1e-6)
    assert value.se == pytest.approx(np.sqrt(38 / 51 * 13 / 51 / 50), rel=1e-6)


def test_counts_of_unseen_sectors_are_held_to_the_limits_of_the_one_that_was_fitted():
    limits = [[[0.7, 0.5], [0.8, 0.6]], [[0.4, 0.2], [0.9, 0.7]]]
    fits = xr.Dataset(
        {
            "alive": (("sector", "cohorts", "age"), [[[0.75, 0.55]], [[0.75, 0.65]]]),
            "predicted": (("sector", "cohorts", "limit", "age"), np.array(limits)[:, np.newaxis]),
        },
        coords={"sector": ["a", "b"], "cohorts": [posterior_sectors.POOLED], "limit": [0.025, 0.975], "age": [1, 20]},
    )
    inside = posterior_sectors.unseen(fits)
    assert inside.sel(fitted="a", sector="b").values.tolist() == [1.0, 0.0]
    assert inside.sel(fitted="b", sector="a").values.tolist() == [1.0, 1.0]
    assert inside.sel(fitted="a", sector="a").isnull().all()
