"""Functions of mean lifetimes have the errors that contrasts of the estimator have."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from paradox_counts import counts

from firmfate.analysis import Lifetimes
from firmfate.survival import contrast, rmst


@pytest.fixture(scope="module")
def paradox() -> xr.Dataset:
    return counts()


def test_lifetimes_agree_with_contrast(paradox: xr.Dataset) -> None:
    direct = contrast(paradox, rmst, between=({"execution": 1.0}, {"execution": 0.0})) / 52
    ours = Lifetimes(paradox).apply(lambda years: years.sel(execution=1.0) - years.sel(execution=0.0))
    for name in ("estimate", "se", "lower", "upper"):
        np.testing.assert_allclose(ours[name], direct[name], rtol=1e-10)


def test_lifetimes_away_from_recorded_horizons_use_bins(paradox: xr.Dataset) -> None:
    ours = Lifetimes(paradox, tau=80).apply(lambda years: years.sel(execution=1.0) - years.sel(execution=0.0))
    direct = contrast(paradox, rmst, between=({"execution": 1.0}, {"execution": 0.0}), tau=80) / 52
    np.testing.assert_allclose(ours["se"], direct["se"], rtol=1e-8)
