"""What `contrast` needs to know of an estimator is found however the estimator is handed over."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import contrast, kaplan_meier, quantile, rmst

BETWEEN = ({"execution": 1.0}, {"execution": 0.0})


@functools.wraps(quantile)
def share_of_year(ds: xr.Dataset, **options: Any) -> xr.DataArray:
    weeks: xr.DataArray = quantile(ds, **options)["estimate"]
    return weeks / 52


@functools.wraps(rmst)
def years(ds: xr.Dataset, **options: Any) -> xr.DataArray:
    weeks: xr.DataArray = rmst(ds, **options)["estimate"]
    return weeks / 52


def test_a_partial_quantile_takes_the_errors_of_quantile(small: xr.Dataset) -> None:
    """The jackknife is wrong for quantiles, whichever way the share comes in."""
    named = contrast(small, quantile, p=0.3, between=BETWEEN)
    assert named.attrs["standard_error"].startswith("batch means")
    for f in (
        functools.partial(quantile, p=0.3),
        functools.partial(functools.partial(quantile, level=0.9), p=0.3),
        functools.partial(quantile, p=0.9),
    ):
        options = {"p": 0.3} if f.keywords["p"] == 0.9 else {}
        xr.testing.assert_identical(contrast(small, f, between=BETWEEN, **options), named)
    wrapped = contrast(small, share_of_year, p=0.3, between=BETWEEN)
    np.testing.assert_allclose(wrapped.se * 52, named.se, rtol=1e-12)
    assert wrapped.attrs["approximate"] == 1


def test_quantiles_of_batches_are_interpolated(small: xr.Dataset) -> None:
    """The standard error is that of quantiles between weeks, not of integer weeks."""

    def weeks(ds: xr.Dataset, *, interpolate: bool) -> xr.DataArray:
        found: xr.DataArray = quantile(ds, p=0.1, interpolate=interpolate)["estimate"]
        return found

    misaligned = small.sel(misalignment=1.0)
    named = contrast(misaligned, quantile, p=0.1, between=BETWEEN)
    finely, coarsely = (
        contrast(misaligned, functools.partial(weeks, interpolate=fine), between=BETWEEN, resampling="means")
        for fine in (True, False)
    )
    np.testing.assert_allclose(named.se, finely.se, rtol=1e-12)
    assert abs(named.se / coarsely.se - 1) > 1e-3


def test_a_partial_mean_takes_the_exact_lifetimes(small: xr.Dataset) -> None:
    named = contrast(small, rmst, tau=52, between=BETWEEN)
    assert named.attrs["standard_error"] == "batch jackknife"
    xr.testing.assert_identical(contrast(small, functools.partial(rmst, tau=52), between=BETWEEN), named)
    # A wrapper may do anything with the mean, so that the exact mean is not its value.
    wrapped = contrast(small, years, tau=52, between=BETWEEN)
    np.testing.assert_allclose(wrapped.estimate * 52, named.estimate, rtol=1e-12)
    np.testing.assert_allclose(wrapped.se * 52, named.se, rtol=1e-9)


def test_a_function_that_calls_quantile_is_refused_the_jackknife(small: xr.Dataset) -> None:
    def spread(ds: xr.Dataset) -> xr.DataArray:
        quartiles = quantile(ds, p=[0.1, 0.3], interpolate=True)["estimate"]
        return quartiles.diff("p").squeeze("p")

    for f in (spread, lambda ds: quantile(ds, p=0.3)):
        with pytest.raises(EstimateError, match=r"calls quantile.*resampling='means'"):
            contrast(small, f, between=BETWEEN)
    found = contrast(small, spread, between=BETWEEN, resampling="means")
    assert found.attrs["standard_error"].startswith("batch means")
    with pytest.raises(EstimateError, match="quantile is not smooth"):
        contrast(small, quantile, p=0.3, between=BETWEEN, resampling="jackknife")


def test_what_is_assumed_of_an_unknown_function_is_stated(small: xr.Dataset) -> None:
    unknown = contrast(small, lambda ds: 1 - kaplan_meier(ds)["estimate"], between=BETWEEN)
    assert unknown.attrs["assumption"] == "the function is smooth in the counts"
    known = contrast(small, kaplan_meier, between=BETWEEN)
    assert "assumption" not in known.attrs
    np.testing.assert_allclose(unknown.estimate, -known.estimate, atol=1e-15)
