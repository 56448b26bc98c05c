"""Observed groups of fewer firms than batches: unrelated cells, firms that depend on each other, and their errors."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import t

from firmfate import survival as s
from firmfate.errors import EstimateError

FIRMS = pd.read_csv(f"{__file__.removesuffix('test_small_groups.py')}oracle/published_firms.csv.gz")
GROUPS = ({"group": 1}, {"group": 2})


def counts(name: str, *covariates: str, **options: object) -> xr.Dataset:
    here = FIRMS[FIRMS["data"] == name]
    return s.counts_from_table(here, duration="time", cause="cause", covariates=covariates, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["aml", "ovarian", "larynx", "kidney"])
def test_comparisons_of_small_groups(name: str) -> None:
    """11 and 12, 13 and 13, 33 and 17, 20 and 56 observations."""
    ds = counts(name, "group").sel(group=[1, 2])
    assert s.logrank(ds, "group").p_value.notnull()
    assert "batch_p_value" not in s.logrank(ds, "group")
    assert s.gray_test(ds, "group", cause=1).p_value.notnull()
    fit = s.proportional_hazards(ds, "group")
    assert fit.attrs["standard_error"] == "independent firms"
    np.testing.assert_array_equal(fit.se, fit.independent_se)
    assert s.proportionality(ds, "group").p_value.notnull().all()
    for f in (s.rmst, s.kaplan_meier, s.nelson_aalen, s.cumulative_incidence, s.time_lost, partial(s.quantile, p=0.1)):
        found = s.contrast(ds, f, between=GROUPS)
        assert found.attrs["standard_error"] == "independent firms"
        last = found.isel(dict.fromkeys(found.se.dims, -1))
        assert last.lower < last.estimate < last.upper
    assert np.isfinite(s.hazard_ratio(ds, between=GROUPS, bin_weeks=ds.sizes["week"])).to_array().all()
    crossed = s.crossing(ds, between=GROUPS)
    assert crossed.estimate.isnull() or crossed.lower <= crossed.estimate <= crossed.upper


def test_unrelated_cells_add_their_own_errors() -> None:
    ds = counts("aml", "group")
    found, each = s.contrast(ds, s.rmst, between=GROUPS, tau=48), s.rmst(ds, tau=48)
    first, second = (each.se.sel(place).item() for place in GROUPS)
    assert found.se.item() == pytest.approx(np.hypot(first, second), rel=1e-12)
    wider = t.ppf(0.975, ds.firms - 1) / t.ppf(0.975, np.inf)
    below, above = (wider * (each.estimate - each.lower).values, wider * (each.upper - each.estimate).values)
    assert (found.estimate - found.lower).item() == pytest.approx(np.hypot(below[0], above[1]), rel=1e-12)
    assert (found.upper - found.estimate).item() == pytest.approx(np.hypot(above[0], below[1]), rel=1e-12)
    narrow = s.contrast(ds, partial(s.rmst, tau=48), between=GROUPS, level=0.5)
    assert narrow.upper < found.upper
    slope = s.contrast(ds, s.rmst, along="group", tau=48)
    np.testing.assert_allclose(slope.se, found.se, rtol=1e-12)
    again = s.contrast(ds, s.rmst, between=GROUPS, tau=48, paired=False)
    xr.testing.assert_identical(again, found)


def test_other_functions_take_the_jackknife_of_each_cell() -> None:
    """Fewer firms than batches: one firm is left out at a time, in its own cell alone."""
    ds = counts("aml", "group", bin_weeks=1)

    def log_mean(part: xr.Dataset) -> xr.DataArray:
        mean: xr.DataArray = np.log(s.rmst(part, tau=48).estimate)
        return mean

    found = s.contrast(ds, log_mean, between=GROUPS)
    assert found.attrs["standard_error"].startswith("batch jackknife in each cell")
    assert found.attrs["assumption"] == "the function is smooth in the counts"
    frame, variances, degrees = FIRMS[FIRMS["data"] == "aml"].reset_index(drop=True), [], []
    for place in GROUPS:
        rows = frame.index[frame["group"] == place["group"]]
        rest = (counts_of(frame.drop(row), horizon=161).sel(place) for row in rows)
        left = np.array([log_mean(part).item() for part in rest])
        variances.append((left.size - 1) / left.size * ((left - left.mean()) ** 2).sum())
        degrees.append(left.size - 1)
    assert found.se.item() == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)
    df = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, degrees, strict=True))
    assert (found.upper - found.estimate).item() == pytest.approx(t.ppf(0.975, df) * found.se.item(), rel=1e-9)


def counts_of(frame: pd.DataFrame, **options: int) -> xr.Dataset:
    return s.counts_from_table(frame, duration="time", cause="cause", covariates=["group"], **options)


def test_cells_of_very_few_firms() -> None:
    """With 7 firms in one, the estimator's own error is there, and the jackknife's is not."""
    frame = FIRMS[FIRMS["data"] == "aml"]
    ds = counts_of(frame[(frame["group"] == 2) | (frame["time"] < 30)])
    assert ds.firms.values.tolist() == [6, 12]
    assert s.contrast(ds, s.rmst, between=GROUPS).se > 0
    with pytest.raises(EstimateError, match="6 to 12 non-empty batches; a standard error from batches needs 8 in each"):
        s.contrast(ds, lambda part: s.rmst(part).estimate, between=GROUPS)
    with pytest.raises(EstimateError, match="unpaired cells"):
        s.contrast(ds, s.rmst, between=GROUPS, simultaneous=True)


def test_every_firm_may_be_a_cell_of_its_own() -> None:
    """A covariate that differs from firm to firm: regressions take it."""
    fit = s.proportional_hazards(counts("lung", "group", "x"), "C(group) + x", ties="breslow")
    assert fit.se.notnull().all()
    assert counts("lung", "group", "x").firms.dims == ("group", "x")
    assert (s.contrast(counts("lung", "group", "x"), s.rmst, along="group").se > 0).any()


def clustered(seed: int, *, clusters: int = 40, effect: float = 0.0, both: bool = True) -> pd.DataFrame:
    """Firms of clusters that share a frailty; a cluster has firms of both groups, in unequal numbers."""
    random = np.random.Generator(np.random.Philox(seed))
    sizes = random.integers(1, 12, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    frailty = random.gamma(0.7, 1 / 0.7, clusters)[cluster]
    group = random.integers(0, 2, cluster.size) if both else cluster % 2
    week = np.ceil(random.exponential(1 / (0.02 * np.exp(effect * group) * frailty))).clip(1, 53)
    return pd.DataFrame({"week": week, "end": np.where(week > 52, "", "exit"), "group": group, "industry": cluster})


def test_firms_that_depend_on_each_other_share_a_batch() -> None:
    """Clusters in both groups, or in one: what is left out of both at once is the cluster."""
    frame = clustered(1)
    options = {"duration": "week", "cause": "end", "covariates": ["group"], "horizon": 52, "bin_weeks": 1}
    ds = s.counts_from_table(frame, batch="industry", **options)
    between = ({"group": 1}, {"group": 0})
    found = s.contrast(ds, s.rmst, between=between)
    left = []
    for industry in range(40):
        rest = s.rmst(s.counts_from_table(frame[frame["industry"] != industry], **options)).estimate
        left.append((rest.sel(group=1) - rest.sel(group=0)).item())
    se = np.sqrt(39 / 40 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert found.se.item() == pytest.approx(se, rel=1e-9)
    assert found.attrs["batches"] == 40
    assert s.proportional_hazards(ds, "group").attrs["batches"] == 40
    assert s.logrank(ds, "group").batch_p_value.notnull()
    apart = s.counts_from_table(clustered(2, both=False), batch="industry", **options)
    independent = s.counts_from_table(clustered(2, both=False), **options)
    assert s.contrast(apart, s.rmst, between=between).se > 1.5 * s.contrast(independent, s.rmst, between=between).se


def test_a_simulation_s_cells_must_still_hold_the_same_replicates(small: xr.Dataset) -> None:
    some = small.copy(deep=True)
    for name in some.data_vars:
        some[name][2] = 0
    other = small.copy(deep=True)
    other["batch_firms"][2, :, 0] = 0
    with pytest.raises(EstimateError, match=r"different non-empty batches|unequal sets"):
        s.contrast(other, s.rmst, along="execution")
    assert s.contrast(some, s.rmst, between=({"execution": 0.5}, {"execution": 0.0})).se.notnull().all()
