"""What changes of single characters in the source have shown to lack a test (`tests/evidence/mutation.py`)."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import contrast, example, expected_payoff, kaplan_meier, landmark, proportional_hazards, rmst


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
