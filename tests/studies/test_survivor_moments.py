"""Selection: sums over survivors give the means and regressions that pandas and statsmodels' algebra give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from common.survivor_moments import estimated, least_squares, mean_of, moments
from firmfate.errors import EstimateError

AGES = (0, 2, 6)


@pytest.fixture(scope="module")
def firms():
    """4,000 firms that live as long as an exponential law with known effects says; some outlive the study."""
    random = np.random.Generator(np.random.Philox(11))
    table = pd.DataFrame({"e": random.uniform(size=4_000), "m": random.uniform(size=4_000)})
    table["em"] = table["e"] * table["m"]
    table["lived"] = random.exponential(np.exp(2 + table["e"] - 2 * table["em"]))
    table.loc[table["lived"] > 20, "lived"] = np.inf
    table["years"] = table["lived"].clip(upper=20)
    table["high"] = (table["m"] > 0.8).astype(float)
    return table


@pytest.fixture(scope="module")
def sums(firms):
    columns = xr.Dataset({name: ("firm", firms[name].to_numpy()) for name in ("e", "m", "em", "years", "high")})
    return moments(columns, lived=xr.DataArray(firms["lived"].to_numpy(), dims="firm"), ages=AGES)


@pytest.mark.parametrize("age", AGES)
def test_means_and_regressions_of_survivors(firms, sums, age):
    left = firms[firms["lived"] > age] if age else firms
    total = sums.sum("batch").sel(age=age)
    assert float(total.sel(row="one", column="one")) == len(left)
    assert float(mean_of(total, "e")) == pytest.approx(left["e"].mean(), rel=1e-12)
    assert float(mean_of(total, "e", among="high")) == pytest.approx(left.loc[left["m"] > 0.8, "e"].mean(), rel=1e-12)
    x = np.column_stack([np.ones(len(left)), left[["e", "m", "em"]]])
    beta, *_ = np.linalg.lstsq(x, left["years"].to_numpy(), rcond=None)
    found = least_squares(sums.sum("batch"), "years", ["e", "m", "em"]).sel(age=age)
    np.testing.assert_allclose(found, beta, rtol=1e-9)


def test_errors_are_those_of_independent_firms(firms, sums):
    # Firms are independent here, so the jackknife is near the heteroscedastic error of the regression (White 1980).
    found = estimated(sums, lambda total: least_squares(total, "years", ["e", "m", "em"])).sel(age=0)
    x = np.column_stack([np.ones(len(firms)), firms[["e", "m", "em"]]])
    beta, *_ = np.linalg.lstsq(x, firms["years"].to_numpy(), rcond=None)
    bread = np.linalg.inv(x.T @ x)
    residual = firms["years"].to_numpy() - x @ beta
    white = np.sqrt(np.diag(bread @ (x.T * residual**2) @ x @ bread))
    ratio = found["se"].values / white
    # The standard deviation of an error from 32 batches is 1/√62 of it.
    assert (np.abs(ratio - 1) < 5 / np.sqrt(62)).all()
    assert (found["lower"] < found["estimate"]).all()


def test_survivors_are_selected(sums):
    slope = estimated(sums, lambda total: least_squares(total, "e", ["m"]).sel(term="m", drop=True))
    assert abs(float(slope["estimate"].sel(age=0))) < 5 * float(slope["se"].sel(age=0))
    assert float(slope["estimate"].sel(age=6)) < -5 * float(slope["se"].sel(age=6))


def test_too_few_batches_are_refused(firms):
    columns = xr.Dataset({"e": ("firm", firms["e"].to_numpy())})
    few = moments(columns, lived=xr.DataArray(firms["lived"].to_numpy(), dims="firm"), ages=AGES, batches=4)
    with pytest.raises(EstimateError, match="needs 8"):
        estimated(few, lambda total: mean_of(total, "e"))
