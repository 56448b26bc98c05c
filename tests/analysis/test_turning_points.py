"""Turning points and the phase map: the truth of a process that is known, and nothing across gaps."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from paradox_counts import counts, true_turning_point

from firmfate.analysis import phase_map, turning_point
from firmfate.analysis.turning import sign_change
from firmfate.errors import EstimateError
from firmfate.survival import contrast, example, rmst


@pytest.fixture(scope="module")
def paradox() -> xr.Dataset:
    return counts()


def test_turning_point_covers_the_truth_and_its_error_is_of_the_right_size(paradox: xr.Dataset) -> None:
    found = turning_point(paradox)
    assert abs(found.estimate - true_turning_point()) < 4 * found.se
    # Other firms, other seeds: the spread of estimates is the standard error, within the error of 24 draws.
    others = [float(turning_point(counts(seed=seed)).estimate) for seed in range(1, 25)]
    assert abs(np.mean(others) - true_turning_point()) < 4 * found.se / np.sqrt(24)
    assert 0.6 < np.std(others, ddof=1) / float(found.se) < 1.6


def test_effects_of_exactly_nothing_turn_where_they_are() -> None:
    """A cell in which execution changes nothing is the turning point; its neighbours alone would miss it."""
    misalignment = np.array([0.0, 0.25, 0.5, 0.75, 1.0])

    def turning(*effect: float) -> float:
        line = xr.DataArray(list(effect), dims="misalignment", coords={"misalignment": misalignment})
        return float(sign_change(line))

    assert turning(3, 2, 0, -1, -2) == 0.5
    assert turning(3, 2, 1e-12, -1, -2) == pytest.approx(0.5, abs=1e-9)
    assert turning(3, 2, -1e-12, -1, -2) == pytest.approx(0.5, abs=1e-9)
    assert turning(3, 0, 0, -1, -2) == 0.375
    assert turning(0, 3, 1, -1, 0) == 0.625
    for never in ((0, 0, 1, 2, 3), (1, 0, 1, 0, 1), (0, 0, 0, 0, 0), (1, 2, np.nan, 0, 0)):
        assert np.isnan(turning(*never))


def test_no_turning_point_is_interpolated_over_cells_without_an_estimate() -> None:
    misalignment = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    for gap in ((3, 2, np.nan, -1, -2), (3, 0, np.nan, 0, -2), (3, np.nan, np.nan, np.nan, -2)):
        line = xr.DataArray(list(gap), dims="misalignment", coords={"misalignment": misalignment})
        assert np.isnan(float(sign_change(line)))
    known = xr.DataArray([np.nan, 3, -3, np.nan, -2], dims="misalignment", coords={"misalignment": misalignment})
    assert float(sign_change(known)) == 0.375


def test_of_several_sign_changes_the_one_asked_for_is_taken() -> None:
    """By default that between the largest opposite effects; otherwise that nearest to a given misalignment."""
    line = xr.DataArray([1.0, -1, 3, -3, -3], dims="misalignment", coords={"misalignment": [0, 0.25, 0.5, 0.75, 1]})
    assert float(sign_change(line)) == 0.625
    for near, at in ((0.0, 0.125), (0.3, 0.3125), (0.9, 0.625)):
        assert float(sign_change(line, near=xr.DataArray(near))) == at


def test_turning_point_wants_both_axes() -> None:
    with pytest.raises(EstimateError, match="execution and misalignment"):
        turning_point(example().rename(execution="effort"))


def test_phase_map_has_the_signs_and_the_contour_of_the_process(paradox: xr.Dataset) -> None:
    found = phase_map(paradox)
    assert (found.sign.sel(misalignment=0.0) == 1).all()
    assert (found.sign.sel(misalignment=1.0) == -1).all()
    assert found.rmst.attrs["units"] == "year"
    inside = found.isel(execution=slice(1, -1))
    assert (abs(inside.contour - true_turning_point()) < 5 * inside.contour_se).all()
    np.testing.assert_allclose(found.slope, contrast(paradox, rmst, along="execution").estimate / 52, rtol=1e-12)


def test_a_phase_map_is_of_any_two_axes_of_a_grid(paradox: xr.Dataset) -> None:
    renamed = paradox.rename(execution="cash_buffer", misalignment="misalignment_sales")
    usual, other = phase_map(paradox), phase_map(renamed, "misalignment.sales", "cash_buffer")
    for name, values in usual.items():
        np.testing.assert_array_equal(other[name].values, values.values)
    turned = phase_map(paradox, "execution", "misalignment")
    assert (turned.sign.sel(execution=paradox.execution[-1]) == -1).all()  # more misalignment harms strong firms
    assert turned.contour.dims == ("misalignment",)
    for x, y, word in (("execution", "execution", "two different"), ("misalignement", "execution", "did you mean")):
        with pytest.raises(EstimateError, match=word):
            phase_map(paradox, x, y)
