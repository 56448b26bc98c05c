"""What changes of single characters in the source have shown to lack a test (`tests/evidence/mutation.py`)."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import (
    contrast,
    counts_from_firms,
    example,
    expected_payoff,
    kaplan_meier,
    landmark,
    proportional_hazards,
    rmst,
    rmst_curve,
)


@pytest.mark.parametrize("last", [(0, 26, 39, 52, 65, 78, 91, 104), (26, 13, 39, 52, 65, 78, 91, 104)])
def test_bins_ascend_from_the_first_week_on(last: tuple[int, ...]) -> None:
    ds = example().assign_coords(bin=list(last))
    with pytest.raises(EstimateError, match=r"last week of each bin, ascending to 104"):
        contrast(ds, kaplan_meier, between=({"execution": 0.0}, {"execution": 1.0}))


@pytest.mark.parametrize("points", [[0.5, 0.5, 0.5], ["low", "middle", "high"]])
def test_a_derivative_needs_different_numbers(points: list[float | str]) -> None:
    with pytest.raises(EstimateError, match="at least two different numbers"):
        contrast(example().assign_coords(execution=points), rmst, along="execution")


def test_a_payoff_without_events_has_no_limits() -> None:
    ds = example()
    ds["events"] = xr.zeros_like(ds["events"])
    found = expected_payoff(ds, np.ones(104), at_end=2.0)
    assert (found["estimate"] == 2.0).all()
    assert found["lower"].isnull().all()
    assert found["upper"].isnull().all()


def test_what_is_left_after_a_landmark_says_what_it_is() -> None:
    ds = example()
    ds["events"].attrs["long_name"] = "firms with an event"
    assert landmark(ds, week=52)["events"].attrs == ds["events"].attrs


def test_p_values_have_one_degree_of_freedom_less_than_batches() -> None:
    found = proportional_hazards(example(), "execution").sel(term="execution")
    statistic = float(found["estimate"] / found["se"])
    assert float(found["p_value"]) == pytest.approx(2 * scipy.stats.t.sf(abs(statistic), 31), rel=1e-9)


def test_a_step_is_a_week_where_nothing_else_is_said() -> None:
    random = np.random.Generator(np.random.Philox(7))
    week = np.minimum(random.integers(1, 60, (2, 160)), 40)
    firms = xr.Dataset({"event_week": (("cell", "replicate"), week.astype(float)),
                        "cause": (("cell", "replicate"), (week < 40).astype(int))}, attrs={"weeks": 40})  # fmt: skip
    firms["cause"].attrs = {"flag_values": [0, 1], "flag_meanings": "censored exit"}
    said = counts_from_firms(firms.assign_attrs(steps_per_week=1), batches=8, horizons=[20])
    xr.testing.assert_equal(counts_from_firms(firms, batches=8, horizons=[20]), said)
    unsaid = said.copy()
    del unsaid.attrs["steps_per_week"]
    pair = ({"cell": 1}, {"cell": 0})
    for f, options in ((rmst, {"tau": 20}), (rmst, {"tau": 33}), (rmst_curve, {})):
        found = contrast(unsaid, f, between=pair, **options)
        xr.testing.assert_equal(found, contrast(said, f, between=pair, **options))
        assert found["se"].max() > 0


@pytest.mark.parametrize("more", [8, 11])
def test_cells_with_more_of_the_first_replicates_pair(more: int) -> None:
    """Whether or not the larger number can be divided by the number of batches."""
    firms = xr.Dataset({"event_week": (("cell", "replicate"), np.tile(np.arange(64) * 23 % 61 + 1.0, (2, 1))),
                        "cause": (("cell", "replicate"), np.ones((2, 64), int))}, attrs={"weeks": 64})  # fmt: skip
    firms["cause"].attrs = {"flag_values": [0, 1], "flag_meanings": "censored exit"}
    small = counts_from_firms(firms.isel(replicate=slice(40)), batches=8)
    large = counts_from_firms(firms.isel(replicate=slice(40 + more)), batches=8)
    both = xr.concat([small.isel(cell=[0]), large.isel(cell=[1])], "cell")
    assert np.isfinite(float(contrast(both, rmst, between=({"cell": 1}, {"cell": 0}))["se"]))
