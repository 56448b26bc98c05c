"""Effects of a grid's axes agree with a process whose mean lifetimes are known, and an inner best value is named."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import xarray as xr
from paradox_counts import EXECUTION, MISALIGNMENT, WEEKS, counts
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

from firmfate.analysis import axis_effects, finding, surface_effects
from firmfate.errors import EstimateError

AXES = ("execution", "misalignment")


def humped(execution: np.ndarray, misalignment: np.ndarray, _: float = 1.0) -> np.ndarray:
    """Hazard a week that is least at execution 0.5, grows with misalignment, and more so at high execution."""
    return np.asarray(
        0.008 * np.exp(6 * (execution - 0.5) ** 2 + 0.5 * misalignment + 0.8 * (execution - 0.5) * misalignment)
    )


def true_years(seed: int) -> tuple[xr.Dataset, xr.DataArray]:
    """Return counts of the humped process without common random numbers, renamed, and its true mean lifetimes."""
    ds = counts(seed=seed, common=False, weekly=humped).rename(execution="effort")
    stays = np.exp(-humped(EXECUTION[:, None], MISALIGNMENT[None, :]))
    years = (1 - stays**WEEKS) / (1 - stays) / 52
    return ds, xr.DataArray(years, dims=("effort", "misalignment"))


DESIGNS = 8


@functools.cache
def scores(sample: int) -> np.ndarray:
    """Return how far six numbers are off, in standard errors; counts of another seed a row."""
    rows = []
    for seed in range(1000 * sample, 1000 * sample + DESIGNS * times(sample)):
        ds, years = true_years(seed)
        found = axis_effects(ds)
        ends = years.isel(effort=[0, -1], misalignment=[0, -1]).values
        total, grand = float(years.var()), float(years.mean())
        main = {axis: years.mean([dim for dim in years.dims if dim != axis]) - grand for axis in years.dims}
        joint = years - grand - main["effort"] - main["misalignment"]
        one, pair = found.sel(axis="effort"), found.sel(axis="effort", other="misalignment")
        effort = years.mean("misalignment")
        assert one.inner == 0.5
        rows.append(
            [
                (float(one.estimate) - float(effort[-1] - effort[0])) / float(one.se),
                (float(one.above_low) - float(effort[2] - effort[0])) / float(one.above_low_se),
                (float(one.above_high) - float(effort[2] - effort[-1])) / float(one.above_high_se),
                (float(one.share) - float(main["effort"].var()) / total) / float(one.share_se),
                (float(pair.interaction) - (ends[1, 1] - ends[1, 0] - ends[0, 1] + ends[0, 0]))
                / float(pair.interaction_se),
                (float(pair.joint_share) - float(joint.var()) / total) / float(pair.joint_share_se),
            ]
        )
    return np.array(rows)


@pytest.mark.bounded(power=0.99, against="a number that is off by 3 of its errors")
def test_effects_interactions_and_shares_are_those_of_the_process(bounded: Bounded) -> None:
    def p_values(sample: int, off: float = 0.0) -> list[float]:
        found = scores(sample) + off
        return of_deviation(found.mean(axis=0) * len(found) ** 0.5, 31)

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, off=4))
    bounded.sees(chance_of_deviation(3 * DESIGNS**0.5, 31), 6)
    assert 0.6 < scores(0).std() < 1.5


def test_an_inner_best_value_is_named_and_a_slope_is_not_taken_for_one() -> None:
    found = finding(true_years(0)[0])
    assert found.headline.startswith(
        "Of 2 axes, effort matters most to the mean lifetime within 4 years: the mean lifetime is longest at 0.5, "
    )
    assert "longer than at 0 and" in found.headline
    assert "misalignment" in found.statements[1]
    assert "raising it from 0 to 1 shortens life by" in found.statements[1]
    slope = finding(counts().rename(execution="effort"))
    assert "lifetime is longest at 0" not in slope.headline + " ".join(slope.statements[:2])


def test_an_inner_worst_value_is_named() -> None:
    dip = counts(weekly=lambda e, m, _: np.asarray(0.02 * np.exp(-4 * (e - 0.5) ** 2) + 0 * m)).rename(
        execution="effort"
    )
    assert "the mean lifetime is shortest at 0.5, " in finding(dip).headline


@pytest.mark.slow
def test_values_that_do_nothing_are_seldom_named_best() -> None:
    """Of 60 grids without any effect at most 8 find a value, an end or an interaction: at 5 %, 3 are expected."""
    wrong = 0
    for seed in range(60):
        ds = counts(seed=seed, common=False, effect=0.0).rename(execution="effort")
        wrong += "none has an effect" not in finding(ds).headline
    assert wrong <= 8


def test_common_random_numbers_and_more_axes_are_kept_apart() -> None:
    two = xr.concat([counts(seed=1), counts(seed=1)], dim="colour").assign_coords(colour=[1.0, 2.0])
    found = axis_effects(two.rename(execution="effort"))
    assert found.axis.values.tolist() == ["colour", "effort", "misalignment"]
    assert float(found.estimate.sel(axis="colour")) == 0.0
    for one, other in itertools.combinations(found.axis.values, 2):
        assert found.interaction.sel(axis=one, other=other) == found.interaction.sel(axis=other, other=one)
    assert float(found.share.sum()) + float(np.nansum(np.triu(found.joint_share))) == pytest.approx(1)


def test_a_grid_and_the_same_cells_as_a_list_agree() -> None:
    grid = counts(common=False, weekly=humped)
    points = grid.stack(cell=AXES).reset_index("cell").transpose("cell", ...)
    ours, polynomial = axis_effects(grid), surface_effects(points)
    assert np.abs(ours.share - polynomial.share).max() < 0.05


def test_an_axis_of_text_is_refused() -> None:
    ds = true_years(0)[0]
    with pytest.raises(EstimateError, match="axis 'effort' holds text"):
        axis_effects(ds.assign_coords(effort=[f"e{place}" for place in range(ds.sizes["effort"])]))


def test_an_axis_of_one_value_does_not_widen_limits() -> None:
    ds = true_years(0)[0]
    fixed = ds.expand_dims(demand=[1.0], axis=1)
    assert finding(fixed).numbers["largest effect"] == finding(ds).numbers["largest effect"]
