"""Turning points and the phase map: the truth of a process that is known, and nothing across gaps."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from paradox_counts import BATCHES, counts, true_turning_point
from tests.bounded import (
    Bounded,
    chance_of_deviation,
    chance_of_spread,
    of_estimates,
    of_mean,
    of_spread,
    times,
)

from firmfate.analysis import phase_map, turning_point
from firmfate.analysis.turning import sign_change
from firmfate.errors import EstimateError
from firmfate.survival import contrast, example, rmst


@pytest.fixture(scope="module")
def paradox() -> xr.Dataset:
    return counts()


@pytest.mark.bounded(power=0.95, against="an estimate off by 1.5 of its errors, or an error half as large as stated")
def test_turning_point_covers_the_truth_and_its_error_is_of_the_right_size(bounded: Bounded) -> None:
    """Over other firms: their mean is the truth, and their spread the standard error that each states."""
    repetitions = 24

    @functools.cache
    def found(sample: int) -> tuple[np.ndarray, np.ndarray]:
        first = 1 + 1000 * sample
        each = [turning_point(counts(seed=seed)) for seed in range(first, first + repetitions * times(sample))]
        return np.array([float(one.estimate) for one in each]), np.array([float(one.se) for one in each])

    def p_values(sample: int, off: float = 0.0, factor: float = 1.0) -> list[float]:
        estimate, se = found(sample)
        said = np.sqrt((se**2).mean()) * factor
        spread = of_spread(estimate.std(ddof=1) / said, estimate.size - 1)
        return [*of_mean(estimate, true_turning_point() + off * said), *spread]

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, off=2))
    assert bounded.refuses(lambda sample: p_values(sample, factor=0.4))
    bounded.sees(chance_of_deviation(1.5 * repetitions**0.5, repetitions - 1), 2)
    bounded.sees(chance_of_spread(2, repetitions - 1), 2)


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


@pytest.mark.bounded(power=0.95, against="a contour that is off by 5 of its errors")
def test_phase_map_has_the_signs_and_the_contour_of_the_process(paradox: xr.Dataset, bounded: Bounded) -> None:
    found = phase_map(paradox)
    assert (found.sign.sel(misalignment=0.0) == 1).all()
    assert (found.sign.sel(misalignment=1.0) == -1).all()
    assert found.rmst.attrs["units"] == "year"

    @functools.cache
    def inside(sample: int) -> list[xr.Dataset]:
        others = [phase_map(counts(seed=1000 * sample + seed)) for seed in range(times(sample))] if sample else [found]
        return [one.isel(execution=slice(1, -1)) for one in others]

    def p_values(sample: int, off: float = 0.0) -> list[float]:
        contour, se = ([one[name].values for one in inside(sample)] for name in ("contour", "contour_se"))
        return of_estimates(contour, se, true_turning_point() + off, BATCHES - 1)

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, off=0.2))
    bounded.sees(chance_of_deviation(5, BATCHES - 1), 3)
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
