"""Selection: sums over survivors give the means and regressions that pandas and statsmodels' algebra give."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_deviation, chance_of_spread, of_deviation, of_spread, times

from common.survivor_moments import estimated, least_squares, mean_of, moments
from firmfate.errors import EstimateError

AGES = (0, 2, 6)
FIRMS, BATCHES = 4_000, 32


@functools.cache
def made(seed=11, count=FIRMS):
    """Return firms that live as long as an exponential law with known effects says; some outlive the study."""
    random = np.random.Generator(np.random.Philox(seed))
    table = pd.DataFrame({"e": random.uniform(size=count), "m": random.uniform(size=count)})
    table["em"] = table["e"] * table["m"]
    table["lived"] = random.exponential(np.exp(2 + table["e"] - 2 * table["em"]))
    table.loc[table["lived"] > 20, "lived"] = np.inf
    table["years"] = table["lived"].clip(upper=20)
    table["high"] = (table["m"] > 0.8).astype(float)
    return table


@functools.cache
def summed(seed=11, count=FIRMS):
    """Return their sums."""
    firms = made(seed, count)
    columns = xr.Dataset({name: ("firm", firms[name].to_numpy()) for name in ("e", "m", "em", "years", "high")})
    return moments(columns, lived=xr.DataArray(firms["lived"].to_numpy(), dims="firm"), ages=AGES)


@pytest.fixture
def firms():
    return made()


@pytest.fixture
def sums():
    return summed()


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


def of_regression(seed):
    """Return the jackknife's errors of a regression, and its heteroscedastic ones (White 1980)."""
    found = estimated(summed(seed), lambda total: least_squares(total, "years", ["e", "m", "em"])).sel(age=0)
    assert (found["lower"] < found["estimate"]).all()
    firms = made(seed)
    x = np.column_stack([np.ones(len(firms)), firms[["e", "m", "em"]]])
    beta, *_ = np.linalg.lstsq(x, firms["years"].to_numpy(), rcond=None)
    bread = np.linalg.inv(x.T @ x)
    residual = firms["years"].to_numpy() - x @ beta
    return found["se"].values, np.sqrt(np.diag(bread @ (x.T * residual**2) @ x @ bread))


@pytest.mark.bounded(power=0.95, against="an error that is twice, or half, of what it should be")
def test_errors_are_those_of_independent_firms(bounded: Bounded):
    """Firms are independent here, so that both errors are of the same thing."""

    @functools.cache
    def ratio(sample):
        each = [of_regression(11 + 100 * sample + seed) for seed in range(times(sample))]
        return np.sqrt(np.mean([(jackknife / white) ** 2 for jackknife, white in each], axis=0))

    def p_values(sample, factor=1.0):
        return of_spread(ratio(sample) * factor, times(sample) * (BATCHES - 1))

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, 2))
    for factor in (0.5, 2):
        bounded.sees(chance_of_spread(factor, BATCHES - 1), 4)


@pytest.mark.bounded(power=0.99, against="a slope as it is among firms that have lived for six years")
def test_survivors_are_selected(bounded: Bounded):
    @functools.cache
    def slope(sample):
        sums = summed(11 + sample, FIRMS * times(sample))
        return estimated(sums, lambda total: least_squares(total, "e", ["m"]).sel(term="m", drop=True))

    def p_value(sample, age):
        here = slope(sample).sel(age=age)
        return of_deviation(float(here["estimate"] / here["se"]), BATCHES - 1)

    assert not bounded.refuses(lambda sample: p_value(sample, 0))
    assert bounded.refuses(lambda sample: p_value(sample, 6))
    assert float(slope(0)["estimate"].sel(age=6)) < 0
    off = float(slope(0)["estimate"].sel(age=6) / slope(0)["se"].sel(age=0))
    bounded.sees(chance_of_deviation(off, BATCHES - 1))


def test_too_few_batches_are_refused(firms):
    columns = xr.Dataset({"e": ("firm", firms["e"].to_numpy())})
    few = moments(columns, lived=xr.DataArray(firms["lived"].to_numpy(), dims="firm"), ages=AGES, batches=4)
    with pytest.raises(EstimateError, match="needs 8"):
        estimated(few, lambda total: mean_of(total, "e"))
